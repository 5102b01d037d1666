//! `SELECT f, g`: every row that has a value in one of the selected fields.
//!
//! ```text
//! Project: measurement, tags, time, columns
//!   SeriesLimit or Limit
//!     Sort: tags, time, __series
//!       RunLimit: the first or last rows of each series   with a LIMIT
//!         Filter: f IS NOT NULL OR g IS NOT NULL
//!           scan
//! ```

use super::columns::{null_of, or_else};
use super::error::Result;
use super::finish::{project, sort};
use super::ir::{Measurement, Query};
use super::limit::{limit, run_limit};
use super::lower::{fill_value, is_null, lower};
use super::scan::{Wanted, any_not_null, scan};
use super::types::Type;
use crate::query::tables::Tables;
use datafusion::functions_window::nth_value::last_value_udwf;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, LogicalPlan, SortExpr, Window, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition,
};
use influxql::ast::Fill;
use std::sync::Arc;

/// The plan for one measurement, or `None` when it has no row.
pub(super) fn plan(
    query: &Query,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>> {
    let wanted = Wanted { refs: &query.refs, has_time: true, has_series: true };
    let Some(input) = scan(query, measurement, wanted, tables)? else { return Ok(None) };
    let fields = query.refs.iter().zip(&input.refs).filter(|(r, _)| r.ty.is_field());
    let Some(has_field) = any_not_null(fields.map(|(_, expr)| expr)) else { return Ok(None) };
    let mut input = input.filter(Some(has_field))?;
    let mut refs = input.refs.clone();
    for (value, reference) in refs.iter_mut().zip(&query.refs) {
        if let Some(number) = fill_value(query.fill, reference.ty) {
            let number = Expr::Literal(number, None);
            *value = if is_null(value) { number } else { or_else(value.clone(), number) };
        } else if query.fill == Fill::Previous && !is_null(value) {
            let order = [&input.time, &input.series]
                .map(|expr| SortExpr::new(expr.clone(), !query.is_descending, !query.is_descending));
            (input.plan, *value) = carried_forward(input.plan, &input.group_tags, order.to_vec(), value)?;
        } else if is_null(value) && reference.ty == Type::Unknown {
            *value = null_of(Type::Unknown);
        }
    }
    let columns = query.columns.iter().map(|column| lower(&column.value, &refs, &[]));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let order = [input.time.clone(), input.series.clone()];
    let plan = match query.fill {
        // Values are carried over rows that a limit would drop.
        Fill::Previous => input.plan,
        _ => run_limit(query, input.plan, &input.series)?,
    };
    let plan = sort(query, plan, &input.group_tags, &order);
    let plan = limit(query, plan, &input.group_tags)?;
    project(query, measurement, plan, &input.group_tags, input.time, columns).map(Some)
}

/// `fill(previous)`: the last value of the column in the rows of the series up to this one.
pub(super) fn carried_forward(
    plan: LogicalPlan,
    group_tags: &[Expr],
    order: Vec<SortExpr>,
    value: &Expr,
) -> Result<(LogicalPlan, Expr)> {
    let function = WindowFunction {
        fun: WindowFunctionDefinition::WindowUDF(last_value_udwf()),
        params: WindowFunctionParams {
            args: vec![value.clone()],
            partition_by: group_tags.to_vec(),
            order_by: order,
            window_frame: WindowFrame::new_bounds(
                WindowFrameUnits::Rows,
                WindowFrameBound::Preceding(datafusion::common::ScalarValue::UInt64(None)),
                WindowFrameBound::CurrentRow,
            ),
            filter: None,
            null_treatment: Some(NullTreatment::IgnoreNulls),
            distinct: false,
        },
    };
    let function = Expr::WindowFunction(Box::new(function));
    let column = super::columns::plain(&function.schema_name().to_string());
    Ok((LogicalPlan::Window(Window::try_new(vec![function], Arc::new(plan))?), column))
}
