//! `SHOW SERIES`: the keys of series, as line protocol writes them, in the order of measurements and tag sets, which is not
//! that of the texts: `m,host=a,t=b` stands before `m,host=a!`.

use super::listing::{Column, Listing, page};
use super::scope::{SeriesSource, check_all_operators, defaults_on, series_of, tables_of};
use crate::model::database::DatabaseInfo;
use crate::model::series_key;
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::influxql::predicate::Scope;
use crate::query::influxql::series::SeriesCondition;
use crate::query::influxql::source;
use crate::query::influxql::time_range::TimeBounds;
use crate::query::statement::StatementContext;
use crate::query::tables::Tables;
use influxql::ast::{ShowSeries, Source};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `SHOW SERIES [ON …] [FROM …] [WHERE …] [LIMIT …] [OFFSET …]`.
///
/// # Errors
///
/// When a name does not exist, the condition is wrong, or reading fails.
pub async fn series(
    show: &ShowSeries,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
    context: StatementContext<'_>,
) -> Result<Listing, QueryError> {
    let database = source::database(tables.state(), show.database.as_deref(), context.defaults)?;
    check_policies(show, tables.state(), database, context)?;
    let mut condition = SeriesCondition::new(show.condition.as_ref(), context.now_ns)?;
    // With a time InfluxDB 1.x asks points, which have fields, and which any operator compares.
    if condition.bounds == TimeBounds::default() {
        check_all_operators(&condition)?;
    } else {
        condition.scope = Scope::Rows;
    }
    let count_max = (show.limit > 0).then(|| show.limit.saturating_add(show.offset));
    let count_max = count_max.and_then(|count| usize::try_from(count).ok());
    let mut keys = BTreeSet::new();
    for (name, measurement) in tables_of(tables.state(), database, &show.sources, context, false)? {
        for series in series_of(&measurement, &condition, count_max, tables, source).await? {
            keys.insert((name.clone(), series));
        }
    }
    let keys = page(keys, show.limit, show.offset);
    let keys: Vec<_> = keys.map(|(name, series)| line_protocol_key(&name, &series)).collect();
    Listing::new(vec!["".into(); keys.len()], vec![("key", Column::Text(keys))])
}

/// The policies named in FROM and by the request, or else the default one, have to exist, although series of all policies
/// are listed.
fn check_policies(
    show: &ShowSeries,
    state: &State,
    database: &Arc<DatabaseInfo>,
    context: StatementContext<'_>,
) -> Result<(), QueryError> {
    let defaults = defaults_on(show.database.as_deref(), database, context.defaults);
    if show.sources.is_empty() {
        source::policy(state, database, None, defaults)?;
    }
    for source in &show.sources {
        let Source::Measurement(measurement) = source else { continue };
        let database = match &measurement.database {
            Some(name) => source::database(state, Some(name), defaults)?,
            None => database,
        };
        source::policy(state, database, measurement.policy.as_deref(), defaults)?;
    }
    Ok(())
}

/// `measurement,tag=value,…` with the escapes of line protocol.
fn line_protocol_key(measurement: &str, series: &str) -> String {
    let mut out = String::new();
    push_escaped(&mut out, measurement, &[',', ' ']);
    for (tag, value) in series_key::decode(series) {
        out.push(',');
        push_escaped(&mut out, &tag, &[',', '=', ' ']);
        out.push('=');
        push_escaped(&mut out, &value, &[',', '=', ' ']);
    }
    out
}

fn push_escaped(out: &mut String, text: &str, escaped: &[char]) {
    for c in text.chars() {
        if escaped.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
}
