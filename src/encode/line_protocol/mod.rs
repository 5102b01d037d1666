//! Rows → line protocol, such as every InfluxDB reads it.
//!
//! ```text
//! time  host (tag)  usage (field)  note (field)
//! 10    a b         0.5            null            ─▶  cpu,host=a\ b usage=0.5 10
//! 20    null        null           say "hi"        ─▶  cpu note="say \"hi\"" 20
//! ```
//!
//! The rows are a record batch of a query ([`LineEncoder`]), or those of a write ([`RowLines`]).
//!
//! A row is a line: tags in the order of the columns, then the fields that have a value, then the time in nanoseconds. A row without a value
//! has no line. Floats are written in the fewest digits that read back as the same number; those that are no number, which no InfluxDB
//! reads, are left out and counted.

mod escape;
mod rows;
#[cfg(test)]
mod tests;

pub use rows::RowLines;

use super::described::{Kind, description_of};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, Schema, TimeUnit, TimestampNanosecondType, UInt64Type,
};
use arrow::error::ArrowError;
use std::io::Write;

/// Writes the rows of one table.
#[derive(Clone, Debug)]
pub struct LineEncoder {
    /// The measurement, escaped.
    measurement: Vec<u8>,
    time: usize,
    /// The tags: column and key, escaped, with the comma before and the `=` behind it.
    tags: Vec<(usize, Vec<u8>)>,
    /// The fields: column and key, escaped, with the `=` behind it.
    fields: Vec<(usize, Vec<u8>)>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCount {
    /// Lines.
    pub lines: u64,
    /// Values that line protocol has no form for.
    pub values_left_out: u64,
}

impl LineEncoder {
    /// A writer of rows with these columns, which are [described](super::described). Others are left out.
    ///
    /// # Errors
    /// When no column is the time.
    pub fn new(measurement: &str, schema: &Schema) -> Result<Self, ArrowError> {
        let mut name = Vec::new();
        escape::measurement(measurement, &mut name);
        let (mut time, mut tags, mut fields) = (None, Vec::new(), Vec::new());
        for (at, field) in schema.fields().iter().enumerate() {
            let mut key = Vec::new();
            match description_of(field) {
                Some((Kind::Time, _)) => time = Some(at),
                Some((Kind::Tag, name)) => {
                    key.push(b',');
                    escape::tag(name, &mut key);
                    key.push(b'=');
                    tags.push((at, key));
                }
                Some((Kind::Field, name)) => {
                    escape::field_key(name, &mut key);
                    key.push(b'=');
                    fields.push((at, key));
                }
                None => {}
            }
        }
        let time =
            time.ok_or_else(|| ArrowError::SchemaError("no column is described as the time".into()))?;
        Ok(Self { measurement: name, time, tags, fields })
    }

    /// Appends the rows of `batch`.
    ///
    /// # Errors
    /// When a column has another type than its kind can have.
    pub fn encode(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<LineCount, ArrowError> {
        let time_type = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let times = cast(batch.column(self.time), &time_type)?;
        let times = times.as_primitive::<TimestampNanosecondType>();
        let text = |column: &(usize, Vec<u8>)| cast(batch.column(column.0), &DataType::Utf8);
        let tags = self.tags.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        let values = |column: &(usize, Vec<u8>)| Values::of(batch.column(column.0));
        let fields = self.fields.iter().map(values).collect::<Result<Vec<_>, _>>()?;
        let mut count = LineCount::default();
        for row in 0..batch.num_rows() {
            let start = out.len();
            out.extend_from_slice(&self.measurement);
            for ((_, key), values) in self.tags.iter().zip(&tags) {
                let values = values.as_string::<i32>();
                if values.is_valid(row) && !values.value(row).is_empty() {
                    out.extend_from_slice(key);
                    escape::tag(values.value(row), out);
                }
            }
            let keyed = self.fields.iter().zip(&fields).map(|((_, key), values)| (&**key, values));
            let has_values = push_fields(keyed, row, out, &mut count.values_left_out);
            if !has_values || times.is_null(row) {
                out.truncate(start);
                continue;
            }
            // Writing into a vector does not fail.
            let _ = writeln!(out, " {}", times.value(row));
            count.lines += 1;
        }
        Ok(count)
    }
}

/// Appends the fields that a row has, each key with the `=` behind it. Whether there are any.
fn push_fields<'a>(
    fields: impl Iterator<Item = (&'a [u8], &'a Values)>,
    row: usize,
    out: &mut Vec<u8>,
    values_left_out: &mut u64,
) -> bool {
    let mut separator = b' ';
    for (key, values) in fields {
        let before = out.len();
        out.push(separator);
        out.extend_from_slice(key);
        match values.push(row, out) {
            Pushed::Value => separator = b',',
            pushed => {
                out.truncate(before);
                *values_left_out += u64::from(pushed == Pushed::NoNumber);
            }
        }
    }
    separator == b','
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pushed {
    Value,
    Null,
    /// NaN or an infinity.
    NoNumber,
}

/// A column of fields.
#[derive(Clone, Debug)]
enum Values {
    Float(ArrayRef),
    Integer(ArrayRef),
    Unsigned(ArrayRef),
    Boolean(ArrayRef),
    String(ArrayRef),
}

impl Values {
    fn of(column: &ArrayRef) -> Result<Self, ArrowError> {
        Ok(match column.data_type() {
            DataType::Float64 => Self::Float(column.clone()),
            DataType::Float32 | DataType::Float16 => Self::Float(cast(column, &DataType::Float64)?),
            DataType::Int64 => Self::Integer(column.clone()),
            DataType::Int8 | DataType::Int16 | DataType::Int32 => {
                Self::Integer(cast(column, &DataType::Int64)?)
            }
            DataType::UInt64 => Self::Unsigned(column.clone()),
            DataType::Boolean => Self::Boolean(column.clone()),
            DataType::Utf8 => Self::String(column.clone()),
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
                Self::String(cast(column, &DataType::Utf8)?)
            }
            other => return Err(ArrowError::SchemaError(format!("{other} is no type of a field"))),
        })
    }

    /// Appends the value of a row.
    fn push(&self, row: usize, out: &mut Vec<u8>) -> Pushed {
        let column = match self {
            Self::Float(c) | Self::Integer(c) | Self::Unsigned(c) | Self::Boolean(c) | Self::String(c) => c,
        };
        if column.is_null(row) {
            return Pushed::Null;
        }
        match self {
            Self::Float(column) => {
                let value = column.as_primitive::<Float64Type>().value(row);
                if !value.is_finite() {
                    return Pushed::NoNumber;
                }
                out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
            }
            Self::Integer(column) => {
                let value = column.as_primitive::<Int64Type>().value(row);
                out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
                out.push(b'i');
            }
            Self::Unsigned(column) => {
                let value = column.as_primitive::<UInt64Type>().value(row);
                out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
                out.push(b'u');
            }
            Self::Boolean(column) => {
                let value = column.as_boolean().value(row);
                out.extend_from_slice(if value { b"true" } else { b"false" });
            }
            Self::String(column) => {
                out.push(b'"');
                escape::string(column.as_string::<i32>().value(row), out);
                out.push(b'"');
            }
        }
        Pushed::Value
    }
}
