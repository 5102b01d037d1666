//! Rows on their way in: columnar, typed, not yet sorted.

use super::ids::{DatabaseId, PolicyId};
use super::value::FieldType;
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use std::sync::Arc;

/// Rows of one write request, grouped by table. What the write-ahead log records and the buffer takes.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteBatch {
    /// The database written to.
    pub database: DatabaseId,
    /// The retention policy written to.
    pub policy: PolicyId,
    /// One entry per table, each with at least one row; several, in the order they were written, where the rows of a table are so
    /// sparse that they come in parts.
    pub tables: Vec<TableRows>,
}

impl WriteBatch {
    /// Rows over all tables.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.tables.iter().map(TableRows::row_count).sum()
    }
}

/// Rows of one table in the order they were written. A later row with the same series and time
/// overrides an earlier one field by field.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRows {
    /// The table's name.
    pub table: Arc<str>,
    /// The distinct series of these rows, as series keys ([`super::series_key`]), in any order.
    pub series: Vec<Arc<str>>,
    /// Per row, its series as an index into `series`.
    pub series_index: Vec<u32>,
    /// Per row, its timestamp in nanoseconds.
    pub times_ns: Vec<i64>,
    /// The fields that at least one row bears; names are distinct.
    pub fields: Vec<FieldColumn>,
}

/// One field of some rows.
#[derive(Clone, Debug)]
pub struct FieldColumn {
    /// The field's name.
    pub name: Arc<str>,
    /// One value per row, null where the row lacks the field. `Float64`, `Int64`, `UInt64`, `Utf8` or
    /// `Boolean`.
    pub values: ArrayRef,
}

impl PartialEq for FieldColumn {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.values.as_ref() == other.values.as_ref()
    }
}

impl FieldColumn {
    /// The field's type.
    #[must_use]
    pub fn field_type(&self) -> FieldType {
        match self.values.data_type() {
            DataType::Float64 => FieldType::Float,
            DataType::Int64 => FieldType::Integer,
            DataType::UInt64 => FieldType::Unsigned,
            DataType::Boolean => FieldType::Boolean,
            _ => FieldType::String,
        }
    }
}

impl TableRows {
    /// Number of rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.times_ns.len()
    }

    /// An estimate of the memory these rows hold, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let series: usize = self.series.iter().map(|s| s.len() + 32).sum();
        let fields: usize = self.fields.iter().map(|f| f.values.get_buffer_memory_size() + 64).sum();
        series + fields + self.row_count() * (size_of::<i64>() + size_of::<u32>())
    }
}
