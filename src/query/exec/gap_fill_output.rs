//! Output batches of a gap fill, put together cell by cell.
//!
//! In: per row its time, and per column where the cell's value comes from: a row of some input batch, a constant, or a
//! number that was interpolated. Out: record batches. It knows nothing of groups or modes of filling.

use super::contiguous::Source;
use super::fill::FillMode;
use super::gap_fill::GapFillShape;
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch, TimestampNanosecondArray,
    new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use std::sync::Arc;

/// An interpolated value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
}

/// Where the value of a cell comes from.
pub(super) enum Cell<'a> {
    Null,
    /// The column's fill value.
    Constant,
    Row(&'a Arc<RecordBatch>, usize),
    Number(Number),
}

/// The chunk, in [`interleave`]'s sense, that holds one null.
const NULL_CHUNK: usize = 0;
/// The chunk that holds the fill value, or a null where there is none.
const CONSTANT_CHUNK: usize = 1;
/// Number of the chunks above; input batches come after them.
const CONSTANT_CHUNKS: usize = 2;

/// Collects rows until they make a batch.
pub(super) struct Output {
    shape: Arc<GapFillShape>,
    /// Per column, one row each: null, and the fill value.
    constants: Vec<[ArrayRef; CONSTANT_CHUNKS]>,
    times_ns: Vec<i64>,
    batches: Vec<Arc<RecordBatch>>,
    /// Per column and row: chunk and row of the chunk.
    places: Vec<Vec<(usize, usize)>>,
    /// Per column: rows whose value is a number instead.
    numbers: Vec<Vec<(usize, Number)>>,
}

impl Output {
    pub(super) fn new(shape: Arc<GapFillShape>) -> Result<Self> {
        let constants = shape.schema.fields().iter().zip(&shape.fills).map(|(field, fill)| {
            let null = new_null_array(field.data_type(), 1);
            let constant = match fill {
                FillMode::Value(value) | FillMode::ValueWhereAny(value) => value.to_array_of_size(1)?,
                _ => Arc::clone(&null),
            };
            Ok([null, constant])
        });
        let constants = constants.collect::<Result<Vec<_>>>()?;
        let width = constants.len();
        Ok(Self {
            shape,
            constants,
            times_ns: Vec::new(),
            batches: Vec::new(),
            places: vec![Vec::new(); width],
            numbers: vec![Vec::new(); width],
        })
    }

    pub(super) fn row_count(&self) -> usize {
        self.times_ns.len()
    }

    /// Begins a row of the group that `key` belongs to. A cell for every other column must follow.
    pub(super) fn push_row(&mut self, time_ns: i64, key: &Source) {
        self.times_ns.push(time_ns);
        let place = (self.chunk_of(&key.batch), key.row);
        for &column in &self.shape.group_columns {
            self.places[column].push(place);
        }
    }

    /// The next cell of `column`.
    pub(super) fn push_cell(&mut self, column: usize, cell: Cell<'_>) {
        let place = match cell {
            Cell::Null => (NULL_CHUNK, 0),
            Cell::Constant => (CONSTANT_CHUNK, 0),
            Cell::Row(batch, row) => (self.chunk_of(batch), row),
            Cell::Number(number) => {
                let row = self.places[column].len();
                self.numbers[column].push((row, number));
                (NULL_CHUNK, 0)
            }
        };
        self.places[column].push(place);
    }

    /// The chunk of a batch. It is nearly always the last one.
    fn chunk_of(&mut self, batch: &Arc<RecordBatch>) -> usize {
        let known = self.batches.iter().rposition(|known| Arc::ptr_eq(known, batch));
        let index = known.unwrap_or_else(|| {
            self.batches.push(Arc::clone(batch));
            self.batches.len() - 1
        });
        index + CONSTANT_CHUNKS
    }

    /// The rows so far as a batch.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        let schema = Arc::clone(&self.shape.schema);
        let mut columns = Vec::with_capacity(self.constants.len());
        for (index, field) in schema.fields().iter().enumerate() {
            if index == self.shape.time_column {
                let times = TimestampNanosecondArray::from(std::mem::take(&mut self.times_ns));
                columns.push(Arc::new(times.with_data_type(field.data_type().clone())) as ArrayRef);
                continue;
            }
            let constants = self.constants[index].iter().map(AsRef::as_ref);
            let rows = self.batches.iter().map(|batch| batch.column(index).as_ref());
            let chunks: Vec<&dyn Array> = constants.chain(rows).collect();
            let cells = interleave(&chunks, &std::mem::take(&mut self.places[index]))?;
            columns.push(with_numbers(cells, std::mem::take(&mut self.numbers[index]))?);
        }
        self.batches.clear();
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// Puts numbers into rows of `cells`.
fn with_numbers(cells: ArrayRef, numbers: Vec<(usize, Number)>) -> Result<ArrayRef> {
    if numbers.is_empty() {
        return Ok(cells);
    }
    let wrong = |number: Number| DataFusionError::Internal(format!("{number:?} in another type's column"));
    match cells.data_type() {
        DataType::Float64 => replace::<Float64Type>(&cells, numbers, |number| match number {
            Number::Float(value) => Ok(value),
            number => Err(wrong(number)),
        }),
        DataType::Int64 => replace::<Int64Type>(&cells, numbers, |number| match number {
            Number::Integer(value) => Ok(value),
            number => Err(wrong(number)),
        }),
        DataType::UInt64 => replace::<UInt64Type>(&cells, numbers, |number| match number {
            Number::Unsigned(value) => Ok(value),
            number => Err(wrong(number)),
        }),
        other => Err(DataFusionError::Internal(format!("a number in a column of {other}"))),
    }
}

fn replace<T: ArrowPrimitiveType>(
    cells: &ArrayRef,
    numbers: Vec<(usize, Number)>,
    value_of: impl Fn(Number) -> Result<T::Native>,
) -> Result<ArrayRef> {
    let cells = cells.as_primitive::<T>();
    let mut values = cells.values().to_vec();
    let mut valid: Vec<bool> = (0..cells.len()).map(|row| cells.is_valid(row)).collect();
    for (row, number) in numbers {
        values[row] = value_of(number)?;
        valid[row] = true;
    }
    Ok(Arc::new(PrimitiveArray::<T>::new(values.into(), Some(NullBuffer::from(valid)))))
}
