//! Which tables a SHOW statement is about, and the series in them.

use crate::model::database::{DatabaseInfo, TableInfo};
use crate::model::ids::{PolicyId, TableId};
use crate::model::shard::Shard;
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::influxql::series::{SeriesCondition, series_plan};
use crate::query::influxql::source::{self, Defaults};
use crate::query::statement::StatementContext;
use crate::query::tables::Tables;
use datafusion::logical_expr::LogicalPlan;
use futures::FutureExt;
use futures::future::BoxFuture;
use influxql::ast::{BinaryOp, Expr, Name, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Reads what SHOW statements need to know of the data.
pub trait SeriesSource: Send + Sync {
    /// Runs a plan with one text column, without nulls, and collects it.
    fn texts(&self, plan: LogicalPlan) -> BoxFuture<'_, Result<Vec<String>, QueryError>>;

    /// The shards of a policy that hold rows, in order of time.
    fn shards(&self, policy: PolicyId) -> BoxFuture<'_, Result<Vec<Shard>, QueryError>>;

    /// Per tag its distinct values in all rows of a table, without running a plan; `None` when only a plan can tell.
    fn tag_values(
        &self,
        _table: TableId,
        _tags: Vec<Arc<str>>,
    ) -> BoxFuture<'_, Result<Option<Vec<TagValues>>, QueryError>> {
        std::future::ready(Ok(None)).boxed()
    }

    /// The distinct series keys of all rows of a table, in no certain order, without running a plan; `None` when only a plan can
    /// tell. With `count_max` the first so many in byte order.
    fn series_keys(
        &self,
        _table: TableId,
        _count_max: Option<usize>,
    ) -> BoxFuture<'_, Result<Option<Vec<Arc<str>>>, QueryError>> {
        std::future::ready(Ok(None)).boxed()
    }

    /// The number of distinct series in all rows of a table, without running a plan; `None` when only a plan can tell.
    fn series_count(&self, _table: TableId) -> BoxFuture<'_, Result<Option<usize>, QueryError>> {
        std::future::ready(Ok(None)).boxed()
    }
}

/// The distinct values of a tag, sorted.
pub type TagValues = Arc<[Arc<str>]>;

/// The tables of one name over all policies.
pub(in crate::query) type Measurements = BTreeMap<Arc<str>, Vec<Arc<TableInfo>>>;

/// The tables that FROM names; all of the database without FROM. `keeps_policy`: whether a policy in FROM counts, or all
/// policies are looked at.
pub(in crate::query) fn tables_of(
    state: &State,
    database: &DatabaseInfo,
    sources: &[Source],
    context: StatementContext<'_>,
    keeps_policy: bool,
) -> Result<Measurements, QueryError> {
    let mut found: Vec<&Arc<TableInfo>> = Vec::new();
    let mut add = |database: &DatabaseInfo, policy: Option<&str>, is_wanted: &dyn Fn(&str) -> bool| {
        let policies = state.policies_of(database.id);
        for policy in policies.iter().filter(|p| policy.is_none_or(|name| p.name.as_ref() == name)) {
            found.extend(state.tables_of(policy.id).filter(|table| is_wanted(&table.name)));
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
    let mut measurements = source::by_name(found);
    if sources.len() > 1 {
        for tables in measurements.values_mut() {
            let mut seen = BTreeSet::new();
            tables.retain(|table| seen.insert(table.id));
        }
    }
    Ok(measurements)
}

/// The measurements that FROM names as in a SELECT: in the default policy where no other is named. Without FROM, all of the
/// default policy. `on` is the database of ON.
pub(super) fn measurements_of(
    state: &State,
    on: Option<&str>,
    sources: &[Source],
    defaults: Defaults<'_>,
) -> Result<Measurements, QueryError> {
    let database = source::database(state, on, defaults)?;
    let defaults = defaults_on(on, database, defaults);
    if !sources.is_empty() {
        return source::tables(state, sources, defaults);
    }
    let policy = source::policy(state, database, None, defaults)?;
    Ok(source::by_name(state.tables_of(policy.id).collect()))
}

/// The defaults for names in a statement with ON. `database` is the one that the statement is about.
pub(super) fn defaults_on<'a>(
    on: Option<&'a str>,
    database: &'a DatabaseInfo,
    defaults: Defaults<'a>,
) -> Defaults<'a> {
    match on {
        // The request's policy belongs to the request's database.
        Some(on) => {
            Defaults { database: Some(on), policy: defaults.policy.filter(|_| defaults.database == Some(on)) }
        }
        None => Defaults { database: Some(&database.name), ..defaults },
    }
}

/// Refuses operators that cannot compare tags, even where the names in the condition are fields or do not exist.
pub(super) fn check_tag_operators(condition: &SeriesCondition) -> Result<(), QueryError> {
    condition.condition.as_ref().map_or(Ok(()), check_operators)
}

fn check_operators(condition: &Expr) -> Result<(), QueryError> {
    let condition = condition.unparenthesized();
    let Expr::Binary { op, .. } = condition else { return Ok(()) };
    match op {
        BinaryOp::And | BinaryOp::Or => condition.chain(*op).into_iter().try_for_each(check_operators),
        op if compares_tags(*op) => Ok(()),
        _ => Err(no_tag_operator()),
    }
}

/// The same within calculations, too: `host + 1 = 2`, as SHOW SERIES has it.
pub(super) fn check_all_operators(condition: &SeriesCondition) -> Result<(), QueryError> {
    let is_other = |expr: &Expr| match expr {
        Expr::Binary { op: BinaryOp::And | BinaryOp::Or, .. } => false,
        Expr::Binary { op, .. } => !compares_tags(*op),
        _ => false,
    };
    let has_others = condition.condition.as_ref().is_some_and(|condition| condition.any(is_other));
    if has_others { Err(no_tag_operator()) } else { Ok(()) }
}

fn compares_tags(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Equal | BinaryOp::NotEqual | BinaryOp::Matches | BinaryOp::NotMatches)
}

fn no_tag_operator() -> QueryError {
    QueryError::Query("invalid tag comparison operator".to_owned())
}

/// The number of distinct series of some tables of one name.
pub(super) async fn series_count(
    measurement: &[Arc<TableInfo>],
    tables: &dyn Tables,
    source: &dyn SeriesSource,
) -> Result<usize, QueryError> {
    if let [table] = measurement
        && let Some(count) = source.series_count(table.id).await?
    {
        return Ok(count);
    }
    Ok(series_of(measurement, &SeriesCondition::default(), None, tables, source).await?.len())
}

/// The distinct series keys of some tables that meet a condition, in order. `count_max`: how many of the first suffice.
pub(super) async fn series_of(
    measurement: &[Arc<TableInfo>],
    condition: &SeriesCondition,
    count_max: Option<usize>,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
) -> Result<Vec<Arc<str>>, QueryError> {
    let mut series = Vec::new();
    for table in measurement {
        if condition.is_empty()
            && let Some(keys) = source.series_keys(table.id, count_max).await?
        {
            series.extend(keys);
        } else if let Some(plan) = series_plan(table, condition, tables)? {
            series.extend(source.texts(plan).await?.into_iter().map(Arc::from));
        }
    }
    // Mostly in order already.
    series.sort_unstable();
    series.dedup();
    Ok(series)
}
