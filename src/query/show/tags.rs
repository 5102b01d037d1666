//! `SHOW TAG KEYS` and `SHOW TAG VALUES`: per measurement, the tags of its series.

use super::listing::{Column, Listing, page};
use super::scope::{SeriesSource, series_of, tables_of};
use crate::model::series_key;
use crate::query::error::QueryError;
use crate::query::influxql::series::SeriesCondition;
use crate::query::influxql::source;
use crate::query::statement::StatementContext;
use crate::query::tables::Tables;
use influxql::ast::{ShowTagKeys, ShowTagValues, Source, TagKeyFilter};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `SHOW TAG KEYS [ON …] [FROM …] [WITH KEY …] [WHERE …] [LIMIT …] [OFFSET …]`. SLIMIT and SOFFSET mean nothing, as in
/// InfluxDB 1.x.
///
/// # Errors
///
/// When a name does not exist, the condition is wrong, or reading fails.
pub async fn tag_keys(
    show: &ShowTagKeys,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
    context: StatementContext<'_>,
) -> Result<Listing, QueryError> {
    let database = source::database(tables.state(), show.database.as_deref(), context.defaults)?;
    let condition = SeriesCondition::new(show.condition.as_ref(), context.now_ns)?;
    let is_wanted = |key: &str| show.key.as_ref().is_none_or(|filter| matches(filter, key));
    let (mut names, mut listed): (Vec<Arc<str>>, Vec<String>) = (Vec::new(), Vec::new());
    for (name, measurement) in tables_of(tables.state(), database, &show.sources, context, false)? {
        let mut keys: BTreeSet<String> = BTreeSet::new();
        if condition.is_empty() {
            keys.extend(
                measurement.iter().flat_map(|table| table.schema.tags()).map(|tag| tag.name.to_string()),
            );
        } else {
            for series in series_of(&measurement, &condition, tables, source).await? {
                keys.extend(series_key::decode(&series).map(|(key, _)| key.into_owned()));
            }
        }
        for key in page(keys.into_iter().filter(|key| is_wanted(key)), show.limit, show.offset) {
            names.push(Arc::clone(&name));
            listed.push(key);
        }
    }
    Listing::new(names, vec![("tagKey", Column::Text(listed))])
}

/// `SHOW TAG VALUES [ON …] [FROM …] WITH KEY … [WHERE …] [LIMIT …] [OFFSET …]`.
///
/// # Errors
///
/// When a name does not exist, FROM names several policies, the condition is wrong, or reading fails.
pub async fn tag_values(
    show: &ShowTagValues,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
    context: StatementContext<'_>,
) -> Result<Listing, QueryError> {
    let database = source::database(tables.state(), show.database.as_deref(), context.defaults)?;
    check_one_policy(&show.sources)?;
    let condition = SeriesCondition::new(show.condition.as_ref(), context.now_ns)?;
    let (mut names, mut keys, mut values): (Vec<Arc<str>>, Vec<String>, Vec<String>) = Default::default();
    for (name, measurement) in tables_of(tables.state(), database, &show.sources, context, true)? {
        let has_key = |tag: &crate::model::schema::Column| matches(&show.key, &tag.name);
        if !measurement.iter().any(|table| table.schema.tags().any(has_key)) {
            continue;
        }
        let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
        for series in series_of(&measurement, &condition, tables, source).await? {
            let tags = series_key::decode(&series).filter(|(key, _)| matches(&show.key, key));
            pairs.extend(tags.map(|(key, value)| (key.into_owned(), value.into_owned())));
        }
        for (key, value) in page(pairs, show.limit, show.offset) {
            names.push(Arc::clone(&name));
            keys.push(key);
            values.push(value);
        }
    }
    Listing::new(names, vec![("key", Column::Text(keys)), ("value", Column::Text(values))])
}

/// As InfluxDB since 1.11, which looks at the policy in FROM, but only at one.
fn check_one_policy(sources: &[Source]) -> Result<(), QueryError> {
    let mut policies = sources.iter().filter_map(|source| match source {
        Source::Measurement(measurement) => measurement.policy.as_deref(),
        Source::Subquery(_) => None,
    });
    let Some(first) = policies.next() else { return Ok(()) };
    match policies.find(|other| *other != first) {
        None => Ok(()),
        Some(other) => Err(QueryError::Query(format!(
            "only one retention policy allowed in SHOW TAG VALUES query: {first:?}, {other:?}"
        ))),
    }
}

fn matches(filter: &TagKeyFilter, key: &str) -> bool {
    match filter {
        TagKeyFilter::Equal(wanted) => key == wanted,
        TagKeyFilter::NotEqual(other) => key != other,
        TagKeyFilter::Matches(pattern) => pattern.is_match(key),
        TagKeyFilter::NotMatches(pattern) => !pattern.is_match(key),
        TagKeyFilter::In(wanted) => wanted.iter().any(|wanted| wanted == key),
    }
}
