//! The values of one field on their way into an array. Rows come in rising order and may be missing; a column
//! costs what its values cost until it is finished, whatever the rows of its table.

use super::parser::Value;
use crate::model::value::FieldType;
use arrow::array::{ArrayRef, BooleanArray, PrimitiveArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int64Type, UInt64Type};
use arrow::util::bit_util;
use std::sync::Arc;

/// The values of one field.
#[derive(Debug)]
pub(super) struct Column {
    values: Values,
    /// The row of each value; empty while the values are those of rows 0, 1, 2 …
    rows: Vec<u32>,
}

#[derive(Debug)]
enum Values {
    Float(Vec<f64>),
    Integer(Vec<i64>),
    Unsigned(Vec<u64>),
    Boolean(Vec<bool>),
    /// The bytes of all strings, and where each starts, with the end of the last.
    String(Vec<u8>, Vec<i32>),
}

impl Column {
    /// An empty column.
    pub(super) fn new(field_type: FieldType) -> Self {
        let values = match field_type {
            FieldType::Float => Values::Float(Vec::new()),
            FieldType::Integer => Values::Integer(Vec::new()),
            FieldType::Unsigned => Values::Unsigned(Vec::new()),
            FieldType::Boolean => Values::Boolean(Vec::new()),
            FieldType::String => Values::String(Vec::new(), vec![0]),
        };
        Self { values, rows: Vec::new() }
    }

    /// The type of the field.
    #[inline]
    pub(super) const fn field_type(&self) -> FieldType {
        match self.values {
            Values::Float(_) => FieldType::Float,
            Values::Integer(_) => FieldType::Integer,
            Values::Unsigned(_) => FieldType::Unsigned,
            Values::Boolean(_) => FieldType::Boolean,
            Values::String(..) => FieldType::String,
        }
    }

    /// Whether there is no value.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn len(&self) -> usize {
        match &self.values {
            Values::Float(v) => v.len(),
            Values::Integer(v) => v.len(),
            Values::Unsigned(v) => v.len(),
            Values::Boolean(v) => v.len(),
            Values::String(_, offsets) => offsets.len() - 1,
        }
    }

    /// Sets the value of `row`, which is the last row set or a later one. The value has the column's type.
    #[inline]
    pub(super) fn set(&mut self, row: u32, value: Value<'_>) {
        let len = self.len();
        if self.rows.is_empty() {
            if len == row as usize + 1 {
                self.pop();
            } else if len != row as usize {
                self.rows = (0..len as u32).collect();
                self.rows.push(row);
            }
        } else if self.rows.last() == Some(&row) {
            self.pop();
        } else {
            self.rows.push(row);
        }
        self.push(value);
    }

    #[inline]
    fn push(&mut self, value: Value<'_>) {
        match (&mut self.values, value) {
            (Values::Float(v), Value::Float(x)) => v.push(x),
            (Values::Integer(v), Value::Integer(x)) => v.push(x),
            (Values::Unsigned(v), Value::Unsigned(x)) => v.push(x),
            (Values::Boolean(v), Value::Boolean(x)) => v.push(x),
            (Values::String(bytes, offsets), Value::String(text)) => {
                bytes.extend_from_slice(Value::unescape_string(text).as_bytes());
                offsets
                    .push(i32::try_from(bytes.len()).expect("parts are cut before a column reaches 2 GiB"));
            }
            (values, value) => unreachable!("a value of another type, {value:?}, in {values:?}"),
        }
    }

    fn pop(&mut self) {
        match &mut self.values {
            Values::Float(v) => drop(v.pop()),
            Values::Integer(v) => drop(v.pop()),
            Values::Unsigned(v) => drop(v.pop()),
            Values::Boolean(v) => drop(v.pop()),
            Values::String(bytes, offsets) => {
                offsets.pop();
                bytes.truncate(offsets.last().map_or(0, |end| *end as usize));
            }
        }
    }

    /// The values as an array of `row_count` rows; the column is empty then.
    pub(super) fn finish(&mut self, row_count: usize) -> ArrayRef {
        let field_type = self.field_type();
        let Self { values, rows } = std::mem::replace(self, Self::new(field_type));
        let len = match &values {
            Values::String(_, offsets) => offsets.len() - 1,
            Values::Float(v) => v.len(),
            Values::Integer(v) => v.len(),
            Values::Unsigned(v) => v.len(),
            Values::Boolean(v) => v.len(),
        };
        let rows = if rows.is_empty() && len < row_count { (0..len as u32).collect() } else { rows };
        let rows = Rows { rows, row_count };
        match values {
            Values::Float(v) => rows.primitive::<Float64Type>(v),
            Values::Integer(v) => rows.primitive::<Int64Type>(v),
            Values::Unsigned(v) => rows.primitive::<UInt64Type>(v),
            Values::Boolean(v) => rows.boolean(&v),
            Values::String(bytes, offsets) => rows.string(bytes, offsets),
        }
    }
}

/// Where the values of a column belong; `rows` is empty when every row has one.
struct Rows {
    rows: Vec<u32>,
    row_count: usize,
}

impl Rows {
    fn validity(&self) -> Option<NullBuffer> {
        (!self.rows.is_empty()).then(|| NullBuffer::new(self.bits(self.rows.iter().copied())))
    }

    fn bits(&self, set: impl Iterator<Item = u32>) -> BooleanBuffer {
        let mut bits = MutableBuffer::from_len_zeroed(bit_util::ceil(self.row_count, 8));
        for row in set {
            bit_util::set_bit(bits.as_slice_mut(), row as usize);
        }
        BooleanBuffer::new(bits.into(), 0, self.row_count)
    }

    fn primitive<T: ArrowPrimitiveType>(&self, values: Vec<T::Native>) -> ArrayRef {
        let validity = self.validity();
        let values = if validity.is_none() { values } else { self.scatter(&values) };
        Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), validity))
    }

    fn scatter<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        let mut out = vec![T::default(); self.row_count];
        for (row, value) in self.rows.iter().zip(values) {
            out[*row as usize] = *value;
        }
        out
    }

    fn boolean(&self, values: &[bool]) -> ArrayRef {
        let bits = if self.rows.is_empty() {
            BooleanBuffer::from(values)
        } else {
            self.bits(self.rows.iter().zip(values).filter_map(|(row, value)| value.then_some(*row)))
        };
        Arc::new(BooleanArray::new(bits, self.validity()))
    }

    fn string(&self, bytes: Vec<u8>, offsets: Vec<i32>) -> ArrayRef {
        let validity = self.validity();
        let offsets = if validity.is_none() { offsets } else { self.scatter_offsets(&offsets) };
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Arc::new(StringArray::new(offsets, Buffer::from_vec(bytes), validity))
    }

    /// Offsets with an empty string for every row without value.
    fn scatter_offsets(&self, offsets: &[i32]) -> Vec<i32> {
        let mut out = Vec::with_capacity(self.row_count + 1);
        for (row, start) in self.rows.iter().zip(offsets) {
            out.resize(*row as usize + 1, *start);
        }
        out.resize(self.row_count + 1, offsets[self.rows.len()]);
        out
    }
}
