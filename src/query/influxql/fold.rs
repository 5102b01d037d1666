//! Constant folding: the parts of an expression that no row changes become literals.
//!
//! In: an expression as parsed. Out: the same with literals in the place of operators on literals, and of `now()`
//! where the clause allows it. The rules are those of InfluxDB 1.x's `Reduce`: a string beside a duration is read as a
//! time, an integer beside a duration as a timestamp. Knows no schema.

use super::time_text;
use super::types::is_literal;
use crate::query::functions::scalar::math::MathFunction;
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use influxql::ast::{BinaryOp, Expr};
use std::cmp::Ordering;

/// What folding may look up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Env {
    /// What `now()` is in nanoseconds, where the clause knows it.
    pub now_ns: Option<i64>,
    /// The zone of times that name none.
    pub zone: Tz,
    /// Whether mathematical functions of literals are folded: in SELECT, as InfluxDB 1.x does.
    pub folds_math: bool,
}

/// A literal, or an expression that is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Folded {
    /// A value.
    Literal(Literal),
    /// Depends on rows, or on types that do not go together.
    Expr(Expr),
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// `1.5`
    Float(f64),
    /// `1`
    Integer(i64),
    /// Above `i64::MAX`.
    Unsigned(u64),
    /// `'a'`
    String(String),
    /// `true`
    Boolean(bool),
    /// `1h`, in nanoseconds.
    Duration(i64),
    /// A point in time in nanoseconds; wider than a timestamp may be, so that overflow can be told.
    Time(i128),
}

impl Folded {
    /// As an expression; a time becomes a call of `now()`, which has no value in a condition on rows.
    #[must_use]
    pub(super) fn into_expr(self) -> Expr {
        match self {
            Self::Expr(expr) => expr,
            Self::Literal(literal) => match literal {
                Literal::Float(x) => Expr::Float(x),
                Literal::Integer(n) => Expr::Integer(n),
                Literal::Unsigned(n) => Expr::Unsigned(n),
                Literal::String(text) => Expr::String(text),
                Literal::Boolean(b) => Expr::Boolean(b),
                Literal::Duration(ns) => Expr::Duration(ns),
                Literal::Time(_) => Expr::Call { name: "now".into(), args: Vec::new() },
            },
        }
    }
}

/// Folds an expression. Needs no stack along the left side, however long a chain is.
#[must_use]
pub(super) fn fold(expr: &Expr, env: Env) -> Folded {
    let mut tail = Vec::new();
    let mut node = expr;
    while let Expr::Binary { op, left, right } = node {
        tail.push((*op, right));
        node = left;
    }
    let first = fold_operand(node, env);
    tail.into_iter().rev().fold(first, |left, (op, right)| combine(op, left, fold(right, env), env))
}

fn fold_operand(expr: &Expr, env: Env) -> Folded {
    Folded::Literal(match expr {
        Expr::Float(x) => Literal::Float(*x),
        Expr::Integer(n) => Literal::Integer(*n),
        Expr::Unsigned(n) => Literal::Unsigned(*n),
        Expr::String(text) => Literal::String(text.clone()),
        Expr::Boolean(b) => Literal::Boolean(*b),
        Expr::Duration(ns) => Literal::Duration(*ns),
        Expr::Paren(inner) => {
            return match fold(inner, env) {
                Folded::Expr(inner @ Expr::Binary { .. }) => Folded::Expr(Expr::Paren(inner.into())),
                folded => folded,
            };
        }
        Expr::Call { name, args } => match env.now_ns {
            Some(now_ns) if name == "now" && args.is_empty() => Literal::Time(now_ns.into()),
            _ => {
                let args: Vec<_> = args.iter().map(|arg| fold(arg, env).into_expr()).collect();
                match math_of_literals(name, &args).filter(|_| env.folds_math) {
                    Some(value) => value,
                    None => return Folded::Expr(Expr::Call { name: name.clone(), args }),
                }
            }
        },
        other => return Folded::Expr(other.clone()),
    })
}

