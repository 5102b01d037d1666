//! LIMIT, OFFSET, SLIMIT and SOFFSET.

use super::error::Result;
use super::ir::{Limits, Query};
use crate::query::exec::run_limit::{RUN_LIMIT_ROWS_MAX, RunLimit, RunRows};
use crate::query::exec::series_limit::{SeriesLimit, SeriesLimits};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Extension, Limit, LogicalPlan};
use std::sync::Arc;

/// Limits sorted rows. Without group tags there is one series, and the limit is DataFusion's own, which reaches
/// into the sort below.
pub(super) fn limit(query: &Query, mut plan: LogicalPlan, group_tags: &[Expr]) -> Result<LogicalPlan> {
    let Limits { limit, offset, slimit, soffset } = query.limits;
    if query.limits == Limits::default() {
        return Ok(plan);
    }
    if group_tags.is_empty() {
        let fetch = if soffset > 0 { Some(0) } else { (limit > 0).then_some(limit) };
        let count = |n: u64| {
            Box::new(Expr::Literal(ScalarValue::Int64(Some(i64::try_from(n).unwrap_or(i64::MAX))), None))
        };
        if let (LogicalPlan::Sort(sort), Some(fetch)) = (&mut plan, fetch) {
            sort.fetch = usize::try_from(fetch.saturating_add(offset)).ok();
        }
        return Ok(LogicalPlan::Limit(Limit {
            skip: (offset > 0).then(|| count(offset)),
            fetch: fetch.map(count),
            input: Arc::new(plan),
        }));
    }
    let groups = group_tags.iter().filter_map(|tag| tag.try_as_col().cloned()).collect();
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
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

/// Drops, below the sort, rows that the limit above it will not let through: of each run of rows of one series all but the
/// first, or with DESC the last, that LIMIT and OFFSET may reach.
pub(super) fn run_limit(query: &Query, plan: LogicalPlan, series: &Expr) -> Result<LogicalPlan> {
    let Limits { limit, offset, .. } = query.limits;
    let count = usize::try_from(limit.saturating_add(offset)).unwrap_or(usize::MAX);
    let (Expr::Column(series), true) = (series, limit > 0 && count <= RUN_LIMIT_ROWS_MAX) else {
        return Ok(plan);
    };
    let node = RunLimit::try_new(plan, series.clone(), RunRows { count, are_last: query.is_descending })?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}
