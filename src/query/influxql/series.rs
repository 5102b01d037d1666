//! The series of a table: which there are under a condition on tags and times.

use super::columns::TableColumns;
use super::error::Result;
use super::fold::Env;
use super::names::Names;
use super::predicate::{Predicate, Scope, predicate};
use super::scan::{Scanned, scan_table, within};
use super::time_range::{TimeBounds, refuse_values, split};
use crate::model::database::TableInfo;
use crate::query::tables::Tables;
use chrono_tz::Tz;
use datafusion::logical_expr::{Aggregate, LogicalPlan};
use influxql::ast::Expr;
use std::sync::Arc;

/// A condition on series, as the WHERE of a SHOW statement has it.
#[derive(Clone, Debug)]
pub struct SeriesCondition {
    /// The condition without time.
    pub condition: Option<Expr>,
    /// The times between which a series has a row.
    pub bounds: TimeBounds,
    /// Whether a series must have a row of which conditions on fields hold, or these say nothing.
    pub scope: Scope,
}

impl Default for SeriesCondition {
    fn default() -> Self {
        Self { condition: None, bounds: TimeBounds::default(), scope: Scope::Series }
    }
}

impl SeriesCondition {
    /// Splits a WHERE. `now_ns` is what `now()` means.
    ///
    /// # Errors
    ///
    /// When the condition is none, or compares the time with something else.
    pub fn new(condition: Option<&Expr>, now_ns: i64) -> Result<Self> {
        let env = Env { now_ns: Some(now_ns), zone: Tz::UTC, folds_math: false };
        let (condition, bounds) = split(condition, env)?;
        condition.as_ref().map_or(Ok(()), refuse_values)?;
        Ok(Self { condition, bounds, scope: Scope::Series })
    }

    /// Whether every series meets it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.condition.is_none() && self.bounds == TimeBounds::default()
    }
}

/// The distinct series keys (one column, `Utf8View`) of the table's rows that meet the condition; `None` when none can.
///
/// # Errors
///
/// When the table is gone or the condition cannot be planned.
pub fn series_plan(
    table: &Arc<TableInfo>,
    condition: &SeriesCondition,
    tables: &dyn Tables,
) -> Result<Option<LogicalPlan>> {
    let provider = tables.provider(table.id)?;
    let columns = TableColumns { table, schema: provider.schema() };
    let names = Names::new(vec![Arc::clone(table)]);
    let of_tags = match &condition.condition {
        Some(of_tags) => predicate(of_tags, &names, &columns, condition.scope)?,
        None => Predicate::Constant(true),
    };
    let condition = within(&columns, condition.bounds).and(of_tags);
    if condition == Predicate::Constant(false) {
        return Ok(None);
    }
    let series = columns.series();
    let plan = scan_table(&columns, Scanned { provider, run_rows: None, tables }, [&series], condition)?;
    Ok(Some(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(plan), vec![series], Vec::new())?)))
}