/// The value of a mathematical function of literals; not a number for literals that it does not take. `None` when
/// the call is none of that kind.
fn math_of_literals(name: &str, args: &[Expr]) -> Option<Literal> {
    let function = MathFunction::from_name(name).filter(|f| f.argument_count() == args.len())?;
    if !args.iter().all(is_literal) {
        return None;
    }
    let number = |arg: &Expr| match arg {
        Expr::Float(x) => Some(ScalarValue::Float64(Some(*x))),
        Expr::Integer(n) => Some(ScalarValue::Int64(Some(*n))),
        Expr::Unsigned(n) => Some(ScalarValue::UInt64(Some(*n))),
        _ => None,
    };
    let numbers: Option<Vec<_>> = args.iter().map(number).collect();
    Some(match numbers.and_then(|numbers| function.of_scalars(&numbers).ok()) {
        Some(ScalarValue::Float64(Some(x))) => Literal::Float(x),
        Some(ScalarValue::Int64(Some(n))) => Literal::Integer(n),
        Some(ScalarValue::UInt64(Some(n))) => Literal::Unsigned(n),
        _ => Literal::Float(f64::NAN),
    })
}

/// `left op right` of folded sides.
#[must_use]
pub(super) fn combine(op: BinaryOp, left: Folded, right: Folded, env: Env) -> Folded {
    let is = |side: &Folded, value| *side == Folded::Literal(Literal::Boolean(value));
    match op {
        BinaryOp::And if is(&left, false) || is(&right, false) => {
            return Folded::Literal(Literal::Boolean(false));
        }
        BinaryOp::Or if is(&left, true) || is(&right, true) => {
            return Folded::Literal(Literal::Boolean(true));
        }
        BinaryOp::And if is(&left, true) => return right,
        BinaryOp::And if is(&right, true) => return left,
        BinaryOp::Or if is(&left, false) => return right,
        BinaryOp::Or if is(&right, false) => return left,
        _ => {}
    }
    if let (Folded::Literal(l), Folded::Literal(r)) = (&left, &right)
        && let Some(value) = operate(op, l, r, env.zone)
    {
        return Folded::Literal(value);
    }
    Folded::Expr(Expr::binary(op, left.into_expr(), right.into_expr()))
}

/// `left op right`, or `None` when the types do not go together.
fn operate(op: BinaryOp, left: &Literal, right: &Literal, zone: Tz) -> Option<Literal> {
    use Literal::{Boolean, Duration, Float, Integer, String, Time, Unsigned};
    match (left, right) {
        (Integer(l), Integer(r)) => integers(op, *l, *r),
        (Unsigned(l), Unsigned(r)) => unsigned(op, *l, *r),
        (Integer(l), Unsigned(r)) => unsigned(op, u64::try_from(*l).ok()?, *r),
        (Unsigned(l), Integer(r)) => unsigned(op, *l, u64::try_from(*r).ok()?),
        (Float(l), _) if let Some(r) = number(right) => floats(op, *l, r),
        (_, Float(r)) if let Some(l) = number(left) => floats(op, l, *r),
        (Boolean(l), Boolean(r)) => match op {
            BinaryOp::Equal => Some(Boolean(l == r)),
            BinaryOp::NotEqual => Some(Boolean(l != r)),
            BinaryOp::BitAnd => Some(Boolean(l & r)),
            BinaryOp::BitOr => Some(Boolean(l | r)),
            BinaryOp::BitXor => Some(Boolean(l ^ r)),
            _ => None,
        },
        (String(l), String(r)) => match op {
            BinaryOp::Equal => Some(Boolean(l == r)),
            BinaryOp::NotEqual => Some(Boolean(l != r)),
            BinaryOp::Add => Some(String(format!("{l}{r}"))),
            _ => operate(op, &time_of(l, zone)?, &time_of(r, zone)?, zone),
        },
        (String(l), Duration(_) | Time(_) | Integer(_)) => operate(op, &time_of(l, zone)?, right, zone),
        (Duration(_) | Time(_), String(r)) => operate(op, left, &time_of(r, zone)?, zone),
        (Integer(l), Duration(_)) => operate(op, &Time((*l).into()), right, zone),
        (Integer(l), Time(_)) => operate(op, &Duration(*l), right, zone),
        (Duration(l), Duration(r)) => match op {
            BinaryOp::Add => Some(Duration(l.wrapping_add(*r))),
            BinaryOp::Subtract => Some(Duration(l.wrapping_sub(*r))),
            _ => compare(op, l.partial_cmp(r)).map(Boolean),
        },
        (Duration(l), Integer(r)) => match op {
            BinaryOp::Multiply => Some(Duration(l.wrapping_mul(*r))),
            BinaryOp::Divide if *r == 0 => Some(Duration(0)),
            BinaryOp::Divide => Some(Duration(l.wrapping_div(*r))),
            _ => None,
        },
        (Duration(l), Float(r)) => match op {
            BinaryOp::Multiply => Some(Duration((*l as f64 * r) as i64)),
            BinaryOp::Divide if *r == 0.0 => Some(Duration(0)),
            BinaryOp::Divide => Some(Duration((*l as f64 / r) as i64)),
            _ => None,
        },
        (Duration(l), Time(r)) => (op == BinaryOp::Add).then(|| Time(r + i128::from(*l))),
        (Time(l), Duration(r) | Integer(r)) => match op {
            BinaryOp::Add => Some(Time(l + i128::from(*r))),
            BinaryOp::Subtract => Some(Time(l - i128::from(*r))),
            _ => None,
        },
        (Time(l), Time(r)) => match op {
            BinaryOp::Subtract => Some(Duration(i64::try_from(l - r).ok()?)),
            _ => compare(op, l.partial_cmp(r)).map(Boolean),
        },
        _ => None,
    }
}

