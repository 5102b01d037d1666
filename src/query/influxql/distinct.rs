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

use super::aggregate::{WINDOW, bucket_of, row_time, tag_name};
use super::columns::{null_of, or_else, plain};
use super::error::Result;
use super::finish::{in_order, plan_names, project, response_columns, sort_by};
use super::ir::{Measurement, Query, Ref};
use super::limit::limit;
use super::lower::{fill_value, is_null, lower};
use super::scan::{RowsWanted, Wanted, any_not_null, scan};
use crate::query::tables::Tables;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Projection, SortExpr};
use std::sync::Arc;

/// The plan for one measurement, or `None` when it has no row.
pub(super) fn plan(
    query: &Query,
    argument: &Ref,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>> {
    let Some(Limited { plan, tags, time, columns }) = limited(query, argument, measurement, tables)? else {
        return Ok(None);
    };
    project(query, measurement, plan, &tags, time, columns).map(Some)
}

/// The same for a query around it: the last column, of which the name is given too, is the place of a value in its window.
pub(super) fn plan_with_places(
    query: &Query,
    argument: &Ref,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<(LogicalPlan, String)>> {
    let Some(Limited { plan, tags, time, columns }) = limited(query, argument, measurement, tables)? else {
        return Ok(None);
    };
    let taken = plan_names(query);
    let mut name = FIRST.to_owned();
    while taken.contains(&name) {
        name.push('\'');
    }
    let exprs = response_columns(query, measurement, &tags, time, columns);
    let exprs = exprs.chain([plain(FIRST).alias(&name)]).collect();
    Ok(Some((LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?), name)))
}

/// Rows in their order, and the columns of the response.
struct Limited {
    plan: LogicalPlan,
    tags: Vec<Expr>,
    time: Expr,
    columns: Vec<Expr>,
}

fn limited(
    query: &Query,
    argument: &Ref,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<Limited>> {
    let Some(Rows { plan, tags }) = rows(query, argument, measurement, tables)? else { return Ok(None) };
    let series: Vec<_> = tags.iter().filter(|expr| !is_null(expr)).cloned().collect();
    let window = query.interval.map(|_| plain(WINDOW));
    let inside = [FIRST, VALUE].map(|name| SortExpr::new(plain(name), true, true));
    let order = window.iter().map(|window| in_order(query, window)).chain(inside).collect();
    let plan = limit(query, sort_by(query, plan, &series, order), &series)?;
    let time = window.unwrap_or_else(|| row_time(query));
    let value = match fill_value(query.fill, argument.ty) {
        Some(number) => or_else(plain(VALUE), Expr::Literal(number, None)),
        None => plain(VALUE),
    };
    let columns = query
        .columns
        .iter()
        .map(|column| lower(&column.value, &[null_of(argument.ty)], std::slice::from_ref(&value)));
    Ok(Some(Limited { plan, tags, time, columns: columns.collect::<Result<_>>()? }))
}

/// The distinct values of every series, or series and window, in any order: the columns [`tag_name`], [`WINDOW`] with GROUP BY
/// time, [`VALUE`] and [`FIRST`].
pub(super) struct Rows {
    /// Yields the rows.
    pub plan: LogicalPlan,
    /// The query's group tags; a null literal for one that the measurement lacks.
    pub tags: Vec<Expr>,
}

/// The rows of one measurement, or `None` when there are none.
pub(super) fn rows(
    query: &Query,
    argument: &Ref,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<Rows>> {
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
    let mut groups: Vec<_> = (input.group_tags.iter().enumerate())
        .filter(|(_, expr)| !is_null(expr))
        .map(|(i, expr)| expr.clone().alias(tag_name(i)))
        .collect();
    groups
        .extend(query.interval.map(|interval| bucket_of(query, interval, input.time.clone()).alias(WINDOW)));
    groups.extend(input.refs.iter().map(|value| value.clone().alias(VALUE)));
    let first = if query.is_descending { max(input.time.clone()) } else { min(input.time.clone()) };
    let first = first.alias(FIRST);
    let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input.plan), groups, vec![first])?);
    let tags = (input.group_tags.iter().enumerate())
        .map(|(i, expr)| if is_null(expr) { expr.clone() } else { plain(&tag_name(i)) })
        .collect();
    Ok(Some(Rows { plan, tags }))
}

/// The column of a value.
pub(super) const VALUE: &str = "value";
/// The column of the time of its first point; of its last one where rows come in descending order.
pub(super) const FIRST: &str = "first";
