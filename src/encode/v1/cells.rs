//! Typed access to the columns of a batch, resolved once per batch so that the loop over cells has no
//! downcasts.

use crate::model::result::ResultShape;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch, StringArray, StringViewArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampNanosecondType, UInt64Type};

/// The response's columns of one batch, in the order of the response.
pub(super) type Columns<'a> = Vec<Column<'a>>;

/// One column.
pub(super) struct Column<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

enum Values<'a> {
    Null,
    Time(&'a [i64]),
    Float(&'a [f64]),
    Integer(&'a [i64]),
    Unsigned(&'a [u64]),
    Boolean(&'a BooleanArray),
    Text(&'a StringArray),
    TextView(&'a StringViewArray),
    TextList(&'a ListArray, &'a StringViewArray),
}

/// One value.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    Null,
    Time(i64),
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    Text(&'a str),
    Texts(Texts<'a>),
}

/// The texts of a cell that has several.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    all: &'a StringViewArray,
    start: usize,
    end: usize,
}

impl<'a> Texts<'a> {
    /// Each of them in order.
    pub(super) fn iter(self) -> impl ExactSizeIterator<Item = &'a str> {
        (self.start..self.end).map(move |i| self.all.value(i))
    }
}

impl<'a> Column<'a> {
    /// The column, or its type when no response can show it.
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self, DataType> {
        let values = match array.data_type() {
            DataType::Null => return Ok(Self { values: Values::Null, nulls: None }),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Values::Time(array.as_primitive::<TimestampNanosecondType>().values())
            }
            DataType::Float64 => Values::Float(array.as_primitive::<Float64Type>().values()),
            DataType::Int64 => Values::Integer(array.as_primitive::<Int64Type>().values()),
            DataType::UInt64 => Values::Unsigned(array.as_primitive::<UInt64Type>().values()),
            DataType::Boolean => Values::Boolean(array.as_boolean()),
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::Utf8View => Values::TextView(array.as_string_view()),
            DataType::List(item) if *item.data_type() == DataType::Utf8View => {
                let lists: &ListArray = array.as_list();
                Values::TextList(lists, lists.values().as_string_view())
            }
            other => return Err(other.clone()),
        };
        Ok(Self { values, nulls: array.nulls() })
    }

    /// The value of a row.
    #[inline]
    pub(super) fn cell(&self, row: usize) -> Cell<'a> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Cell::Null;
        }
        match &self.values {
            Values::Null => Cell::Null,
            Values::Time(values) => Cell::Time(values[row]),
            Values::Float(values) => Cell::Float(values[row]),
            Values::Integer(values) => Cell::Integer(values[row]),
            Values::Unsigned(values) => Cell::Unsigned(values[row]),
            Values::Boolean(values) => Cell::Boolean(values.value(row)),
            Values::Text(values) => Cell::Text(values.value(row)),
            Values::TextView(values) => Cell::Text(values.value(row)),
            Values::TextList(lists, all) => {
                let offset = |row: usize| usize::try_from(lists.value_offsets()[row]).unwrap_or_default();
                Cell::Texts(Texts { all, start: offset(row), end: offset(row + 1) })
            }
        }
    }

    /// The text of a row; empty where the column has none.
    pub(super) fn text(&self, row: usize) -> &'a str {
        match self.cell(row) {
            Cell::Text(text) => text,
            _ => "",
        }
    }
}

/// The response's columns of `batch`.
pub(super) fn columns<'a>(shape: &ResultShape, batch: &'a RecordBatch) -> Result<Columns<'a>, DataType> {
    shape.columns.iter().map(|(_, index)| Column::new(batch.column(*index))).collect()
}