fn time_of(text: &str, zone: Tz) -> Option<Literal> {
    if !time_text::looks_like_time(text) {
        return None;
    }
    time_text::parse(text, zone).map(Literal::Time)
}

fn number(literal: &Literal) -> Option<f64> {
    match literal {
        Literal::Float(x) => Some(*x),
        Literal::Integer(n) => Some(*n as f64),
        Literal::Unsigned(n) => Some(*n as f64),
        _ => None,
    }
}

fn integers(op: BinaryOp, l: i64, r: i64) -> Option<Literal> {
    Some(Literal::Integer(match op {
        BinaryOp::Add => l.wrapping_add(r),
        BinaryOp::Subtract => l.wrapping_sub(r),
        BinaryOp::Multiply => l.wrapping_mul(r),
        BinaryOp::Divide if r == 0 => return Some(Literal::Float(0.0)),
        BinaryOp::Divide => return Some(Literal::Float(l as f64 / r as f64)),
        BinaryOp::Modulo if r == 0 => 0,
        BinaryOp::Modulo => l.wrapping_rem(r),
        BinaryOp::BitAnd => l & r,
        BinaryOp::BitOr => l | r,
        BinaryOp::BitXor => l ^ r,
        _ => return compare(op, l.partial_cmp(&r)).map(Literal::Boolean),
    }))
}

fn unsigned(op: BinaryOp, l: u64, r: u64) -> Option<Literal> {
    Some(Literal::Unsigned(match op {
        BinaryOp::Add => l.wrapping_add(r),
        BinaryOp::Subtract => l.wrapping_sub(r),
        BinaryOp::Multiply => l.wrapping_mul(r),
        BinaryOp::Divide | BinaryOp::Modulo if r == 0 => 0,
        BinaryOp::Divide => l / r,
        BinaryOp::Modulo => l % r,
        BinaryOp::BitAnd => l & r,
        BinaryOp::BitOr => l | r,
        BinaryOp::BitXor => l ^ r,
        _ => return compare(op, l.partial_cmp(&r)).map(Literal::Boolean),
    }))
}

fn floats(op: BinaryOp, l: f64, r: f64) -> Option<Literal> {
    Some(Literal::Float(match op {
        BinaryOp::Add => l + r,
        BinaryOp::Subtract => l - r,
        BinaryOp::Multiply => l * r,
        BinaryOp::Divide if r == 0.0 => 0.0,
        BinaryOp::Divide => l / r,
        BinaryOp::Modulo => l % r,
        BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor => return None,
        _ => return compare(op, l.partial_cmp(&r)).map(Literal::Boolean),
    }))
}

fn compare(op: BinaryOp, order: Option<Ordering>) -> Option<bool> {
    Some(match op {
        BinaryOp::Equal => order == Some(Ordering::Equal),
        BinaryOp::NotEqual => order != Some(Ordering::Equal),
        BinaryOp::Less => order == Some(Ordering::Less),
        BinaryOp::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        BinaryOp::Greater => order == Some(Ordering::Greater),
        BinaryOp::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        _ => return None,
    })
}
