//! The rows of a call that yields several for a series or window, where it does not stand alone: `sample` beside other calls, and
//! `sample` and `distinct` below functions of neighbouring rows.
//!
//! ```text
//! SELECT sample(f, 9), mean(f) … GROUP BY time(1m)       SELECT difference(distinct(f)) … GROUP BY time(1m)
//!
//! time sample mean                                      rows here     result
//! 0    1      2.25                                      time value    time difference
//! 10   2      null                                      0    1        60   0
//! 15   4      null                                      0    2        120  7
//! 20   2      null                                      60   1
//! 60   null   2                                         120  8
//! ```
//!
//! In: a call and a measurement. Out: rows of group tags, time and value, of which the module `window` makes one branch.

use super::aggregate::{WINDOW, row_time};
use super::columns::{backwards, plain};
use super::distinct;
use super::error::Result;
use super::finish::sort;
use super::function::Function;
use super::ir::{Call, Measurement, Query};
use super::lower::is_null;
use super::scan::{RowsWanted, Wanted, scan};
use super::top_bottom;
use crate::query::tables::Tables;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use std::sync::Arc;

/// Rows of the columns `tag_i`, [`WINDOW`] for the time, [`PLACE`] and [`VALUE`], sorted by tags, time, place and value in the
/// direction of the query.
pub(super) struct CallRows {
    /// Yields the rows.
    pub plan: LogicalPlan,
    /// The query's group tags; a null literal for one that the measurement lacks.
    pub tags: Vec<Expr>,
}

/// The column of a value.
pub(super) const VALUE: &str = "value";
/// The column that orders rows of one series and time, before their values do.
pub(super) const PLACE: &str = "place";

/// Whether a call yields more rows than one for a series or window.
#[must_use]
pub(super) fn has_several_rows(function: Function) -> bool {
    function.is_points() || function == Function::Distinct
}

/// The rows of the innermost function of `call`, or `None` when there are none.
pub(super) fn call_rows(
    query: &Query,
    call: &Call,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<CallRows>> {
    match call.function {
        Function::Distinct => of_distinct(query, call, measurement, tables),
        _ => of_points(query, call, measurement, tables),
    }
}

/// The values of a window come in the order of their first points or, in descending order, of their last ones.
fn of_distinct(
    query: &Query,
    call: &Call,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<CallRows>> {
    let Some(rows) = distinct::rows(query, &call.argument, measurement, tables)? else { return Ok(None) };
    let time = if query.interval.is_some() { plain(WINDOW) } else { row_time(query) };
    let first = plain(distinct::FIRST);
    // The sort below reverses rows as a whole, but the values inside a window must not be reversed.
    let place = if query.is_descending { backwards(first) } else { first };
    finished(query, rows.plan, rows.tags, [time, place, plain(distinct::VALUE)]).map(Some)
}

fn of_points(
    query: &Query,
    call: &Call,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<CallRows>> {
    let refs = std::slice::from_ref(&call.argument);
    let wanted = Wanted { refs, has_time: true, has_series: false, rows: RowsWanted::All };
    let Some(input) = scan(query, measurement, wanted, tables)? else { return Ok(None) };
    if input.refs.iter().all(is_null) {
        return Ok(None);
    }
    let (plan, tags) = top_bottom::points(query, call, input)?;
    let place = Expr::Literal(0_i64.into(), None);
    finished(query, plan, tags, [plain(top_bottom::TIME), place, plain(top_bottom::VALUE)]).map(Some)
}

/// The rows with their columns under the names that all have.
fn finished(
    query: &Query,
    plan: LogicalPlan,
    tags: Vec<Expr>,
    [time, place, value]: [Expr; 3],
) -> Result<CallRows> {
    let groups: Vec<_> = tags.iter().filter(|tag| !is_null(tag)).cloned().collect();
    let own = [time.alias(WINDOW), place.alias(PLACE), value.alias(VALUE)];
    let exprs = groups.iter().cloned().chain(own).collect();
    let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
    let plan = sort(query, plan, &groups, &[plain(WINDOW), plain(PLACE), plain(VALUE)]);
    Ok(CallRows { plan, tags })
}
