//! Bytes → batch. Trusts nothing.

use super::integers::{read_narrow, unit_of_scale};
use super::{
    BatchError, KIND_BOOLEAN, KIND_FLOAT, KIND_HAS_NULLS, KIND_INTEGER, KIND_INTEGRAL_FLOAT, KIND_STRING,
    KIND_UNSIGNED, VERSION,
};
use crate::model::batch::{FieldColumn, TableRows, WriteBatch};
use crate::model::ids::{DatabaseId, PolicyId};
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::collections::HashSet;
use std::sync::Arc;

/// The batch that [`super::encode`] made these bytes of.
///
/// # Errors
/// When the bytes are anything else. Memory stays within a small multiple of `bytes`.
pub fn decode(bytes: &[u8]) -> Result<WriteBatch, BatchError> {
    let mut reader = Reader { bytes, offset: 0 };
    let (database, policy) = read_target(&mut reader)?;
    let table_count = reader.count("a table count")?;
    let mut tables: Vec<TableRows> = Vec::new();
    for _ in 0..table_count {
        tables.push(read_table(&mut reader)?);
    }
    if reader.offset != bytes.len() {
        return Err(reader.malformed("the end"));
    }
    Ok(WriteBatch { database, policy, tables })
}

/// The database and the retention policy of a batch. The rest of it is not looked at.
///
/// # Errors
/// When the bytes do not start like a batch.
pub fn target_of(bytes: &[u8]) -> Result<(DatabaseId, PolicyId), BatchError> {
    read_target(&mut Reader { bytes, offset: 0 })
}

fn read_target(reader: &mut Reader<'_>) -> Result<(DatabaseId, PolicyId), BatchError> {
    match reader.byte("a version")? {
        VERSION => {}
        other => return Err(BatchError::UnsupportedVersion(other)),
    }
    let database = DatabaseId(u32::from_le_bytes(reader.array("a database id")?));
    let policy = PolicyId(u32::from_le_bytes(reader.array("a policy id")?));
    Ok((database, policy))
}

fn read_table(reader: &mut Reader<'_>) -> Result<TableRows, BatchError> {
    let table: Arc<str> = reader.text("a table name")?.into();
    let row_count = reader.count("a row count")?;
    if row_count == 0 {
        return Err(reader.malformed("at least one row"));
    }
    let series_count = reader.count("a series count")?;
    let mut series: Vec<Arc<str>> = Vec::with_capacity(series_count);
    for _ in 0..series_count {
        series.push(reader.text("a series key")?.into());
    }
    let series_index = read_series_index(reader, row_count, series_count)?;
    let times_ns = read_times(reader, row_count)?;
    let field_count = reader.count("a field count")?;
    let mut fields = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..field_count {
        let field = read_field(reader, row_count)?;
        if !names.insert(field.name.clone()) {
            return Err(reader.malformed("a field name that is new"));
        }
        fields.push(field);
    }
    Ok(TableRows { table, series, series_index, times_ns, fields })
}

fn read_series_index(
    reader: &mut Reader<'_>,
    row_count: usize,
    series_count: usize,
) -> Result<Vec<u32>, BatchError> {
    let width = match reader.byte("a width")? {
        width @ (1 | 2 | 4) => width,
        _ => return Err(reader.malformed("a width of 1, 2 or 4")),
    };
    let raw = reader.values(row_count, width, "series indices")?;
    let index = read_narrow(raw, width, |v| v as u32);
    if index.iter().any(|&i| i as usize >= series_count) {
        return Err(reader.malformed("series indices below the series count"));
    }
    Ok(index)
}

fn read_times(reader: &mut Reader<'_>, row_count: usize) -> Result<Vec<i64>, BatchError> {
    let width = reader.byte("a width")?;
    let scale = reader.byte("a scale")?;
    let unit = unit_of_scale(scale).ok_or_else(|| reader.malformed("a known scale"))?;
    let base = i64::from_le_bytes(reader.array("a base time")?);
    match width {
        0 => Ok(vec![base; row_count]),
        1 | 2 | 4 | 8 => {
            let raw = reader.values(row_count, width, "times")?;
            Ok(match unit {
                1 => read_narrow(raw, width, |v| base.wrapping_add(v as i64)),
                _ => read_narrow(raw, width, |v| base.wrapping_add(v.wrapping_mul(unit) as i64)),
            })
        }
        _ => Err(reader.malformed("a width of 0, 1, 2, 4 or 8")),
    }
}

