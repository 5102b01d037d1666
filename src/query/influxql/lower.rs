//! [`Scalar`]s as DataFusion expressions.

use super::columns::null_of;
use super::error::Result;
use super::ir::Scalar;
use super::resolve::operator;
use super::types::Type;
use crate::query::error::QueryError;
use crate::query::functions::scalar::arithmetic::{Clause, Operator, arithmetic};
use crate::query::functions::scalar::math::math;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;

/// The expression of a column, given those of the references and the calls in it.
pub(super) fn lower(scalar: &Scalar, refs: &[Expr], calls: &[Expr]) -> Result<Expr> {
    let missing =
        || QueryError::Internal(datafusion::error::DataFusionError::Internal("a column of nothing".into()));
    let literal = |value| Ok(Expr::Literal(value, None));
    match scalar {
        Scalar::Ref(index) => refs.get(*index).cloned().ok_or_else(missing),
        Scalar::Call(index) => calls.get(*index).cloned().ok_or_else(missing),
        Scalar::Float(x) => literal(ScalarValue::Float64(Some(*x))),
        Scalar::Integer(n) => literal(ScalarValue::Int64(Some(*n))),
        Scalar::Unsigned(n) => literal(ScalarValue::UInt64(Some(*n))),
        Scalar::Boolean(b) => literal(ScalarValue::Boolean(Some(*b))),
        Scalar::Null => literal(ScalarValue::Null),
        Scalar::Binary { op, left, right, ty } => {
            let (left, right) = (lower(left, refs, calls)?, lower(right, refs, calls)?);
            let operator = operator(*op).ok_or_else(missing)?;
            if *ty == Type::Boolean && operator.is_bitwise() {
                return Ok(of_booleans(operator, left, right));
            }
            if is_null(&left) || is_null(&right) {
                return Ok(null_of(*ty));
            }
            // A float operand here comes from `fill(N)`, in the place of a name without a type.
            if operator.is_bitwise() && (*ty == Type::Float || is_float(&left) || is_float(&right)) {
                return Ok(null_of(*ty));
            }
            Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
                arithmetic(operator, Clause::Select),
                vec![left, right],
            )))
        }
        Scalar::Math { function, args, ty } => {
            let args = args.iter().map(|arg| lower(arg, refs, calls)).collect::<Result<Vec<_>>>()?;
            if args.iter().any(is_null) {
                return Ok(null_of(*ty));
            }
            Ok(Expr::ScalarFunction(ScalarFunction::new_udf(math(*function), args)))
        }
    }
}

/// A bitwise operator with a boolean on at least one side. A missing value on the other side counts as false. A number on
/// the other side comes from `fill(N)`: the result is false when it is the right side, and null when it is the left.
fn of_booleans(operator: Operator, left: Expr, right: Expr) -> Expr {
    match (is_number(&left), is_number(&right)) {
        (false, true) => Expr::Literal(ScalarValue::Boolean(Some(false)), None),
        (true, _) => null_of(Type::Boolean),
        (false, false) if is_null(&left) && is_null(&right) => null_of(Type::Boolean),
        (false, false) => Expr::ScalarFunction(ScalarFunction::new_udf(
            arithmetic(operator, Clause::Select),
            vec![left, right],
        )),
    }
}

/// Whether the expression is a literal number, or computed from such alone.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => {
            !value.is_null() && matches!(value, ScalarValue::Float64(_) | ScalarValue::Int64(_))
        }
        Expr::ScalarFunction(call) => call.args.iter().all(is_number),
        _ => false,
    }
}

/// Whether the expression is a null literal.
#[must_use]
pub(super) fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.is_null())
}

/// Whether the expression is a literal float, or computed from one.
fn is_float(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => matches!(value, ScalarValue::Float64(_)),
        Expr::ScalarFunction(call) => call.args.iter().any(is_float),
        _ => false,
    }
}

/// The number of `fill(N)` as a value of a column's type, as InfluxDB 1.x casts it.
#[must_use]
pub(super) fn fill_value(fill: influxql::ast::Fill, ty: Type) -> Option<ScalarValue> {
    let (float, integer) = match fill {
        influxql::ast::Fill::Integer(n) => (n as f64, n),
        // The cast truncates and saturates.
        influxql::ast::Fill::Float(x) => (x, x as i64),
        _ => return None,
    };
    Some(match ty {
        Type::Float => ScalarValue::Float64(Some(float)),
        Type::Integer => ScalarValue::Int64(Some(integer)),
        Type::Unsigned => ScalarValue::UInt64(Some(integer.cast_unsigned())),
        Type::Boolean => ScalarValue::Boolean(Some(false)),
        Type::String => ScalarValue::Utf8(Some(String::new())),
        Type::Tag => ScalarValue::Utf8View(Some(float.to_string())),
        Type::Unknown | Type::Duration => match fill {
            influxql::ast::Fill::Integer(n) => ScalarValue::Int64(Some(n)),
            _ => ScalarValue::Float64(Some(float)),
        },
    })
}
