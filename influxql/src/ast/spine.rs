//! [`Operand`]: the box between an expression and its operands.
//!
//! `a OR b OR c …` parses to a tree that is as deep on its left side as the chain is long: a
//! megabyte of text makes a depth of 200,000. A plain `Box` would drop, clone and compare it by
//! recursion and overflow the stack. This box does the three along the left side in a loop; every
//! other direction is bounded by the parser's nesting limit.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

use super::{BinaryOp, Expr};

/// An owned operand. Reads like the [`Expr`] in it.
pub struct Operand(Box<Expr>);

impl Operand {
    /// Takes the expression out.
    pub fn into_expr(mut self) -> Expr {
        self.take()
    }

    fn take(&mut self) -> Expr {
        mem::replace(&mut *self.0, Expr::Boolean(false))
    }
}

impl From<Expr> for Operand {
    fn from(expr: Expr) -> Self {
        Self(Box::new(expr))
    }
}

impl Deref for Operand {
    type Target = Expr;

    fn deref(&self) -> &Expr {
        &self.0
    }
}

impl DerefMut for Operand {
    fn deref_mut(&mut self) -> &mut Expr {
        &mut self.0
    }
}

impl Drop for Operand {
    fn drop(&mut self) {
        let Expr::Binary { left, .. } = &mut *self.0 else { return };
        let mut next = left.take();
        // Each round drops one node whose left operand was taken away, so nothing recurses left.
        while let Expr::Binary { left, .. } = &mut next {
            next = left.take();
        }
    }
}

impl Clone for Operand {
    fn clone(&self) -> Self {
        let mut rest: Vec<(BinaryOp, &Operand)> = Vec::new();
        let mut expr: &Expr = &self.0;
        while let Expr::Binary { op, left, right } = expr {
            rest.push((*op, right));
            expr = left;
        }
        let mut copy = expr.clone();
        for (op, right) in rest.into_iter().rev() {
            copy = Expr::Binary { op, left: copy.into(), right: right.clone() };
        }
        copy.into()
    }
}

impl PartialEq for Operand {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b): (&Expr, &Expr) = (&self.0, &other.0);
        loop {
            match (a, b) {
                (
                    Expr::Binary { op: op_a, left: left_a, right: right_a },
                    Expr::Binary { op: op_b, left: left_b, right: right_b },
                ) => {
                    if op_a != op_b || right_a != right_b {
                        return false;
                    }
                    (a, b) = (left_a, left_b);
                }
                // At most one of the two is a chain, so this compares one level.
                _ => return a == b,
            }
        }
    }
}

impl fmt::Debug for Operand {
    /// Shows the operand as text: the derived form would recurse along the chain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", *self.0)
    }
}
