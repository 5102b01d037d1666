//! `SHOW … CARDINALITY`: how many series, measurements, tag keys, tag values or field keys there are.
//!
//! InfluxDB 1.x makes a SELECT of all but the two plain estimates, and so these statements look at the default policy unless FROM
//! names another, group by tags, and page within a result of one row: LIMIT keeps it, OFFSET drops it.
//!
//! ```text
//! series of cpu                 SHOW SERIES EXACT CARDINALITY GROUP BY region
//! host=a,region=x               name  region  count
//! host=b,region=x          →    cpu           1
//! host=c                        cpu   x       2
//! ```
//!
//! Every count is exact, also where the column is called an estimation.

use super::listing::{Column, Listing};
use super::scope::{SeriesSource, measurements_of, series_count, series_of, tables_of};
use super::tags;
use crate::model::database::TableInfo;
use crate::model::series_key;
use crate::query::error::QueryError;
use crate::query::influxql::dimensions::Dimensions;
use crate::query::influxql::expand::expand_dimensions;
use crate::query::influxql::names::Names;
use crate::query::influxql::predicate::Scope;
use crate::query::influxql::series::SeriesCondition;
use crate::query::influxql::source::Defaults;
use crate::query::statement::StatementContext;
use crate::query::tables::Tables;
use ahash::AHashSet;
use influxql::ast::{CardinalityOf, ShowCardinality};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The column of the counts that InfluxDB estimates.
const ESTIMATION: &str = "cardinality estimation";

/// `SHOW SERIES|MEASUREMENT|TAG KEY|TAG VALUES|FIELD KEY [EXACT] CARDINALITY …`.
///
/// # Errors
///
/// When a name does not exist, the condition is wrong or about time, or reading fails.
pub async fn cardinality(
    show: &ShowCardinality,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
    context: StatementContext<'_>,
) -> Result<Listing, QueryError> {
    if is_plain_estimate(show) {
        return estimate(show, tables, source, context.defaults).await;
    }
    check_time(show)?;
    let state = tables.state();
    let measurements = measurements_of(state, show.database.as_deref(), &show.sources, context.defaults)?;
    let dimensions = Dimensions::read(&show.dimensions, context.now_ns)?;
    if let Some(text) = dimensions.bad_offset {
        return Err(QueryError::Query(format!("invalid time dimension offset: {text}")));
    }
    // Series have no time, so windows of them make no sense. InfluxDB 1.x counts all series at the epoch, in one of many
    // rows that do not say which window they are; without a time range in WHERE it never returns.
    if dimensions.interval.is_some_and(|interval| interval.every_ns > 0) {
        return Err(QueryError::Query("SHOW … CARDINALITY doesn't support GROUP BY time".into()));
    }
    let all_tables = measurements.values().flatten().cloned();
    let names = Names::new(all_tables.collect()).with_siblings(state);
    let group_tags = expand_dimensions(&dimensions.others, &names);
    let condition = SeriesCondition {
        scope: Scope::Rows,
        ..SeriesCondition::new(show.condition.as_ref(), context.now_ns)?
    };
    let mut counted = Counted::default();
    for (name, measurement) in &measurements {
        let groups = if condition.is_empty() && group_tags.is_empty() && is_of_schema(&show.of) {
            BTreeMap::from([(Vec::new(), of_schema(&show.of, measurement).len())])
        } else if show.of == CardinalityOf::Series && condition.is_empty() && group_tags.is_empty() {
            BTreeMap::from([(Vec::new(), series_count(measurement, tables, source).await?)])
        } else if let CardinalityOf::TagValues(filter) = &show.of
            && condition.is_empty()
            && group_tags.is_empty()
            && let Some(pairs) = tags::listed_pairs(measurement, filter, source).await?
        {
            BTreeMap::from([(Vec::new(), distinct_values(&pairs))])
        } else {
            let series = series_of(measurement, &condition, None, tables, source).await?;
            let groups = of_series(&show.of, measurement, &group_tags, &series).into_iter();
            groups.map(|(group, distinct)| (group, distinct.len())).collect()
        };
        counted.add(&show.of, name, groups);
    }
    if show.offset > 0 {
        counted.rows.clear();
    }
    counted.into_listing(column_of(show), &group_tags)
}

/// The estimates of a whole database, over all its policies.
fn is_plain_estimate(show: &ShowCardinality) -> bool {
    matches!(show.of, CardinalityOf::Series | CardinalityOf::Measurement)
        && !show.exact
        && show.sources.is_empty()
        && show.condition.is_none()
        && show.dimensions.is_empty()
        && (show.limit, show.offset) == (0, 0)
}

async fn estimate(
    show: &ShowCardinality,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
    defaults: Defaults<'_>,
) -> Result<Listing, QueryError> {
    let state = tables.state();
    let on = show.database.as_deref().or(defaults.database).filter(|name| !name.is_empty());
    let Some(name) = on else { return Err(QueryError::Query("database name required".into())) };
    let mut count = 0;
    if let Some(database) = state.database(name) {
        let context = StatementContext { defaults, now_ns: 0 };
        let measurements = tables_of(state, database, &[], context, false)?;
        match show.of {
            CardinalityOf::Series => {
                for tables_of_name in measurements.values() {
                    count += series_count(tables_of_name, tables, source).await?;
                }
            }
            _ => count = measurements.len(),
        }
    }
    let count = Column::Integer(vec![integer(count)]);
    Listing::new(vec!["".into()], vec![(ESTIMATION, count)])
}

