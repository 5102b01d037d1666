//! LIMIT, OFFSET, SLIMIT and SOFFSET.

use super::error::Result;
use super::ir::{Limits, Query};
use crate::query::exec::series_limit::{SeriesLimit, SeriesLimits};
use crate::query::scan::{RunEnd, RunRows};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{EmptyRelation, Expr, Extension, Limit, LogicalPlan};
use std::sync::Arc;

/// Limits sorted rows. Without group tags there is one series, and the limit is DataFusion's own, which reaches
/// into the sort below.
pub(super) fn limit(query: &Query, mut plan: LogicalPlan, group_tags: &[Expr]) -> Result<LogicalPlan> {
    let Limits { limit, offset, slimit, soffset } = query.limits;
    if query.limits == Limits::default() {
        return Ok(plan);
    }
    // A tag that no row has tells no series apart.
    let groups: Vec<_> = group_tags.iter().filter_map(|tag| tag.try_as_col().cloned()).collect();
    if groups.is_empty() {
        if soffset > 0 {
            // There is one series, and it is skipped.
            let schema = Arc::clone(plan.schema());
            return Ok(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema }));
        }
        let fetch = (limit > 0).then_some(limit);
        let literal = |n: u64| {
            Box::new(Expr::Literal(ScalarValue::Int64(Some(i64::try_from(n).unwrap_or(i64::MAX))), None))
        };
        if let (LogicalPlan::Sort(sort), Some(fetch)) = (&mut plan, fetch) {
            sort.fetch = usize::try_from(fetch.saturating_add(offset)).ok();
        }
        return Ok(LogicalPlan::Limit(Limit {
            skip: (offset > 0).then(|| literal(offset)),
            fetch: fetch.map(literal),
            input: Arc::new(plan),
        }));
    }
    let limits = SeriesLimits {
        limit: (limit > 0).then(|| count(limit)),
        offset: count(offset),
        series_limit: (slimit > 0).then(|| count(slimit)),
        series_offset: count(soffset),
        descending: query.is_descending,
    };
    let node = SeriesLimit::try_new(plan, groups, limits)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

/// Limits the series of rows in any order, or tells with `None` that none is left. What comes out is in any order too.
pub(super) fn limit_series(
    limits: Limits,
    is_descending: bool,
    plan: LogicalPlan,
    group_tags: &[Expr],
) -> Result<Option<LogicalPlan>> {
    let Limits { slimit, soffset, .. } = limits;
    if (slimit, soffset) == (0, 0) {
        return Ok(Some(plan));
    }
    if group_tags.is_empty() {
        return Ok((soffset == 0).then_some(plan)); // there is one series
    }
    let groups = group_tags.iter().filter_map(|tag| tag.try_as_col().cloned()).collect();
    let limits = SeriesLimits {
        limit: None,
        offset: 0,
        series_limit: (slimit > 0).then(|| count(slimit)),
        series_offset: count(soffset),
        descending: is_descending,
    };
    let node = SeriesLimit::try_new(plan, groups, limits)?;
    Ok(Some(LogicalPlan::Extension(Extension { node: Arc::new(node) })))
}

/// What does not fit is more than there can be.
fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Rows of a series up to which a scan drops those that a limit does not reach; a larger limit is left to the sort.
const RUN_ROWS_MAX: u64 = 1_024;

/// The rows of each series of a table that LIMIT and OFFSET may reach, when rows are selected as they come: whatever series of the
/// result they end up in, it has no use for more of one series.
#[must_use]
pub(super) fn rows_within_reach(query: &Query) -> Option<RunRows> {
    let Limits { limit, offset, .. } = query.limits;
    let count = limit.saturating_add(offset);
    let is_of_use = limit > 0 && count <= RUN_ROWS_MAX;
    let end = if query.is_descending { RunEnd::Last } else { RunEnd::First };
    is_of_use.then(|| RunRows::Outer(end, usize::try_from(count).unwrap_or(usize::MAX)))
}
