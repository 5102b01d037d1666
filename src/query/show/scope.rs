//! Which tables a SHOW statement is about, and the series in them.

use crate::model::database::{DatabaseInfo, TableInfo};
use crate::model::ids::PolicyId;
use crate::model::shard::Shard;
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::influxql::series::{SeriesCondition, series_plan};
use crate::query::influxql::source;
use crate::query::statement::StatementContext;
use crate::query::tables::Tables;
use datafusion::logical_expr::LogicalPlan;
use futures::future::BoxFuture;
use influxql::ast::{Name, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Reads what SHOW statements need to know of the data.
pub trait SeriesSource: Send + Sync {
    /// Runs a plan with one text column, without nulls, and collects it.
    fn texts(&self, plan: LogicalPlan) -> BoxFuture<'_, Result<Vec<String>, QueryError>>;

    /// The shards of a policy that hold rows, in order of time.
    fn shards(&self, policy: PolicyId) -> BoxFuture<'_, Result<Vec<Shard>, QueryError>>;
}

/// The tables of one name over all policies.
pub(in crate::query) type Measurements = BTreeMap<Arc<str>, Vec<Arc<TableInfo>>>;

/// The tables that FROM means, all of the database without one. `keeps_policy`: whether a policy in FROM counts.
pub(in crate::query) fn tables_of(
    state: &State,
    database: &DatabaseInfo,
    sources: &[Source],
    context: StatementContext<'_>,
    keeps_policy: bool,
) -> Result<Measurements, QueryError> {
    let mut found = Measurements::new();
    let mut add = |database: &DatabaseInfo, policy: Option<&str>, is_wanted: &dyn Fn(&str) -> bool| {
        let policies = state.policies_of(database.id);
        for policy in policies.iter().filter(|p| policy.is_none_or(|name| p.name.as_ref() == name)) {
            for table in state.tables_of(policy.id).filter(|table| is_wanted(&table.name)) {
                let tables = found.entry(Arc::clone(&table.name)).or_default();
                if !tables.iter().any(|known| known.id == table.id) {
                    tables.push(Arc::clone(table));
                }
            }
        }
    };
    if sources.is_empty() {
        add(database, None, &|_| true);
    }
    for source in sources {
        let Source::Measurement(measurement) = source else {
            return Err(QueryError::Query("only measurements may be listed".into()));
        };
        let database = match &measurement.database {
            Some(name) => source::database(state, Some(name), context.defaults)?,
            None => state
                .database_by_id(database.id)
                .map_or_else(|| source::database(state, None, context.defaults), Ok)?,
        };
        let policy = measurement.policy.as_deref().filter(|_| keeps_policy);
        match &measurement.name {
            Name::Name(wanted) => add(database, policy, &|name| name == wanted),
            Name::Regex(pattern) => add(database, policy, &|name| pattern.is_match(name)),
        }
    }
    Ok(found)
}

/// The distinct series keys of some tables that meet a condition, sorted.
pub(super) async fn series_of(
    measurement: &[Arc<TableInfo>],
    condition: &SeriesCondition,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
) -> Result<BTreeSet<String>, QueryError> {
    let mut series = BTreeSet::new();
    for table in measurement {
        if let Some(plan) = series_plan(table, condition, tables)? {
            series.extend(source.texts(plan).await?);
        }
    }
    Ok(series)
}
