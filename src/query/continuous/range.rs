//! A condition cut down to a range of time.
//!
//! ```text
//! host = 'a' AND time > now() - 1h    over [10, 20)    (host = 'a') AND time >= 10 AND time < 20
//! ```

use crate::model::time::TimeRange;
use influxql::ast::{BinaryOp, Expr};

/// `condition` without what it says about time, and within `range`.
pub(super) fn restricted(condition: Option<&Expr>, range: TimeRange) -> Expr {
    let time = |op, ns| Expr::binary(op, Expr::name("time"), Expr::Integer(ns));
    let from = time(BinaryOp::GreaterEqual, range.start_ns);
    let to = time(BinaryOp::Less, range.end_ns);
    let start = match condition.and_then(without_time) {
        Some(rest) => Expr::binary(BinaryOp::And, Expr::Paren(rest.into()), from),
        None => from,
    };
    Expr::binary(BinaryOp::And, start, to)
}

/// What is left of a condition when every comparison with the time counts as true; `None` when that is "true".
fn without_time(condition: &Expr) -> Option<Expr> {
    match condition {
        Expr::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), .. } => connected(condition, *op),
        Expr::Binary { left, right, .. } if left.is_time() || right.is_time() => None,
        Expr::Paren(inner) => without_time(inner).map(|inner| Expr::Paren(inner.into())),
        other => Some(other.clone()),
    }
}

/// AND and OR, in a loop along the left side: a condition may be a chain of a hundred thousand.
fn connected(condition: &Expr, op: BinaryOp) -> Option<Expr> {
    let operands = condition.chain(op);
    let kept: Vec<Option<Expr>> = operands.into_iter().map(without_time).collect();
    if op == BinaryOp::Or && kept.iter().any(Option::is_none) {
        return None;
    }
    kept.into_iter().flatten().reduce(|left, right| Expr::binary(op, left, right))
}
