//! `SHOW MEASUREMENTS`.
//!
//! Its WHERE is about measurements, not series: `host = 'a'` holds for one with a series of that tag, `host != 'a'` for one
//! that has the tag but no such series, `_name = 'm'` for the one of this name, and AND and OR join sets of measurements.

use super::listing::{Column, Listing, page};
use super::scope::{SeriesSource, series_of, tables_of};
use crate::model::database::{DatabaseInfo, TableInfo};
use crate::model::series_key;
use crate::model::state::State;
use crate::query::error::QueryError;
use crate::query::influxql::predicate::MEASUREMENT_NAME;
use crate::query::influxql::series::SeriesCondition;
use crate::query::influxql::source;
use crate::query::statement::StatementContext;
use crate::query::tables::Tables;
use influxql::Pattern;
use influxql::ast::{BinaryOp, Expr, Name, ScopePart, ShowMeasurements};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `SHOW MEASUREMENTS [ON …] [WITH MEASUREMENT …] [WHERE …] [LIMIT …] [OFFSET …]`.
///
/// # Errors
///
/// When no database is named, the condition is wrong, or reading fails.
pub async fn measurements(
    show: &ShowMeasurements,
    tables: &dyn Tables,
    source: &dyn SeriesSource,
    context: StatementContext<'_>,
) -> Result<Listing, QueryError> {
    let condition = show.condition.as_ref().map(read).transpose()?;
    let state = tables.state();
    // With a policy or wildcard in ON, database and policy are listed too.
    let is_qualified = show.policy.is_some() || show.database == Some(ScopePart::Any);
    let none: Arc<str> = "".into();
    let mut rows: Vec<[Arc<str>; 3]> = Vec::new();
    for database in databases_of(show, state, context)? {
        for (name, measurement) in tables_of(state, &database, &[], context, false)? {
            if !is_wanted(show, &name) {
                continue;
            }
            for table in &measurement {
                let policy = state
                    .policy_by_id(table.policy)
                    .map_or_else(|| Arc::clone(&none), |p| Arc::clone(&p.name));
                if matches!(&show.policy, Some(ScopePart::Name(wanted)) if policy.as_ref() != wanted) {
                    continue;
                }
                let key = if is_qualified {
                    [Arc::clone(&name), Arc::clone(&database.name), policy]
                } else {
                    [Arc::clone(&name), Arc::clone(&none), Arc::clone(&none)]
                };
                if rows.last() == Some(&key) {
                    continue;
                }
                // Without policies in the answer, those of all of them are one measurement.
                let of_one = std::slice::from_ref(table);
                let all = if is_qualified { of_one } else { &measurement };
                let holds = match &condition {
                    Some(condition) => holds(condition, &name, all, tables, source).await?,
                    None => true,
                };
                if holds {
                    rows.push(key);
                }
            }
        }
    }
    rows.sort(); // quick for those of one database without policies, which are in order
    let rows: Vec<_> = page(rows, show.limit, show.offset).collect();
    let text = |i: usize| Column::Text(rows.iter().map(|row| row[i].to_string()).collect());
    let mut columns = vec![("name", text(0))];
    if is_qualified {
        columns.extend([("database", text(1)), ("retention policy", text(2))]);
    }
    Listing::new(vec!["measurements".into(); rows.len()], columns)
}

/// The databases that ON means; that of the request without it.
fn databases_of(
    show: &ShowMeasurements,
    state: &State,
    context: StatementContext<'_>,
) -> Result<Vec<Arc<DatabaseInfo>>, QueryError> {
    let on = match (&show.database, &show.policy) {
        (Some(ScopePart::Any), Some(ScopePart::Any)) => return Ok(state.databases().cloned().collect()),
        (Some(ScopePart::Any), policy) => {
            let policy = match policy {
                Some(ScopePart::Name(name)) => format!(".{name}"),
                _ => String::new(),
            };
            return Err(QueryError::Query(format!(
                "query 'SHOW MEASUREMENTS ON *{policy}' not supported. use 'ON *.*' or specify a database"
            )));
        }
        (Some(ScopePart::Name(name)), _) => Some(name.as_str()),
        (None, _) => None,
    };
    match on.or(context.defaults.database).filter(|name| !name.is_empty()) {
        // An unknown database has no measurements.
        Some(name) => Ok(state.database(name).cloned().into_iter().collect()),
        None => Ok(vec![Arc::clone(source::database(state, None, context.defaults)?)]),
    }
}

