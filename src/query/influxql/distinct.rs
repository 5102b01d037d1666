//! `SELECT distinct(f)`: each value of a series, or of a series and window, once, in the order of first appearance. With DESC
//! windows are reversed but not the values inside: they stand in the order of their last times.
//!
//! ```text
//! Project: measurement, tags, time, column
//!   SeriesLimit or Limit
//!     Sort: tags, window, first time, value
//!       Aggregate: by tags, window and value; the first time
//!         Filter: f IS NOT NULL
//!           scan
//! ```

use super::aggregate::{bucket_of, row_time};
use super::columns::{null_of, or_else, plain};
use super::error::Result;
use super::finish::{in_order, project, sort_by};
use super::ir::{Measurement, Query, Ref};
use super::limit::limit;
use super::lower::{fill_value, is_null, lower};
use super::scan::{RowsWanted, Wanted, any_not_null, scan};
use crate::query::tables::Tables;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, SortExpr};
use std::sync::Arc;

/// The plan for one measurement, or `None` when it has no row.
pub(super) fn plan(
    query: &Query,
    argument: &Ref,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>> {
    if !argument.ty.is_field() {
        return Ok(None);
    }
    let wanted = Wanted {
        refs: std::slice::from_ref(argument),
        has_time: true,
        has_series: false,
        rows: RowsWanted::All,
    };
    let Some(input) = scan(query, measurement, wanted, tables)? else { return Ok(None) };
    let Some(has_value) = any_not_null(&input.refs) else { return Ok(None) };
    let input = input.filter(Some(has_value))?;
    let tag = |i: usize| format!("tag_{i}");
    let mut groups: Vec<_> = (input.group_tags.iter().enumerate())
        .filter(|(_, expr)| !is_null(expr))
        .map(|(i, expr)| expr.clone().alias(tag(i)))
        .collect();
    groups.extend(
        query.interval.map(|interval| bucket_of(query, interval, input.time.clone()).alias("window")),
    );
    groups.extend(input.refs.iter().map(|value| value.clone().alias("value")));
    let first = if query.is_descending { max(input.time.clone()) } else { min(input.time.clone()) };
    let first = first.alias("first");
    let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input.plan), groups, vec![first])?);
    let tags: Vec<_> = (input.group_tags.iter().enumerate())
        .map(|(i, expr)| if is_null(expr) { expr.clone() } else { plain(&tag(i)) })
        .collect();
    let series: Vec<_> = tags.iter().filter(|expr| !is_null(expr)).cloned().collect();
    let window = query.interval.map(|_| plain("window"));
    let inside = ["first", "value"].map(|name| SortExpr::new(plain(name), true, true));
    let order = window.iter().map(|window| in_order(query, window)).chain(inside).collect();
    let plan = limit(query, sort_by(query, plan, &series, order), &series)?;
    let time = window.unwrap_or_else(|| row_time(query));
    let value = match fill_value(query.fill, argument.ty) {
        Some(number) => or_else(plain("value"), Expr::Literal(number, None)),
        None => plain("value"),
    };
    let columns = query
        .columns
        .iter()
        .map(|column| lower(&column.value, &[null_of(argument.ty)], std::slice::from_ref(&value)));
    project(query, measurement, plan, &tags, time, columns.collect::<Result<_>>()?).map(Some)
}
