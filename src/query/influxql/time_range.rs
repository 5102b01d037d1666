//! WHERE in two: the range of time, and the rest.
//!
//! In: the condition as parsed. Out: the time range that all comparisons with `time` leave, wherever they stand (an OR beside one
//! acts as AND, as in InfluxDB 1.x), and what remains without them, folded; `None` when nothing does.

use super::error::{Result, err};
use super::fold::{Env, Folded, Literal, combine, fold};
use super::time_text;
use crate::model::time::{TIME_MAX_NS, TIME_MIN_NS};
use influxql::ast::{BinaryOp, Expr};

/// The times of a statement's rows. Both bounds are inclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeBounds {
    /// The first, where the statement says one.
    pub min_ns: Option<i64>,
    /// The last, where the statement says one.
    pub max_ns: Option<i64>,
}

impl TimeBounds {
    /// The times in both.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        let both = |a: Option<i64>, b: Option<i64>, pick: fn(i64, i64) -> i64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        Self {
            min_ns: both(self.min_ns, other.min_ns, i64::max),
            max_ns: both(self.max_ns, other.max_ns, i64::min),
        }
    }
}

/// Splits a condition. What remains may be one that [`refuse_values`] refuses.
pub(super) fn split(condition: Option<&Expr>, env: Env) -> Result<(Option<Expr>, TimeBounds)> {
    let Some(condition) = condition else { return Ok((None, TimeBounds::default())) };
    let (rest, bounds) = split_expr(condition, env)?;
    let rest = match rest.map(Folded::into_expr) {
        Some(Expr::Boolean(true)) => None,
        Some(Expr::Paren(inner)) => Some(inner.into_expr()),
        rest => rest,
    };
    Ok((rest, bounds))
}

/// Refuses a folded condition of which a part is a value that says neither yes nor no, as `WHERE 1 + 2` and
/// `WHERE f > 1 AND 1 + 2`. The error tells the first one.
pub(super) fn refuse_values(condition: &Expr) -> Result<()> {
    let mut node = condition;
    let mut on_the_right = Ok(());
    while let Expr::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } = node {
        on_the_right = refuse_value(right).and(on_the_right);
        node = left;
    }
    refuse_value(node).and(on_the_right)
}

fn refuse_value(part: &Expr) -> Result<()> {
    match part {
        Expr::Paren(inner) => refuse_values(inner),
        Expr::Binary { op: BinaryOp::And | BinaryOp::Or, .. } => refuse_values(part),
        Expr::Binary { .. } | Expr::Boolean(_) => Ok(()),
        value => err(format!("invalid condition expression: {value}")),
    }
}

fn split_expr(condition: &Expr, env: Env) -> Result<(Option<Folded>, TimeBounds)> {
    match condition {
        Expr::Binary { op: BinaryOp::And | BinaryOp::Or, .. } => split_connective(condition, env),
        Expr::Binary { op, left, right } => {
            if left.is_time() {
                return Ok((None, bounds_of(*op, right, env)?));
            }
            if right.is_time() {
                return Ok((None, bounds_of(swapped(*op), left, env)?));
            }
            Ok((Some(fold(condition, env)), TimeBounds::default()))
        }
        Expr::Paren(inner) => {
            let (rest, bounds) = split_expr(inner, env)?;
            let rest = rest.map(|rest| match rest {
                Folded::Expr(inner @ Expr::Binary { .. }) => Folded::Expr(Expr::Paren(inner.into())),
                rest => rest,
            });
            Ok((rest, bounds))
        }
        Expr::Boolean(value) => Ok((Some(Folded::Literal(Literal::Boolean(*value))), TimeBounds::default())),
        other => err(format!("invalid condition expression: {other}")),
    }
}

/// AND and OR, in a loop along the left side: a condition may be a chain of a hundred thousand.
fn split_connective(condition: &Expr, env: Env) -> Result<(Option<Folded>, TimeBounds)> {
    let mut tail = Vec::new();
    let mut node = condition;
    while let Expr::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } = node {
        tail.push((*op, right));
        node = left;
    }
    let (mut rest, mut bounds) = split_expr(node, env)?;
    for (op, right) in tail.into_iter().rev() {
        let (right, right_bounds) = split_expr(right, env)?;
        bounds = bounds.intersect(right_bounds);
        rest = match (rest, right) {
            (Some(left), Some(right)) => Some(combine(op, left, right, env)),
            (left, right) => left.or(right),
        };
    }
    Ok((rest, bounds))
}

