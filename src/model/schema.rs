//! The columns of a table.

use super::value::FieldType;
use ahash::{AHashMap, AHashSet};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The stored name of the time column. No tag or field can bear it.
pub const TIME_COLUMN: &str = "time";
/// The stored name of the series key column; see [`super::series_key`].
pub const SERIES_COLUMN: &str = "__series";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Part of the series key; a nullable string.
    Tag,
    /// A nullable value.
    Field(FieldType),
}

/// A tag or field column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// The name that users know. Unique among tags, and among fields, but a tag and a field may share it.
    pub name: Arc<str>,
    /// Tag or field, with the field's type.
    pub kind: ColumnKind,
    /// The name in Arrow and Parquet schemas, unique within the table. It is `name` for whoever came first;
    /// a later namesake of the other kind, or of a reserved column, is stored as `name::tag` or `name::field`.
    pub stored_name: Arc<str>,
}

impl Column {
    /// The type of the field, or `None` for a tag.
    #[must_use]
    pub const fn field_type(&self) -> Option<FieldType> {
        match self.kind {
            ColumnKind::Tag => None,
            ColumnKind::Field(field_type) => Some(field_type),
        }
    }

    /// The Arrow field of this column as stored: tags are `Utf8`, all are nullable.
    #[must_use]
    pub fn arrow_field(&self) -> Field {
        let data_type = match self.kind {
            ColumnKind::Tag => DataType::Utf8,
            ColumnKind::Field(field_type) => field_type.data_type(),
        };
        Field::new(self.stored_name.as_ref(), data_type, true)
    }
}

/// The columns of a table besides time and series key: tags sorted by name, then fields sorted by name.
///
/// Immutable; [`TableSchema::with_columns`] makes the next version. Columns are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    columns: Vec<Column>,
}

impl TableSchema {
    /// All columns: tags sorted by name, then fields sorted by name.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The tags, sorted by name.
    pub fn tags(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| c.kind == ColumnKind::Tag)
    }

    /// The fields, sorted by name.
    pub fn fields(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| c.kind != ColumnKind::Tag)
    }

    /// The tag of this name.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&Column> {
        self.find(false, name)
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Column> {
        self.find(true, name)
    }

    fn find(&self, is_field: bool, name: &str) -> Option<&Column> {
        self.columns.binary_search_by(|c| sort_key(c).cmp(&(is_field, name))).ok().map(|i| &self.columns[i])
    }

    /// This schema plus the columns it lacks, or `None` when it lacks none of them.
    ///
    /// # Errors
    /// When a field exists already with another type, the first such field. Nothing is added then.
    pub fn with_columns<'a>(
        &self,
        wanted: impl IntoIterator<Item = (&'a str, ColumnKind)>,
    ) -> Result<Option<Self>, FieldTypeConflict> {
        let mut kinds: AHashMap<(bool, &'a str), ColumnKind> = AHashMap::new();
        let mut added: Vec<(&'a str, ColumnKind)> = Vec::new();
        for (name, kind) in wanted {
            let key = (kind != ColumnKind::Tag, name);
            let known = self.find(key.0, name).map(|column| column.kind);
            match (known.or_else(|| kinds.get(&key).copied()), kind) {
                (Some(ColumnKind::Field(existing)), ColumnKind::Field(wanted)) if existing != wanted => {
                    return Err(FieldTypeConflict { field: name.into(), existing, wanted });
                }
                (Some(_), _) => {}
                (None, _) => {
                    kinds.insert(key, kind);
                    added.push((name, kind));
                }
            }
        }
        Ok((!added.is_empty()).then(|| self.with_added(&added)))
    }

    /// This schema and columns that it lacks, each once. The first come are the first to get their stored names.
    fn with_added(&self, added: &[(&str, ColumnKind)]) -> Self {
        let mut columns = self.columns.clone();
        let mut taken: AHashSet<Arc<str>> =
            [TIME_COLUMN, SERIES_COLUMN].map(Arc::<str>::from).into_iter().collect();
        taken.extend(columns.iter().map(|column| column.stored_name.clone()));
        for (name, kind) in added {
            let suffix = if *kind == ColumnKind::Tag { "tag" } else { "field" };
            let mut stored_name = (*name).to_owned();
            while taken.contains(stored_name.as_str()) {
                stored_name = format!("{stored_name}::{suffix}");
            }
            let stored_name: Arc<str> = stored_name.into();
            taken.insert(stored_name.clone());
            columns.push(Column { name: (*name).into(), kind: *kind, stored_name });
        }
        columns.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        Self { columns }
    }

    /// This schema with only those columns that `keep` accepts. They keep their stored names.
    #[must_use]
    pub fn with_columns_where(&self, keep: impl Fn(&Column) -> bool) -> Self {
        Self { columns: self.columns.iter().filter(|c| keep(c)).cloned().collect() }
    }

    /// The Arrow schema of this table's batches and files: `__series` (`Utf8`, not null), `time`
    /// (`Timestamp(ns)` without zone, not null), then the columns of [`TableSchema::columns`], nullable.
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        let fixed =
            [Field::new(SERIES_COLUMN, DataType::Utf8, false), Field::new(TIME_COLUMN, time_type(), false)];
        Arc::new(Schema::new(
            fixed.into_iter().chain(self.columns.iter().map(Column::arrow_field)).collect::<Vec<_>>(),
        ))
    }
}

/// The Arrow type of the time column.
#[must_use]
pub const fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, None)
}

fn sort_key(column: &Column) -> (bool, &str) {
    (column.kind != ColumnKind::Tag, &column.name)
}

/// A field was written with a type other than the one it has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {field:?} is type {wanted}, already exists as type {existing}")]
pub struct FieldTypeConflict {
    /// The field's name.
    pub field: Arc<str>,
    /// The type that the table has fixed.
    pub existing: FieldType,
    /// The type of the refused write.
    pub wanted: FieldType,
}
