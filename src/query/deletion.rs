//! DELETE, DROP SERIES and DROP SHARD as what they delete from each table.
//!
//! In: the statement and the catalog as the data shows it. Out: a [`Command`] with a time range and a condition on series per
//! table. Nothing is read or deleted here.
//!
//! ```text
//! DELETE FROM m WHERE h = 'a' AND time < 10s      per policy with a table m: series h=a, times …10s
//! DROP SERIES WHERE h = 'a'                       per table: series h=a, all times
//! DROP SHARD 12582912                             per table of the policy: all series, the shard's times
//! ```
//!
//! A condition means what it means in SELECT, so that what SELECT shows is what DELETE deletes: a tag that a series lacks is empty, and
//! a name that is neither tag nor field is a tag that every series lacks. InfluxDB 1.x goes its own ways here, and where
//! it would delete more than was asked for, the statement fails instead (`data_changes/conditions.txt` has the cases).

use super::command::Command;
use super::error::QueryError;
use super::influxql::predicate::MEASUREMENT_NAME;
use super::influxql::series::SeriesCondition;
use super::influxql::source::Defaults;
use super::influxql::time_range::TimeBounds;
use super::show::{SeriesSource, tables_of};
use super::statement::StatementContext;
use crate::engine::Deletion;
use crate::model::database::{DatabaseInfo, TableInfo};
use crate::model::shard::Shard;
use crate::model::state::State;
use crate::model::time::TimeRange;
use crate::model::tombstone::SeriesFilter;
use influxql::ast::{BinaryOp, CastType, Delete, DropSeries, Expr, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// `DELETE [FROM …] [WHERE …]`, of all policies where FROM names none.
///
/// # Errors
///
/// When database or policy do not exist, or the condition is about fields or cannot be.
pub fn delete(delete: &Delete, state: &State, context: StatementContext<'_>) -> Result<Command, QueryError> {
    let database = database(state, context.defaults)?;
    let condition = SeriesCondition::new(delete.condition.as_ref(), context.now_ns)?;
    check_policies(state, database, &delete.sources)?;
    deletions(&delete.sources, &condition, state, database, context)
}

/// `DROP SERIES [FROM …] [WHERE …]`, of all policies and times.
///
/// # Errors
///
/// As [`delete`], and when the condition is about time.
pub fn drop_series(
    drop: &DropSeries,
    state: &State,
    context: StatementContext<'_>,
) -> Result<Command, QueryError> {
    let database = database(state, context.defaults)?;
    let condition = SeriesCondition::new(drop.condition.as_ref(), context.now_ns)?;
    if condition.bounds != TimeBounds::default() {
        return Err(QueryError::Query("DROP SERIES doesn't support time in WHERE clause".into()));
    }
    deletions(&drop.sources, &condition, state, database, context)
}

/// `DROP SHARD number`.
///
/// # Errors
///
/// When no shard has this number, as since InfluxDB 1.11.
pub async fn drop_shard(
    number: u64,
    state: &State,
    source: &dyn SeriesSource,
) -> Result<Command, QueryError> {
    let not_found = || QueryError::Query("shard not found".into());
    let policy = Shard::policy_of(number).ok_or_else(not_found)?;
    let shards = source.shards(policy).await?;
    let shard = shards.into_iter().find(|shard| shard.number() == number).ok_or_else(not_found)?;
    let tables = state.tables_of(policy);
    let deletion = |table: &Arc<TableInfo>| Deletion {
        table: table.id,
        times: shard.times,
        series: SeriesFilter::all(),
    };
    Ok(Command::Delete { deletions: tables.map(deletion).collect() })
}

/// The request's database. Its absence has a text of its own here.
fn database<'s>(state: &'s State, defaults: Defaults<'_>) -> Result<&'s Arc<DatabaseInfo>, QueryError> {
    let name = defaults.database.unwrap_or_default();
    state.database(name).ok_or_else(|| QueryError::Query(format!("database not found: {name}")))
}

fn check_policies(state: &State, database: &DatabaseInfo, sources: &[Source]) -> Result<(), QueryError> {
    for source in sources {
        if let Source::Measurement(measurement) = source
            && let Some(policy) = &measurement.policy
            && state.policy(database.id, policy).is_none()
        {
            return Err(QueryError::Query(format!("retention policy not found: {policy}")));
        }
    }
    Ok(())
}

fn deletions(
    sources: &[Source],
    condition: &SeriesCondition,
    state: &State,
    database: &DatabaseInfo,
    context: StatementContext<'_>,
) -> Result<Command, QueryError> {
    let times = times_of(condition.bounds);
    let mut deletions = Vec::new();
    for (_, tables) in tables_of(state, database, sources, context, true)? {
        for table in tables {
            let series = match &condition.condition {
                Some(condition) => series_of(condition, &table)?,
                None => SeriesFilter::all(),
            };
            if !series.is_none() && !times.is_empty() {
                deletions.push(Deletion { table: table.id, times, series });
            }
        }
    }
    Ok(Command::Delete { deletions })
}

fn times_of(bounds: TimeBounds) -> TimeRange {
    let all = TimeRange::ALL;
    let end_ns = bounds.max_ns.map_or(all.end_ns, |last| last.saturating_add(1));
    TimeRange::new(bounds.min_ns.unwrap_or(all.start_ns), end_ns)
}

/// The series of a table that meet a condition.
fn series_of(condition: &Expr, table: &TableInfo) -> Result<SeriesFilter, QueryError> {
    match condition.unparenthesized() {
        Expr::Boolean(true) => Ok(SeriesFilter::all()),
        Expr::Boolean(false) => Ok(SeriesFilter::none()),
        chain @ Expr::Binary { op: BinaryOp::And, .. } => {
            let operands = chain.chain(BinaryOp::And);
            operands.into_iter().try_fold(SeriesFilter::all(), |all, c| Ok(all.and(series_of(c, table)?)))
        }
        chain @ Expr::Binary { op: BinaryOp::Or, .. } => any_of(&chain.chain(BinaryOp::Or), table),
        Expr::Binary { op, left, right } if op.is_comparison() => comparison(*op, left, right, table),
        _ => Err(fields_not_supported()),
    }
}

/// OR. Comparisons of one tag with several texts become one look-up in a set.
fn any_of(operands: &[&Expr], table: &TableInfo) -> Result<SeriesFilter, QueryError> {
    let mut sets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut any = SeriesFilter::none();
    for operand in operands {
        match operand.unparenthesized() {
            Expr::Binary { op: BinaryOp::Equal, left, right } => match sides(left, right) {
                (Expr::VarRef { name, cast }, Expr::String(text)) if is_tag(name, *cast, table) => {
                    sets.entry(name).or_default().push(text);
                }
                _ => any = any.or(series_of(operand, table)?),
            },
            operand => any = any.or(series_of(operand, table)?),
        }
    }
    let sets = sets.into_iter().map(|(tag, texts)| SeriesFilter::tag_in(tag, texts));
    Ok(sets.fold(any, SeriesFilter::or))
}

fn comparison(
    op: BinaryOp,
    left: &Expr,
    right: &Expr,
    table: &TableInfo,
) -> Result<SeriesFilter, QueryError> {
    let (Expr::VarRef { name, cast }, value) = sides(left, right) else { return Err(fields_not_supported()) };
    if name == MEASUREMENT_NAME {
        return measurement_name(op, value, table);
    }
    if !is_tag(name, *cast, table) {
        return Err(fields_not_supported());
    }
    let series = match (op, value) {
        (BinaryOp::Equal | BinaryOp::NotEqual, Expr::String(text)) => {
            SeriesFilter::tag_in(name, [text.as_str()])
        }
        (BinaryOp::Matches | BinaryOp::NotMatches, Expr::Regex(pattern)) => {
            SeriesFilter::tag_matches(name, pattern)
        }
        (BinaryOp::Equal | BinaryOp::NotEqual, Expr::VarRef { name: other, cast })
            if is_tag(other, *cast, table) =>
        {
            SeriesFilter::tags_equal(name, other)
        }
        (op, Expr::String(_) | Expr::Regex(_)) => {
            return Err(QueryError::Query(format!("invalid tag comparison operator: {op}")));
        }
        _ => return Err(fields_not_supported()),
    };
    Ok(if matches!(op, BinaryOp::NotEqual | BinaryOp::NotMatches) { series.inverted() } else { series })
}

/// A condition on the measurement's name.
fn measurement_name(op: BinaryOp, value: &Expr, table: &TableInfo) -> Result<SeriesFilter, QueryError> {
    let holds = match (op, value) {
        (BinaryOp::Equal, Expr::String(text)) => *table.name == **text,
        (BinaryOp::NotEqual, Expr::String(text)) => *table.name != **text,
        (BinaryOp::Matches, Expr::Regex(pattern)) => pattern.is_match(&table.name),
        (BinaryOp::NotMatches, Expr::Regex(pattern)) => !pattern.is_match(&table.name),
        _ => return Err(fields_not_supported()),
    };
    Ok(if holds { SeriesFilter::all() } else { SeriesFilter::none() })
}

/// Both sides of a comparison, a name first.
fn sides<'a>(left: &'a Expr, right: &'a Expr) -> (&'a Expr, &'a Expr) {
    match (left.unparenthesized(), right.unparenthesized()) {
        (value, name @ Expr::VarRef { .. }) if !matches!(value, Expr::VarRef { .. }) => (name, value),
        sides => sides,
    }
}

/// Whether a name means a tag. One that both a tag and a field bear means the field.
fn is_tag(name: &str, cast: Option<CastType>, table: &TableInfo) -> bool {
    match cast {
        None => name != MEASUREMENT_NAME && table.schema.field(name).is_none(),
        Some(cast) => cast == CastType::Tag,
    }
}

fn fields_not_supported() -> QueryError {
    QueryError::Query("fields not supported in WHERE clause during deletion".into())
}
