//! Expressions: operands joined by binary operators.
//!
//! The tree grows by insertion: a new operator goes down the right side of what is there as long as
//! it binds tighter, and takes the place of what it finds. That is at most five steps, one for each
//! precedence, so a chain of any length takes time proportional to it and no stack.

use std::mem;

use super::{Parser, Result};
use crate::ast::{BinaryOp, Expr};

impl Parser<'_> {
    /// An expression, up to the first token that cannot continue it.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        let mut root = self.operand()?;
        loop {
            let Some(op) = self.scan_word().kind.as_binary_op() else {
                self.unscan();
                return Ok(root);
            };
            let right = match op {
                BinaryOp::Matches | BinaryOp::NotMatches => Expr::Regex(self.regex()?),
                _ => self.operand()?,
            };
            insert(&mut root, op, right);
        }
    }
}

/// Puts `op right` behind the part of the expression that it applies to.
fn insert(place: &mut Expr, op: BinaryOp, right: Expr) {
    if let Expr::Binary { op: above, right: below, .. } = place
        && above.precedence() < op.precedence()
    {
        // Precedences rise on the way down, so this is at most five deep.
        return insert(below, op, right);
    }
    let left = mem::replace(place, Expr::Boolean(false));
    *place = Expr::binary(op, left, right);
}
