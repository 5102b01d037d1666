//! InfluxQL's SELECT: from the syntax tree over a resolved [`ir::Query`] to DataFusion plans.
//!
//! | file | what |
//! |---|---|
//! | `compile` | the checks that need no schema, in InfluxDB 1.x's order; with `dimensions`, `check_selector`, [`window_function`], `fold`, `time_range`, `time_text` |
//! | `resolve` | names, types, sources, wildcards; with `source`, `names`, `expand`, `types`, `faults`, `function`, [`window_function`] |
//! | [`ir`] | the result of that |
//! | `predicate`, `comparison`, `scan`, `columns`, `series` | the rows of one measurement that WHERE leaves |
//! | `subquery`, `inner_rows` | `FROM (SELECT …)`: what it takes over from the outer query, and its rows as one more table |
//! | `raw`, `aggregate`, `distinct`, `top_bottom`, `window` | one file per shape of query; with `call`, `call_rows`, `ties`, `lower` |
//! | `finish`, `limit` | order, limits, columns of the response |
//!
//! Each measurement of a statement is a plan of its own; their rows follow each other in the order of names. Plans are
//! built with every type in place, and filters and limits pushed down: they need neither the analyzer nor the logical
//! optimiser, which would take longer than all other planning, only physical planning.

mod aggregate;
mod call;
mod call_rows;
mod check_selector;
mod columns;
mod comparison;
mod compile;
pub(super) mod dimensions;
mod distinct;
mod error;
pub(super) mod expand;
mod faults;
mod finish;
mod fold;
pub mod function;
mod inner_rows;
pub mod ir;
mod limit;
mod lower;
pub mod names;
pub mod predicate;
mod raw;
mod resolve;
mod scan;
pub mod series;
pub mod source;
mod subquery;
#[cfg(test)]
mod tests;
mod ties;
pub mod time_range;
mod time_text;
mod top_bottom;
pub mod types;
mod window;
pub mod window_function;

use crate::model::result::ResultShape;
use crate::query::error::QueryError;
use crate::query::into::IntoTarget;
use crate::query::tables::Tables;
use datafusion::logical_expr::LogicalPlan;
use influxql::ast::Select;
use ir::{Measurement, Projection, Query};

pub use columns::TableColumns;
pub use finish::MEASUREMENT_COLUMN;
pub use resolve::resolve;
pub use time_range::TimeBounds;

/// The plans of a SELECT and how to read their rows.
#[derive(Clone, Debug)]
pub struct SelectPlan {
    /// One per measurement with rows to be had, in the order in which their rows are to be sent. The columns of all are those of the
    /// shape's schema, which may call a column nullable that a plan does not.
    pub plans: Vec<LogicalPlan>,
    /// `None` when there is no plan, and so no row.
    pub shape: Option<ResultShape>,
    /// Where the rows are to be written, instead of being the answer.
    pub target: Option<IntoTarget>,
}

/// Plans a SELECT.
///
/// # Errors
///
/// When the statement is wrong, with InfluxDB 1.x's text, or not supported yet.
pub fn plan_select(
    select: &Select,
    tables: &dyn Tables,
    defaults: source::Defaults<'_>,
    now_ns: i64,
) -> Result<SelectPlan, QueryError> {
    let target = select.target.as_ref().map(|target| source::target(tables.state(), target, defaults));
    let target = target.transpose()?;
    let query = resolve(select, tables.state(), defaults, now_ns)?;
    Ok(SelectPlan { target, ..plan_query(&query, tables)? })
}

/// The windows of GROUP BY time that every series of the result may have. InfluxDB 1.x counts those between the bounds of WHERE
/// before it reads anything; without a lower bound the windows are counted while they are made.
fn check_buckets(query: &Query, buckets_max: usize) -> Result<(), QueryError> {
    let (Some(interval), Some(min_ns), Some(max_ns)) =
        (query.interval, query.bounds.min_ns, query.bounds.max_ns)
    else {
        return Ok(());
    };
    let window = |time_ns: i64| {
        (i128::from(time_ns) - i128::from(interval.offset_ns)).div_euclid(interval.every_ns.into())
    };
    let count = window(max_ns.saturating_sub(1)) - window(min_ns) + 1;
    if buckets_max > 0 && count > buckets_max as i128 {
        return Err(QueryError::Resource(format!(
            "max-select-buckets limit exceeded: ({count}/{buckets_max})"
        )));
    }
    Ok(())
}

/// Plans a resolved query.
///
/// # Errors
///
/// When no plan exists for its projection yet.
pub fn plan_query(query: &Query, tables: &dyn Tables) -> Result<SelectPlan, QueryError> {
    check_buckets(query, tables.buckets_max())?;
    let mut plans = Vec::with_capacity(query.measurements.len());
    for measurement in query.measurements.iter() {
        plans.extend(plan_measurement(query, measurement, tables)?);
    }
    if query.is_descending {
        plans.reverse();
    }
    let shape = plans.first().map(|plan| finish::shape(query, plan));
    Ok(SelectPlan { plans, shape, target: None })
}

/// The rows of one of the query's measurements; `None` when there clearly are none.
fn plan_measurement(
    query: &Query,
    measurement: &Measurement,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>, QueryError> {
    match &query.projection {
        Projection::Raw => raw::plan(query, measurement, tables),
        Projection::Distinct(argument) => distinct::plan(query, argument, measurement, tables),
        Projection::Aggregate(calls) => aggregate::plan(query, calls, measurement, tables),
        Projection::Selector(call) => aggregate::plan(query, std::slice::from_ref(call), measurement, tables),
        Projection::TopBottom { call, tags, grouped_by } => {
            let points = top_bottom::Points { call, tags, grouped_by: grouped_by.as_deref() };
            top_bottom::plan(query, points, measurement, tables)
        }
        Projection::Window(calls) => window::plan(query, calls, measurement, tables),
    }
}
