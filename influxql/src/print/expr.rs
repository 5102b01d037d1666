//! Expressions as text.

use std::fmt::{self, Display as _};

use super::quote::{format_duration, quote_ident, quote_regex, quote_string};
use crate::ast::{BinaryOp, Expr, WildcardKind};
use crate::pattern::Pattern;

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote_regex(self.source()))
    }
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary { .. } => fmt_chain(self, f),
            Self::Paren(inner) => write!(f, "({})", **inner),
            Self::Call { name, args } => {
                // A function's name is only ever a name in front of a parenthesis, so the one
                // keyword that is a function stays bare.
                match name.as_str() {
                    "distinct" => f.write_str(name)?,
                    _ => f.write_str(&quote_ident(name))?,
                }
                f.write_str("(")?;
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    arg.fmt(f)?;
                }
                f.write_str(")")
            }
            Self::VarRef { name, cast } => {
                f.write_str(&quote_ident(name))?;
                match cast {
                    Some(cast) => write!(f, "::{}", cast.as_str()),
                    None => Ok(()),
                }
            }
            Self::Wildcard(WildcardKind::All) => f.write_str("*"),
            Self::Wildcard(WildcardKind::Field) => f.write_str("*::field"),
            Self::Wildcard(WildcardKind::Tag) => f.write_str("*::tag"),
            Self::Regex(pattern) => pattern.fmt(f),
            Self::String(text) => f.write_str(&quote_string(text)),
            Self::Integer(n) => n.fmt(f),
            Self::Unsigned(n) => n.fmt(f),
            Self::Float(x) => fmt_float(*x, f),
            Self::Boolean(b) => b.fmt(f),
            Self::Duration(ns) => f.write_str(&format_duration(*ns)),
            Self::Distinct(name) => write!(f, "DISTINCT {}", quote_ident(name)),
        }
    }
}

/// Writes `a op b op c …` in a loop along the left side, whatever its length.
fn fmt_chain(expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    enum Part<'a> {
        Tail(BinaryOp, &'a Expr),
        Close,
    }
    let mut parts = Vec::new();
    let mut opened = 0;
    let mut node = expr;
    while let Expr::Binary { op, left, right } = node {
        parts.push(Part::Tail(*op, right));
        if matches!(&**left, Expr::Binary { op: below, .. } if below.precedence() < op.precedence()) {
            opened += 1;
            parts.push(Part::Close);
        }
        node = left;
    }
    for _ in 0..opened {
        f.write_str("(")?;
    }
    node.fmt(f)?;
    for part in parts.into_iter().rev() {
        match part {
            Part::Close => f.write_str(")")?,
            Part::Tail(op, right) => {
                write!(f, " {op} ")?;
                fmt_right(op, right, f)?;
            }
        }
    }
    Ok(())
}

fn fmt_right(op: BinaryOp, right: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Expr::Binary { op: below, left, right: inner } = right else { return right.fmt(f) };
    if below.precedence() > op.precedence() {
        return right.fmt(f);
    }
    // `a * -b`: what the parser makes of a sign must come out as a sign again, since
    // `a * -1 * b` would group to the left.
    let sign = match (below, &**left) {
        (BinaryOp::Multiply, Expr::Integer(-1)) => Some("-"),
        (BinaryOp::Multiply, Expr::Integer(1)) => Some("+"),
        _ => None,
    };
    match (sign, &**inner) {
        (Some(sign), Expr::VarRef { .. } | Expr::Call { .. } | Expr::Paren(_)) => {
            write!(f, "{sign}{}", **inner)
        }
        _ => write!(f, "({right})"),
    }
}

/// Three decimals, as InfluxDB 1.x prints a float; more where three would change the value.
fn fmt_float(x: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let short = format!("{x:.3}");
    if short.parse() == Ok(x) { f.write_str(&short) } else { write!(f, "{x}") }
}
