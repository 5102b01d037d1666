//! `SHOW TAG KEYS` and `SHOW TAG VALUES`: per measurement, the tags of its series.

use super::listing::{Column, Listing, page};
use super::scope::{SeriesSource, check_tag_operators, series_of, tables_of};
use crate::model::database::TableInfo;
use crate::model::series_key;
use crate::query::error::QueryError;
use crate::query::influxql::series::SeriesCondition;
use crate::query::influxql::source;
use crate::query::statement::StatementContext;
use crate::query::tables::Tables;
use ahash::AHashSet;
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
    check_tag_operators(&condition)?;
    let is_wanted = |key: &str| show.key.as_ref().is_none_or(|filter| matches(filter, key));
    let (mut names, mut listed): (Vec<Arc<str>>, Vec<String>) = (Vec::new(), Vec::new());
    for (name, measurement) in tables_of(tables.state(), database, &show.sources, context, false)? {
        let mut keys: BTreeSet<String> = BTreeSet::new();
        if condition.is_empty() {
            keys.extend(
                measurement.iter().flat_map(|table| table.schema.tags()).map(|tag| tag.name.to_string()),
            );
        } else {
            for series in series_of(&measurement, &condition, None, tables, source).await? {
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
    check_tag_operators(&condition)?;
    let [mut names, mut keys, mut values]: [Vec<Arc<str>>; 3] = Default::default();
    for (name, measurement) in tables_of(tables.state(), database, &show.sources, context, true)? {
        let has_key = |tag: &crate::model::schema::Column| matches(&show.key, &tag.name);
        if !measurement.iter().any(|table| table.schema.tags().any(has_key)) {
            continue;
        }
        let pairs =
            if condition.is_empty() { listed_pairs(&measurement, &show.key, source).await? } else { None };
        let pairs = match pairs {
            Some(pairs) => pairs,
            None => pairs_of(&series_of(&measurement, &condition, None, tables, source).await?, &show.key),
        };
        for (key, value) in page(pairs, show.limit, show.offset) {
            names.push(Arc::clone(&name));
            keys.push(key);
            values.push(value);
        }
    }
    Listing::new(names, vec![("key", Column::Shared(keys)), ("value", Column::Shared(values))])
}

/// A tag and one of its values.
pub(super) type Pair = (Arc<str>, Arc<str>);

/// The values of the tags that the filter takes, in order, if they are known without a plan.
pub(super) async fn listed_pairs(
    measurement: &[Arc<TableInfo>],
    filter: &TagKeyFilter,
    source: &dyn SeriesSource,
) -> Result<Option<Vec<Pair>>, QueryError> {
    let mut pairs: Vec<Pair> = Vec::new();
    for table in measurement {
        let tags = table.schema.tags().map(|tag| Arc::clone(&tag.name));
        let mut tags: Vec<_> = tags.filter(|tag| matches(filter, tag)).collect();
        tags.sort_unstable();
        let Some(values) = source.tag_values(table.id, tags.clone()).await? else { return Ok(None) };
        for (tag, values) in tags.iter().zip(values) {
            pairs.extend(values.iter().map(|value| (Arc::clone(tag), Arc::clone(value))));
        }
    }
    if measurement.len() > 1 {
        pairs.sort_unstable();
        pairs.dedup();
    }
    Ok(Some(pairs))
}

/// The values in these series of the tags that the filter takes, in order.
fn pairs_of(series: &[Arc<str>], filter: &TagKeyFilter) -> Vec<Pair> {
    let tags = series.iter().flat_map(|series| series_key::decode(series));
    let distinct: AHashSet<_> = tags.filter(|(key, _)| matches(filter, key)).collect();
    let mut pairs: Vec<Pair> = distinct.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    pairs.sort_unstable();
    pairs
}

/// InfluxDB does so since 1.11: it looks at the policy in FROM, but only at one.
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

/// Whether WITH KEY takes a tag.
pub(super) fn matches(filter: &TagKeyFilter, key: &str) -> bool {
    match filter {
        TagKeyFilter::Equal(wanted) => key == wanted,
        TagKeyFilter::NotEqual(other) => key != other,
        TagKeyFilter::Matches(pattern) => pattern.is_match(key),
        TagKeyFilter::NotMatches(pattern) => !pattern.is_match(key),
        TagKeyFilter::In(wanted) => wanted.iter().any(|wanted| wanted == key),
    }
}
