//! `SELECT f, g`: every row that has a value in one of the selected fields.
//!
//! ```text
//! Project: measurement, tags, time, columns
//!   SeriesLimit or Limit
//!     Sort: tags, time, __series
//!       scan: where f IS NOT NULL OR g IS NOT NULL; of each series the rows that a LIMIT may reach
//! ```

use super::columns::{null_of, or_else};
use super::error::Result;
use super::finish::{project, sort_by};
use super::ir::{Measurement, Query};
use super::limit::{limit, rows_within_reach};
use super::lower::{fill_value, is_null, lower};
use super::scan::{RowsWanted, Wanted, scan};
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
    let within_reach = rows_within_reach(query);
    let rows = RowsWanted::WithField(within_reach.as_ref());
    let wanted = Wanted { refs: &query.refs, has_time: true, has_series: true, rows };
    let Some(input) = scan(query, measurement, wanted, tables)? else { return Ok(None) };
    if input.has_rows_of_nulls && query.refs.iter().all(|r| r.ty == Type::Unknown) {
        return Ok(None);
    }
    let plan = sort_by(query, input.plan, &input.group_tags, input.order.clone());
    let mut plan = limit(query, plan, &input.group_tags)?;
    // Where several parts have been put together, what none of them knows is a column of nulls.
    let known = input.refs.iter().zip(&query.refs).map(|(value, reference)| match reference.ty {
        Type::Unknown => null_of(Type::Unknown),
        _ => value.clone(),
    });
    let mut refs: Vec<_> = known.collect();
    for (column, (value, reference)) in refs.iter_mut().zip(&query.refs).enumerate() {
        if let Some(number) = fill_value(query.fill, reference.ty) {
            let number = Expr::Literal(number, None);
            *value = if is_null(value) { number } else { or_else(value.clone(), number) };
        } else if query.fill == Fill::Previous && !is_null(value) {
            // Only from rows that are shown: InfluxDB 1.x fills after OFFSET.
            (plan, *value) = carried_forward(plan, &input.group_tags, &input.order, (value, column))?;
        }
    }
    if query.fill == Fill::Previous {
        // Windows by series leave the series in any order.
        plan = sort_by(query, plan, &input.group_tags, input.order);
    }
    let columns = query.columns.iter().map(|column| lower(&column.value, &refs, &[]));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    project(query, measurement, plan, &input.group_tags, input.time, columns).map(Some)
}

/// `fill(previous)`: the last value of the column in the rows of the series up to this one. Columns of one plan have different
/// numbers: their expressions may be called alike, for a cast does not show in a name.
pub(super) fn carried_forward(
    plan: LogicalPlan,
    group_tags: &[Expr],
    order: &[SortExpr],
    (value, number): (&Expr, usize),
) -> Result<(LogicalPlan, Expr)> {
    let function = WindowFunction {
        fun: WindowFunctionDefinition::WindowUDF(last_value_udwf()),
        params: WindowFunctionParams {
            args: vec![value.clone()],
            partition_by: group_tags.to_vec(),
            order_by: order.to_vec(),
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
    let name = format!("{} {number}", function.schema_name());
    let window = Window::try_new(vec![function.alias(&name)], Arc::new(plan))?;
    Ok((LogicalPlan::Window(window), super::columns::plain(&name)))
}