/// Whether WITH MEASUREMENT lets this name through.
fn is_wanted(show: &ShowMeasurements, name: &str) -> bool {
    show.filter.as_ref().is_none_or(|filter| match filter.name() {
        Name::Name(wanted) => name == wanted,
        Name::Regex(pattern) => pattern.is_match(name),
    })
}

/// A condition on a measurement.
enum Condition<'a> {
    All(Vec<Condition<'a>>),
    Any(Vec<Condition<'a>>),
    /// The measurement has the tag, and one of its values matches, or none does.
    Tag {
        tag: &'a str,
        value: Value<'a>,
        wants_match: bool,
    },
    /// Its name matches, or does not.
    Name {
        value: Value<'a>,
        wants_match: bool,
    },
}

enum Value<'a> {
    Text(&'a str),
    Pattern(&'a Pattern),
}

impl Value<'_> {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => text == *wanted,
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

fn read(condition: &Expr) -> Result<Condition<'_>, QueryError> {
    let wrong = |text: String| Err(QueryError::Query(text));
    let condition = condition.unparenthesized();
    let Expr::Binary { op, left, right } = condition else {
        return wrong(format!("invalid condition expression: {condition}"));
    };
    if let BinaryOp::And | BinaryOp::Or = op {
        let all = condition.chain(*op).into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        return Ok(if *op == BinaryOp::And { Condition::All(all) } else { Condition::Any(all) });
    }
    if left.unparenthesized().is_time() || right.unparenthesized().is_time() {
        return wrong("SHOW MEASUREMENTS doesn't support time in WHERE clause".into());
    }
    if !matches!(op, BinaryOp::Equal | BinaryOp::NotEqual | BinaryOp::Matches | BinaryOp::NotMatches) {
        return wrong("invalid tag comparison operator".to_owned());
    }
    let (tag, value) = match (left.unparenthesized(), right.unparenthesized()) {
        (tag @ Expr::VarRef { .. }, value) | (value, tag @ Expr::VarRef { .. }) => (tag, value),
        _ => return wrong(format!("left side of '{op}' must be a tag key")),
    };
    let Expr::VarRef { name: tag, .. } = tag else {
        return wrong(format!("left side of '{op}' must be a tag key"));
    };
    let (value, wants_match) = match (op, value) {
        (BinaryOp::Equal | BinaryOp::NotEqual, Expr::String(text)) => {
            (Value::Text(text), *op == BinaryOp::Equal)
        }
        (BinaryOp::Matches | BinaryOp::NotMatches, Expr::Regex(pattern)) => {
            (Value::Pattern(pattern), *op == BinaryOp::Matches)
        }
        _ => return wrong(format!("right side of '{op}' must be a tag value string")),
    };
    Ok(if tag == MEASUREMENT_NAME {
        Condition::Name { value, wants_match }
    } else {
        Condition::Tag { tag, value, wants_match }
    })
}

async fn holds(
    condition: &Condition<'_>,
    name: &str,
    measurement: &[Arc<TableInfo>],
    tables: &dyn Tables,
    source: &dyn SeriesSource,
) -> Result<bool, QueryError> {
    let mut tags = BTreeSet::new();
    collect_tags(condition, &mut tags);
    let has_tags = measurement.iter().any(|table| tags.iter().any(|tag| table.schema.tag(tag).is_some()));
    let series = if has_tags {
        series_of(measurement, &SeriesCondition::default(), None, tables, source).await?
    } else {
        Vec::new()
    };
    Ok(holds_for(condition, name, &series))
}

fn collect_tags<'a>(condition: &Condition<'a>, tags: &mut BTreeSet<&'a str>) {
    match condition {
        Condition::All(all) | Condition::Any(all) => all.iter().for_each(|c| collect_tags(c, tags)),
        Condition::Tag { tag, .. } => {
            tags.insert(tag);
        }
        Condition::Name { .. } => {}
    }
}

fn holds_for(condition: &Condition<'_>, name: &str, series: &[Arc<str>]) -> bool {
    match condition {
        Condition::All(all) => all.iter().all(|condition| holds_for(condition, name, series)),
        Condition::Any(all) => all.iter().any(|condition| holds_for(condition, name, series)),
        Condition::Name { value, wants_match } => value.matches(name) == *wants_match,
        Condition::Tag { tag, value, wants_match } => {
            let mut values = series.iter().filter_map(|key| series_key::tag_value(key, tag)).peekable();
            values.peek().is_some() && values.any(|text| value.matches(&text)) == *wants_match
        }
    }
}
