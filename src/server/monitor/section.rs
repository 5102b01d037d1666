//! [`Section`]: a series with one row of figures.

use crate::model::result::ResultShape;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use std::sync::Arc;

/// Named figures of one part of the server.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::server) struct Section {
    /// The name of the series.
    pub(in crate::server) name: &'static str,
    /// What tells it from others of its name.
    pub(in crate::server) tags: Vec<(&'static str, String)>,
    /// The figures, by column.
    pub(in crate::server) values: Vec<(&'static str, Value)>,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub(in crate::server) enum Value {
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl Section {
    /// A section without figures.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, tags: Vec::new(), values: Vec::new() }
    }

    /// The same with a tag.
    pub(super) fn tag(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.tags.push((name, value.into()));
        self
    }

    /// The same with a figure.
    pub(super) fn with(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.values.push((column, value.into()));
        self
    }

    /// The section as the one row of a result, its columns sorted by name.
    pub(in crate::server) fn rows(&self) -> Result<(ResultShape, RecordBatch), ArrowError> {
        let text = |value: &str| Arc::new(StringViewArray::from_iter_values([value])) as ArrayRef;
        let field = |name: &str, array: &ArrayRef| Field::new(name, array.data_type().clone(), false);
        let mut arrays = vec![text(self.name)];
        let mut fields = vec![Field::new("name", DataType::Utf8View, false)];
        for (name, value) in &self.tags {
            arrays.push(text(value));
            fields.push(Field::new(*name, DataType::Utf8View, false));
        }
        let mut values: Vec<_> = self.values.iter().collect();
        values.sort_by_key(|(name, _)| *name);
        for (name, value) in &values {
            let array: ArrayRef = match value {
                Value::Integer(value) => Arc::new(Int64Array::from(vec![*value])),
                Value::Boolean(value) => Arc::new(BooleanArray::from(vec![*value])),
                Value::Text(value) => text(value),
            };
            fields.push(field(name, &array));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let first = self.tags.len() + 1;
        let shape = ResultShape {
            schema: Arc::clone(&schema),
            name: 0,
            group_tags: self.tags.iter().enumerate().map(|(i, (tag, _))| (Arc::from(*tag), i + 1)).collect(),
            columns: values.iter().enumerate().map(|(i, (name, _))| (Arc::from(*name), i + first)).collect(),
            time_zone: None,
        };
        Ok((shape, RecordBatch::try_new(schema, arrays)?))
    }
}
