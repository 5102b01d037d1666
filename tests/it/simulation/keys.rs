//! What SHOW statements say of fields and tags.
//!
//! Fields and tags that rows have are shown. Fields that no row has any more may be, with a type that they had once.

use super::field_types::FieldTypes;
use super::model::{MEASUREMENTS, TableName, Tables, table_names};
use super::points::{Kind, Value, field_named};
use super::query::{Queries, StatementRows};
use super::reader::value_at;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegauge::engine::Engine;
use tidegauge::query::QueryError;

/// Fields and tags, as they are shown.
#[derive(Debug, Default)]
pub(super) struct Keys {
    fields: BTreeMap<(TableName, &'static str), Kind>,
    /// By measurement: tags are shown of all policies together.
    tags: BTreeSet<(&'static str, String)>,
}

/// What the engine shows.
pub(super) async fn show_keys(engine: &Arc<Engine>, now_ns: i64) -> Result<Keys, QueryError> {
    let queries = Queries::new(engine, now_ns)?;
    let mut keys = Keys::default();
    for table in table_names() {
        let (policy, measurement) = table;
        let answer = queries.run(&format!("SHOW FIELD KEYS FROM {}.{measurement}", policy.name())).await?;
        let (names, types) = (texts(&answer, "fieldKey"), texts(&answer, "fieldType"));
        for (name, field_type) in names.iter().zip(&types) {
            let doubled = keys.fields.insert((table, field_named(name)), Kind::named(field_type));
            assert!(doubled.is_none(), "a field is shown once");
        }
    }
    for measurement in MEASUREMENTS {
        let answer = queries.run(&format!("SHOW TAG KEYS FROM {measurement}")).await?;
        keys.tags.extend(texts(&answer, "tagKey").into_iter().map(|tag| (measurement, tag)));
    }
    Ok(keys)
}

/// The texts of a column.
fn texts((shape, batches): &StatementRows, column: &str) -> Vec<String> {
    let Some((_, at)) = shape.columns.iter().find(|(name, _)| **name == *column) else { return Vec::new() };
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    let texts = rows.map(|(batch, row)| match value_at(batch.column(*at), row) {
        Some(Value::Text(text)) => text,
        other => panic!("{column} is {other:?}"),
    });
    texts.collect()
}

impl Keys {
    /// Whether they fit these rows.
    pub(super) fn fit(&self, tables: &Tables) -> bool {
        tables.iter().all(|(table, rows)| {
            rows.iter().all(|((series, _), fields)| {
                let has_tag = |tag: &str| self.tags.contains(&(table.1, tag.to_owned()));
                series.tags().all(|(tag, _)| has_tag(tag))
                    && fields.iter().all(|(field, value)| self.kind_of(*table, field) == Some(value.kind()))
            })
        })
    }

    /// The fields whose type they cannot have.
    pub(super) fn strangers(&self, types: &FieldTypes) -> Vec<(TableName, &'static str, Kind)> {
        let strangers = self.fields.iter().filter(|(field, kind)| !types.may_be(**field, **kind));
        strangers.map(|((table, field), kind)| (*table, *field, *kind)).collect()
    }

    fn kind_of(&self, table: TableName, field: &'static str) -> Option<Kind> {
        self.fields.get(&(table, field)).copied()
    }
}