fn swapped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        op => op,
    }
}

fn bounds_of(op: BinaryOp, value: &Expr, env: Env) -> Result<TimeBounds> {
    let time = match value {
        Expr::String(text) if time_text::looks_like_time(text) => match time_text::parse(text, env.zone) {
            Some(time) => Folded::Literal(Literal::Time(time)),
            None => return err("invalid timestamp string"),
        },
        value => fold(value, env),
    };
    let time_ns = match time {
        Folded::Literal(Literal::Time(ns)) => in_range(ns)?,
        Folded::Literal(Literal::Duration(ns) | Literal::Integer(ns)) => ns,
        // The cast saturates and truncates.
        Folded::Literal(Literal::Float(ns)) => ns as i64,
        other => {
            return err(format!("invalid operation: time and {} are not compatible", go_type(&other)));
        }
    };
    match op {
        BinaryOp::Equal => Ok(TimeBounds { min_ns: Some(time_ns), max_ns: Some(time_ns) }),
        BinaryOp::Greater => Ok(TimeBounds { min_ns: Some(time_ns.saturating_add(1)), max_ns: None }),
        BinaryOp::GreaterEqual => Ok(TimeBounds { min_ns: Some(time_ns), max_ns: None }),
        BinaryOp::Less => Ok(TimeBounds { min_ns: None, max_ns: Some(time_ns.saturating_sub(1)) }),
        BinaryOp::LessEqual => Ok(TimeBounds { min_ns: None, max_ns: Some(time_ns) }),
        op => err(format!("invalid time comparison operator: {op}")),
    }
}

fn in_range(ns: i128) -> Result<i64> {
    let overflow = if ns > TIME_MAX_NS.into() {
        "overflows"
    } else if ns <= i128::from(TIME_MIN_NS) {
        // The least time itself is one of points, and no literal.
        "underflows"
    } else {
        // The check above is stricter than the conversion.
        return Ok(ns as i64);
    };
    let seconds = i64::try_from(ns.div_euclid(1_000_000_000)).unwrap_or_default();
    let text = chrono::DateTime::from_timestamp(seconds, 0)
        .map(|t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default();
    err(format!("time {text} {overflow} time literal"))
}

/// The name that InfluxDB 1.x's errors have for a value.
pub(super) fn go_type(value: &Folded) -> &'static str {
    match value {
        Folded::Literal(literal) => match literal {
            Literal::Float(_) => "*influxql.NumberLiteral",
            Literal::Integer(_) => "*influxql.IntegerLiteral",
            Literal::Unsigned(_) => "*influxql.UnsignedLiteral",
            Literal::String(_) => "*influxql.StringLiteral",
            Literal::Boolean(_) => "*influxql.BooleanLiteral",
            Literal::Duration(_) => "*influxql.DurationLiteral",
            Literal::Time(_) => "*influxql.TimeLiteral",
        },
        Folded::Expr(expr) => match expr {
            Expr::Binary { .. } => "*influxql.BinaryExpr",
            Expr::Paren(_) => "*influxql.ParenExpr",
            Expr::Call { .. } => "*influxql.Call",
            Expr::VarRef { .. } => "*influxql.VarRef",
            Expr::Wildcard(_) => "*influxql.Wildcard",
            Expr::Regex(_) => "*influxql.RegexLiteral",
            Expr::Distinct(_) => "*influxql.Distinct",
            Expr::String(_) => "*influxql.StringLiteral",
            Expr::Integer(_) => "*influxql.IntegerLiteral",
            Expr::Unsigned(_) => "*influxql.UnsignedLiteral",
            Expr::Float(_) => "*influxql.NumberLiteral",
            Expr::Boolean(_) => "*influxql.BooleanLiteral",
            Expr::Duration(_) => "*influxql.DurationLiteral",
        },
    }
}