fn read_field(reader: &mut Reader<'_>, row_count: usize) -> Result<FieldColumn, BatchError> {
    let name: Arc<str> = reader.text("a field name")?.into();
    let kind = reader.byte("a field kind")?;
    let nulls = if kind & KIND_HAS_NULLS == 0 {
        None
    } else {
        Some(NullBuffer::new(reader.bits(row_count, "a validity bitmap")?))
    };
    let present_count = row_count - nulls.as_ref().map_or(0, NullBuffer::null_count);
    let values: ArrayRef = match kind & !KIND_HAS_NULLS {
        KIND_FLOAT => {
            let raw = reader.values(present_count, 8, "floats")?;
            let floats = read_narrow(raw, 8, f64::from_bits);
            Arc::new(Float64Array::new(spread(floats, nulls.as_ref()), nulls))
        }
        KIND_INTEGER => {
            let integers = read_offsets(reader, present_count, |v| v as i64)?;
            Arc::new(Int64Array::new(spread(integers, nulls.as_ref()), nulls))
        }
        KIND_UNSIGNED => {
            let integers = read_offsets(reader, present_count, |v| v)?;
            Arc::new(UInt64Array::new(spread(integers, nulls.as_ref()), nulls))
        }
        KIND_INTEGRAL_FLOAT => {
            let floats = read_offsets(reader, present_count, |v| v as i64 as f64)?;
            Arc::new(Float64Array::new(spread(floats, nulls.as_ref()), nulls))
        }
        KIND_BOOLEAN => {
            let bits = reader.bits(present_count, "booleans")?;
            Arc::new(BooleanArray::new(spread_bits(bits, nulls.as_ref()), nulls))
        }
        KIND_STRING => Arc::new(read_strings(reader, present_count, nulls)?),
        _ => return Err(reader.malformed("a known field kind")),
    };
    Ok(FieldColumn { name, values })
}

fn read_offsets<T>(
    reader: &mut Reader<'_>,
    count: usize,
    convert: impl Fn(u64) -> T,
) -> Result<Vec<T>, BatchError> {
    let width = match reader.byte("a width")? {
        width @ (1 | 2 | 4 | 8) => width,
        _ => return Err(reader.malformed("a width of 1, 2, 4 or 8")),
    };
    let base = u64::from_le_bytes(reader.array("a base")?);
    let raw = reader.values(count, width, "integers")?;
    Ok(read_narrow(raw, width, |v| convert(base.wrapping_add(v))))
}

/// Puts the values of the rows that are not null where they belong, zeros elsewhere.
fn spread<T: arrow::datatypes::ArrowNativeType>(
    present: Vec<T>,
    nulls: Option<&NullBuffer>,
) -> ScalarBuffer<T> {
    let Some(nulls) = nulls else { return present.into() };
    let mut all = vec![T::default(); nulls.len()];
    for (row, value) in nulls.valid_indices().zip(present) {
        all[row] = value;
    }
    all.into()
}

fn spread_bits(present: BooleanBuffer, nulls: Option<&NullBuffer>) -> BooleanBuffer {
    let Some(nulls) = nulls else { return present };
    let mut next = present.iter();
    nulls.iter().map(|valid| valid && next.next().unwrap_or(false)).collect()
}

fn read_strings(
    reader: &mut Reader<'_>,
    present_count: usize,
    nulls: Option<NullBuffer>,
) -> Result<StringArray, BatchError> {
    let width = match reader.byte("a width")? {
        width @ (1 | 2 | 4 | 8) => width,
        _ => return Err(reader.malformed("a width of 1, 2, 4 or 8")),
    };
    let raw = reader.values(present_count, width, "string lengths")?;
    let lengths = read_narrow(raw, width, |v| v);
    let total = lengths.iter().try_fold(0u64, |sum, &v| sum.checked_add(v));
    let total = total
        .and_then(|t| i32::try_from(t).ok())
        .and_then(|t| usize::try_from(t).ok())
        .ok_or_else(|| reader.malformed("string lengths within 2 GiB"))?;
    let text = reader.take(total, "strings")?;
    // The sum fits in an i32, hence every length does.
    let lengths = spread(lengths, nulls.as_ref());
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|&v| v as usize));
    StringArray::try_new(offsets, Buffer::from(text), nulls)
        .map_err(|_| reader.malformed("strings of valid UTF-8"))
}

/// A place in the bytes of a batch.
struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn malformed(&self, what: &'static str) -> BatchError {
        BatchError::Malformed { what, offset: self.offset }
    }

    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], BatchError> {
        let (taken, _) =
            self.bytes[self.offset..].split_at_checked(count).ok_or_else(|| self.malformed(what))?;
        self.offset += count;
        Ok(taken)
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, BatchError> {
        self.take(1, what).map(|b| b[0])
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], BatchError> {
        let taken = self.take(N, what)?;
        taken.try_into().map_err(|_| self.malformed(what))
    }

    /// `count` values of `width` bytes.
    fn values(&mut self, count: usize, width: u8, what: &'static str) -> Result<&'a [u8], BatchError> {
        let byte_count = count.checked_mul(usize::from(width)).ok_or_else(|| self.malformed(what))?;
        self.take(byte_count, what)
    }

    fn bits(&mut self, count: usize, what: &'static str) -> Result<BooleanBuffer, BatchError> {
        let raw = self.take(count.div_ceil(8), what)?;
        Ok(BooleanBuffer::new(Buffer::from(raw), 0, count))
    }

    fn varint(&mut self, what: &'static str) -> Result<u64, BatchError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.malformed(what))
    }

    /// A number of things that follow, each at least one byte long: never more than the bytes left.
    fn count(&mut self, what: &'static str) -> Result<usize, BatchError> {
        let value = self.varint(what)?;
        let left = self.bytes.len() - self.offset;
        usize::try_from(value).ok().filter(|&count| count <= left).ok_or_else(|| self.malformed(what))
    }

    fn text(&mut self, what: &'static str) -> Result<&'a str, BatchError> {
        let length = self.count(what)?;
        let raw = self.take(length, what)?;
        std::str::from_utf8(raw).map_err(|_| self.malformed(what))
    }
}
