//! [`Call`]s as DataFusion aggregates, and what becomes of their results.
//!
//! | function | aggregate | result of a group without points |
//! |---|---|---|
//! | selectors | `influx_first(value, time, aux…)` and so on, a struct | null |
//! | `top`, `bottom`, `sample` | `influx_top(value, time, N, aux…)` and so on, a list of structs | an empty list |
//! | `mode` | `influx_mode(value, time)` | null |
//! | `count`, `count(distinct)` | DataFusion's `count` | 0, made null |
//! | `stddev` | `influx_stddev(value, time)` | null; of one point NaN |
//! | others | `influx_…(value)` | null |

use super::error::Result;
use super::function::Function;
use super::ir::Call;
use super::ties::{Ties, takes_ties};
use super::types::Type;
use crate::query::functions::{aggregate, points, selector};
use datafusion::common::ScalarValue;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, Case};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// What an aggregate is computed of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a> {
    /// The field.
    pub value: &'a Expr,
    /// The time.
    pub time: &'a Expr,
    /// The columns beside a selector.
    pub aux: &'a [Expr],
    /// What tells points of one value and time apart, where it shows.
    pub ties: Option<Ties<'a>>,
}

/// The aggregate of a call.
#[must_use]
pub(super) fn aggregate_of(call: &Call, arguments: Arguments<'_>) -> Expr {
    let Arguments { value, time, aux, ties } = arguments;
    let (value, time) = (value.clone(), time.clone());
    let (function, args, distinct) = match call.function {
        Function::Count => (count_udaf(), vec![value], false),
        Function::CountDistinct => (count_udaf(), vec![with_one_zero(value, call.argument.ty)], true),
        Function::Sum => (aggregate::sum(), vec![value], false),
        Function::Mean => (aggregate::mean(), vec![value], false),
        Function::Median => (aggregate::median(), vec![value], false),
        Function::Mode => (aggregate::mode(), vec![value, time], false),
        Function::Spread => (aggregate::spread(), vec![value], false),
        Function::Stddev => (aggregate::stddev(), vec![value, time], false),
        Function::Min => (selector::min(), vec![value, time], false),
        Function::Max => (selector::max(), vec![value, time], false),
        Function::First => (selector::first(), vec![value, time], false),
        Function::Last => (selector::last(), vec![value, time], false),
        Function::Percentile(percent) => {
            let percent = Expr::Literal(ScalarValue::Float64(Some(percent)), None);
            (selector::percentile(), vec![value, time, percent], false)
        }
        Function::Top(count) => (points::top(), vec![value, time, whole(count)], false),
        Function::Bottom(count) => (points::bottom(), vec![value, time, whole(count)], false),
        Function::Sample { count, seed } => {
            (points::sample(), vec![value, time, whole(count), whole(seed)], false)
        }
        // Have plans of their own; the first value is as good as any.
        Function::Distinct | Function::Points => (selector::first(), vec![value, time], false),
    };
    let mut args: Vec<_> = args.into_iter().chain(aux.iter().cloned()).collect();
    if let Some(ties) = ties.filter(|_| takes_ties(call.function)) {
        args.extend(ties.arguments());
    }
    Expr::AggregateFunction(AggregateFunction {
        func: function,
        params: AggregateFunctionParams {
            args,
            distinct,
            filter: None,
            order_by: Vec::new(),
            null_treatment: None,
        },
    })
}

/// Floats are counted by their bits, and -0 is not another value than 0.
fn with_one_zero(value: Expr, ty: Type) -> Expr {
    if ty != Type::Float {
        return value;
    }
    let zero = Expr::Literal(ScalarValue::Float64(Some(0.0)), None);
    Expr::BinaryExpr(BinaryExpr::new(Box::new(value), Operator::Plus, Box::new(zero)))
}

/// The value in an aggregate's result; null for a group without points.
pub(super) fn value_of(function: Function, result: Expr) -> Result<Expr> {
    Ok(match function {
        function if function.is_selector() => get_field(result, selector::VALUE_FIELD),
        Function::Count | Function::CountDistinct => null_if_zero(result),
        _ => result,
    })
}

/// The time of a selector's point.
#[must_use]
pub(super) fn time_of(result: Expr) -> Expr {
    get_field(result, selector::TIME_FIELD)
}

/// The series of a selector's point, where the aggregate was told it.
#[must_use]
pub(super) fn series_of(result: Expr) -> Expr {
    get_field(result, selector::SERIES_FIELD)
}

/// A column beside a selector.
#[must_use]
pub(super) fn aux_of(result: Expr, index: usize) -> Expr {
    get_field(result, selector::aux_field(index))
}

fn null_if_zero(count: Expr) -> Expr {
    let is_positive = BinaryExpr::new(Box::new(count.clone()), Operator::Gt, Box::new(integer(0)));
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(Expr::BinaryExpr(is_positive)), Box::new(count))],
        else_expr: None,
    })
}

fn whole(value: u64) -> Expr {
    Expr::Literal(ScalarValue::UInt64(Some(value)), None)
}

fn integer(value: i64) -> Expr {
    Expr::Literal(ScalarValue::Int64(Some(value)), None)
}
