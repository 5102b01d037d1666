//! LIMIT, OFFSET, SLIMIT and SOFFSET.

use super::error::Result;
use super::ir::{Limits, Query};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Limit, LogicalPlan};
use std::sync::Arc;

/// Limits sorted rows. Without group tags there is one series, and the limit is DataFusion's own, which reaches
/// into the sort below.
pub fn limit(query: &Query, plan: LogicalPlan, group_tags: &[Expr]) -> Result<LogicalPlan> {
    let Limits { limit, offset, slimit, soffset } = query.limits;
    if query.limits == Limits::default() {
        return Ok(plan);
    }
    if group_tags.is_empty() {
        let fetch = if soffset > 0 { Some(0) } else { (limit > 0).then_some(limit) };
        let count = |n: u64| Box::new(Expr::Literal(ScalarValue::Int64(Some(i64::try_from(n).unwrap_or(i64::MAX))), None));
        return Ok(LogicalPlan::Limit(Limit {
            skip: (offset > 0).then(|| count(offset)),
            fetch: fetch.map(count),
            input: Arc::new(plan),
        }));
    }
    let _ = slimit;
    Err(crate::query::error::QueryError::unsupported("SLIMIT"))
}
