//! Output batches of the functions of neighbouring points, put together cell by cell.
//!
//! In: times, results, and how many rows a series' key stands for. Out: record batches.

use super::contiguous::Source;
use super::neighbours::NeighboursShape;
use super::neighbours_call::Value;
use crate::query::functions::window::Number;
use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use std::sync::Arc;

/// Collects rows until they make a batch.
pub(super) struct Output {
    schema: SchemaRef,
    /// The input's columns that tell series apart.
    group_columns: Vec<usize>,
    times_ns: Vec<i64>,
    /// Rows that bear keys, with the number of rows that have it.
    keys: Vec<(Source, usize)>,
    /// Per call and row.
    cells: Vec<Vec<Option<Value>>>,
}

impl Output {
    pub(super) fn new(shape: &NeighboursShape) -> Self {
        Self {
            schema: Arc::clone(&shape.schema),
            group_columns: shape.order.group_columns.clone(),
            times_ns: Vec::new(),
            keys: Vec::new(),
            cells: vec![Vec::new(); shape.calls.len()],
        }
    }

    pub(super) fn row_count(&self) -> usize {
        self.times_ns.len()
    }

    /// The next cell of a call's column.
    pub(super) fn push_cell(&mut self, call: usize, value: Option<Value>) {
        self.cells[call].push(value);
    }

    /// The time of the next row.
    pub(super) fn push_time(&mut self, time_ns: i64) {
        self.times_ns.push(time_ns);
    }

    /// The series of the next rows.
    pub(super) fn push_keys(&mut self, key: &Source, row_count: usize) {
        self.keys.push((key.clone(), row_count));
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        let cells: usize = self.cells.iter().map(|cells| cells.capacity() * size_of::<Option<Value>>()).sum();
        cells + self.times_ns.capacity() * size_of::<i64>()
    }

    /// The rows so far as a batch.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        let keys = std::mem::take(&mut self.keys);
        let places = keys.iter().enumerate();
        let places: Vec<_> = places.flat_map(|(i, (key, n))| std::iter::repeat_n((i, key.row), *n)).collect();
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for &column in &self.group_columns {
            let chunks: Vec<&dyn Array> =
                keys.iter().map(|(key, _)| key.batch.column(column).as_ref()).collect();
            columns.push(interleave(&chunks, &places)?);
        }
        let times = TimestampNanosecondArray::from(std::mem::take(&mut self.times_ns));
        let time_type = self.schema.field(columns.len()).data_type().clone();
        columns.push(Arc::new(times.with_data_type(time_type)));
        for cells in &mut self.cells {
            let data_type = self.schema.field(columns.len()).data_type();
            columns.push(array_of(data_type, std::mem::take(cells))?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn array_of(data_type: &DataType, cells: Vec<Option<Value>>) -> Result<ArrayRef> {
    let number = |cell: &Option<Value>| match cell {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    Ok(match data_type {
        DataType::Float64 => {
            let cells = cells.iter().map(|cell| number(cell).map(Number::to_f64));
            Arc::new(cells.collect::<Float64Array>())
        }
        DataType::Int64 => {
            let integer = |number| match number {
                Number::Integer(n) => Some(n),
                _ => None,
            };
            Arc::new(cells.iter().map(|cell| number(cell).and_then(integer)).collect::<Int64Array>())
        }
        DataType::UInt64 => {
            let unsigned = |number| match number {
                Number::Unsigned(n) => Some(n),
                _ => None,
            };
            Arc::new(cells.iter().map(|cell| number(cell).and_then(unsigned)).collect::<UInt64Array>())
        }
        DataType::Boolean => {
            let boolean = |cell: &Option<Value>| match cell {
                Some(Value::Boolean(b)) => Some(*b),
                _ => None,
            };
            Arc::new(cells.iter().map(boolean).collect::<BooleanArray>())
        }
        DataType::Utf8 => {
            let text = |cell: Option<Value>| match cell {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            };
            Arc::new(cells.into_iter().map(text).collect::<StringArray>())
        }
        other => return Err(DataFusionError::Internal(format!("results of {other}"))),
    })
}
