//! Batch → bytes.

use super::integers::{min_max, push_narrow, push_offsets, push_times, push_varint, width_of};
use super::{
    KIND_BOOLEAN, KIND_FLOAT, KIND_HAS_NULLS, KIND_INTEGER, KIND_INTEGRAL_FLOAT, KIND_STRING, KIND_UNSIGNED,
    VERSION,
};
use crate::model::batch::{FieldColumn, TableRows, WriteBatch};
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use std::borrow::Cow;

/// The bytes of `batch`, which [`super::decode`] turns back into an equal batch.
///
/// Expects what [`WriteBatch`] promises: columns as long as their table, of the five field types.
#[must_use]
pub fn encode(batch: &WriteBatch) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + batch.tables.iter().map(size_estimate).sum::<usize>());
    out.push(VERSION);
    out.extend_from_slice(&batch.database.0.to_le_bytes());
    out.extend_from_slice(&batch.policy.0.to_le_bytes());
    push_varint(&mut out, batch.tables.len() as u64);
    for table in &batch.tables {
        push_table(&mut out, table);
    }
    out
}

/// Slightly more than most tables need, so that the output rarely grows.
fn size_estimate(table: &TableRows) -> usize {
    let series: usize = table.series.iter().map(|s| s.len() + 3).sum();
    series + table.row_count() * (8 + 4 * table.fields.len()) + 32 * (table.fields.len() + 1)
}

fn push_table(out: &mut Vec<u8>, table: &TableRows) {
    push_text(out, &table.table);
    push_varint(out, table.row_count() as u64);
    push_varint(out, table.series.len() as u64);
    for series in &table.series {
        push_text(out, series);
    }
    let width = width_of(table.series.len().saturating_sub(1) as u64).max(1);
    out.push(width);
    push_narrow(out, width, table.series_index.iter().map(|&i| u64::from(i)));
    push_times(out, &table.times_ns);
    push_varint(out, table.fields.len() as u64);
    for field in &table.fields {
        push_field(out, field);
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn push_field(out: &mut Vec<u8>, field: &FieldColumn) {
    push_text(out, &field.name);
    let values: &ArrayRef = &field.values;
    match values.data_type() {
        DataType::Float64 => push_floats(out, values.as_primitive()),
        DataType::Int64 => {
            push_kind(out, KIND_INTEGER, values);
            let present = present_values::<Int64Type>(values.as_primitive());
            let (min, max) = min_max(&present);
            push_offsets(out, min as u64, max as u64, present.iter().map(|&v| v as u64));
        }
        DataType::UInt64 => {
            push_kind(out, KIND_UNSIGNED, values);
            let present = present_values::<UInt64Type>(values.as_primitive());
            let (min, max) = min_max(&present);
            push_offsets(out, min, max, present.iter().copied());
        }
        DataType::Boolean => {
            push_kind(out, KIND_BOOLEAN, values);
            push_bits(out, &present_bits(values.as_boolean()));
        }
        other => {
            assert!(*other == DataType::Utf8, "a field column has one of the five field types, not {other}");
            push_kind(out, KIND_STRING, values);
            push_strings(out, values.as_string());
        }
    }
}

/// Appends the kind byte, and the validity bitmap when a row is null.
fn push_kind(out: &mut Vec<u8>, kind: u8, values: &dyn Array) {
    match values.nulls().filter(|n| n.null_count() > 0) {
        None => out.push(kind),
        Some(nulls) => {
            out.push(kind | KIND_HAS_NULLS);
            push_bits(out, nulls.inner());
        }
    }
}

/// Appends the bits from the first one on, padded with zeros to whole bytes.
fn push_bits(out: &mut Vec<u8>, bits: &BooleanBuffer) {
    let byte_count = bits.len().div_ceil(8);
    let packed = bits.sliced();
    out.extend_from_slice(&packed[..byte_count]);
    if let (Some(last), used @ 1..) = (out.last_mut(), bits.len() % 8) {
        *last &= (1u8 << used) - 1;
    }
}

fn push_floats(out: &mut Vec<u8>, array: &PrimitiveArray<Float64Type>) {
    let present = present_values::<Float64Type>(array);
    if let Some(integers) = as_integers(&present) {
        let (min, max) = min_max(&integers);
        if width_of((max as u64).wrapping_sub(min as u64)) < 8 {
            push_kind(out, KIND_INTEGRAL_FLOAT, array);
            push_offsets(out, min as u64, max as u64, integers.iter().map(|&v| v as u64));
            return;
        }
    }
    push_kind(out, KIND_FLOAT, array);
    push_narrow(out, 8, present.iter().map(|v| v.to_bits()));
}

/// The same numbers as integers, when each converts there and back to the very same bits. Gives up at the
/// first that does not.
fn as_integers(floats: &[f64]) -> Option<Vec<i64>> {
    let exact = |&f: &f64| ((f as i64) as f64).to_bits() == f.to_bits();
    floats.iter().all(exact).then(|| floats.iter().map(|&f| f as i64).collect())
}

/// The values of the rows that are not null.
fn present_values<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> Cow<'_, [T::Native]> {
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => Cow::Borrowed(array.values()),
        Some(nulls) => Cow::Owned(nulls.valid_indices().map(|i| array.values()[i]).collect()),
    }
}

fn present_bits(array: &BooleanArray) -> BooleanBuffer {
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => array.values().clone(),
        Some(nulls) => nulls.valid_indices().map(|i| array.value(i)).collect(),
    }
}

fn push_strings(out: &mut Vec<u8>, array: &StringArray) {
    let present: Vec<&str> = array.iter().flatten().collect();
    let longest = present.iter().map(|s| s.len()).max().unwrap_or(0);
    let width = width_of(longest as u64).max(1);
    out.push(width);
    push_narrow(out, width, present.iter().map(|s| s.len() as u64));
    for text in present {
        out.extend_from_slice(text.as_bytes());
    }
}
