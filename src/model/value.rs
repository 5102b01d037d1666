//! Field types and values.

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of a field. A table fixes it with the field's first write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// 64-bit IEEE 754.
    Float,
    /// Signed 64-bit.
    Integer,
    /// Unsigned 64-bit.
    Unsigned,
    /// UTF-8 text.
    String,
    /// True or false.
    Boolean,
}

impl FieldType {
    /// The name that `SHOW FIELD KEYS` and the write errors of InfluxDB 1.x use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::String => "string",
            Self::Boolean => "boolean",
        }
    }

    /// The Arrow type of the column, in the engine and in Parquet. Strings are `Utf8`.
    #[must_use]
    pub const fn data_type(self) -> DataType {
        match self {
            Self::Float => DataType::Float64,
            Self::Integer => DataType::Int64,
            Self::Unsigned => DataType::UInt64,
            Self::String => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