fn column_of(show: &ShowCardinality) -> &'static str {
    // InfluxDB estimates the number of series under FROM and WHERE too, since 1.11.
    if show.of == CardinalityOf::Series && !show.exact { ESTIMATION } else { "count" }
}

fn check_time(show: &ShowCardinality) -> Result<(), QueryError> {
    let name = match &show.of {
        CardinalityOf::Series => "SHOW SERIES EXACT",
        CardinalityOf::Measurement => "SHOW MEASUREMENT EXACT",
        CardinalityOf::TagKey => "SHOW TAG KEY EXACT",
        CardinalityOf::FieldKey => "SHOW FIELD KEY",
        CardinalityOf::TagValues(_) => return Ok(()),
    };
    let mut has_time = false;
    if let Some(condition) = &show.condition {
        condition.walk(&mut |expr| has_time |= expr.is_time());
    }
    if has_time {
        return Err(QueryError::Query(format!("{name} CARDINALITY doesn't support time in WHERE clause")));
    }
    Ok(())
}

/// The distinct things of one group: what is counted.
type Distinct = BTreeSet<String>;

/// Whether the catalog alone tells what is counted.
fn is_of_schema(of: &CardinalityOf) -> bool {
    !matches!(of, CardinalityOf::Series | CardinalityOf::TagValues(_))
}

fn of_schema(of: &CardinalityOf, measurement: &[Arc<TableInfo>]) -> Distinct {
    let columns = |table: &Arc<TableInfo>| -> Vec<String> {
        match of {
            CardinalityOf::TagKey => table.schema.tags().map(|tag| tag.name.to_string()).collect(),
            _ => table.schema.fields().map(|field| field.name.to_string()).collect(),
        }
    };
    match of {
        CardinalityOf::Measurement => measurement.iter().map(|table| table.name.to_string()).collect(),
        _ => measurement.iter().flat_map(columns).collect(),
    }
}

/// Per group of the series the distinct things in it.
fn of_series(
    of: &CardinalityOf,
    measurement: &[Arc<TableInfo>],
    group_tags: &[Arc<str>],
    series: &[Arc<str>],
) -> BTreeMap<Vec<String>, Distinct> {
    let mut groups: BTreeMap<Vec<String>, Distinct> = BTreeMap::new();
    for key in series {
        let value =
            |tag: &Arc<str>| series_key::tag_value(key, tag).map_or_else(String::new, Cow::into_owned);
        let group = groups.entry(group_tags.iter().map(value).collect()).or_default();
        match of {
            CardinalityOf::Series => {
                group.insert(key.to_string());
            }
            CardinalityOf::TagKey => group.extend(series_key::decode(key).map(|(tag, _)| tag.into_owned())),
            CardinalityOf::TagValues(filter) => {
                let wanted = series_key::decode(key).filter(|(tag, _)| tags::matches(filter, tag));
                group.extend(wanted.map(|(_, value)| value.into_owned()));
            }
            CardinalityOf::Measurement | CardinalityOf::FieldKey => {
                if group.is_empty() {
                    group.extend(of_schema(of, measurement));
                }
            }
        }
    }
    groups
}

/// How many different values there are, whatever tag has them.
fn distinct_values(pairs: &[tags::Pair]) -> usize {
    match pairs {
        // In order, so that those of one tag lie together.
        [(first, _), .., (last, _)] if first == last => pairs.len(),
        _ => pairs.iter().map(|(_, value)| value).collect::<AHashSet<_>>().len(),
    }
}

/// The rows of the answer by name and group.
#[derive(Debug, Default)]
struct Counted {
    rows: BTreeMap<(Arc<str>, Vec<String>), usize>,
}

impl Counted {
    fn add(&mut self, of: &CardinalityOf, measurement: &Arc<str>, groups: BTreeMap<Vec<String>, usize>) {
        // Measurements are counted together.
        let name = if *of == CardinalityOf::Measurement { Arc::from("") } else { Arc::clone(measurement) };
        for (group, count) in groups.into_iter().filter(|(_, count)| *count > 0) {
            *self.rows.entry((Arc::clone(&name), group)).or_default() += count;
        }
    }

    fn into_listing(self, column: &str, group_tags: &[Arc<str>]) -> Result<Listing, QueryError> {
        let counts = self.rows.values().map(|count| integer(*count)).collect();
        let tag = |i: usize| self.rows.keys().map(|(_, group)| group[i].clone()).collect();
        let tags = group_tags.iter().enumerate().map(|(i, name)| (Arc::clone(name), tag(i))).collect();
        let names = self.rows.keys().map(|(name, _)| Arc::clone(name)).collect();
        Listing::grouped(names, tags, vec![(column, Column::Integer(counts))])
    }
}

fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
