//! `SELECT … INTO`: the rows of a query as rows to be written. Nothing here writes them.
//!
//! ```text
//! SELECT mean(f), max(g) INTO copy FROM m GROUP BY h
//!
//! h  time  mean  max        table  series  time  mean  max
//! a  0     1     null   →   copy   h=a     0     1
//! a  60    null  null
//! b  60    NaN   5          copy   h=b     60          5
//! ```
//!
//! The tags of GROUP BY stay tags and all other columns become fields. Null and NaN are no values; a row without a value, or with
//! an infinite one, is left out, as InfluxDB 1.x does.

#[cfg(test)]
mod tests;

use super::error::QueryError;
use super::{Batches, ResultStream};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::limits::SERIES_TEXT_BYTES_MAX;
use crate::model::result::ResultShape;
use crate::model::schema::TIME_COLUMN;
use crate::model::series_key;
use crate::model::time::{TIME_MAX_NS, TIME_MIN_NS};
use ahash::AHashMap;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringViewArray};
use arrow::compute::{cast, concat_batches, filter};
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampNanosecondType};
use futures::StreamExt;
use std::ops::Range;
use std::sync::Arc;

/// Points that are written at once, as in InfluxDB 1.x.
const POINTS_MAX: usize = 10_000;
/// Bytes from which fewer points are.
const BYTES_MAX: usize = 64 << 20;

/// Where INTO writes to. Whether the policy exists is seen when there is something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntoTarget {
    /// The database, which exists.
    pub database: String,
    /// The retention policy.
    pub policy: String,
    /// The measurement; that of each row's source when `None`.
    pub measurement: Option<Arc<str>>,
}

/// The rows of a `SELECT … INTO`, to be taken by [`IntoRows::next`] and written.
pub struct IntoRows {
    /// Where they are to be written.
    pub target: IntoTarget,
    shape: ResultShape,
    batches: Batches,
    /// Read and not given out.
    waiting: Option<RecordBatch>,
}

impl IntoRows {
    pub(super) fn new(target: IntoTarget, rows: ResultStream) -> Self {
        Self { target, shape: rows.shape, batches: rows.batches, waiting: None }
    }

    /// Rows for the next write, each table's in one or more parts; `None` at the end. It may be that they are none.
    ///
    /// # Errors
    /// When the query fails, or its time column is called otherwise.
    pub async fn next(&mut self) -> Result<Option<Vec<TableRows>>, QueryError> {
        let (mut batches, mut row_count, mut byte_count) = (Vec::new(), 0, 0);
        while row_count < POINTS_MAX && byte_count < BYTES_MAX {
            let batch = match self.waiting.take() {
                Some(batch) => batch,
                None => match self.batches.next().await.transpose()? {
                    Some(batch) => batch,
                    None => break,
                },
            };
            let wanted = POINTS_MAX - row_count;
            if batch.num_rows() > wanted {
                self.waiting = Some(batch.slice(wanted, batch.num_rows() - wanted));
            }
            let batch = batch.slice(0, wanted.min(batch.num_rows()));
            row_count += batch.num_rows();
            byte_count += batch.get_array_memory_size();
            batches.push(batch);
        }
        if batches.is_empty() {
            return Ok(None);
        }
        let internal = |error| QueryError::Internal(datafusion::error::DataFusionError::from(error));
        let batch = concat_batches(&self.shape.schema, &batches).map_err(internal)?;
        self.tables(&batch).map(Some)
    }

    fn tables(&self, batch: &RecordBatch) -> Result<Vec<TableRows>, QueryError> {
        let columns = Columns::new(&self.shape, batch)?;
        let names = column::<StringViewArray>(batch, self.shape.name)?;
        let mut tables = Vec::new();
        match &self.target.measurement {
            Some(name) => tables.extend(columns.rows(name.clone(), 0..batch.num_rows())?),
            None => {
                let mut start = 0;
                while start < batch.num_rows() {
                    let name = names.value(start);
                    let end = (start..batch.num_rows()).find(|row| names.value(*row) != name);
                    let end = end.unwrap_or(batch.num_rows());
                    tables.extend(columns.rows(name.into(), start..end)?);
                    start = end;
                }
            }
        }
        Ok(tables)
    }
}

/// The columns of a batch by what becomes of them.
struct Columns<'a> {
    times_ns: &'a [i64],
    tags: Vec<(&'a Arc<str>, &'a StringViewArray)>,
    fields: Vec<FieldColumn>,
    /// Per row whether it can be written.
    is_row: Vec<bool>,
}

impl<'a> Columns<'a> {
    fn new(shape: &'a ResultShape, batch: &'a RecordBatch) -> Result<Self, QueryError> {
        let time = shape.columns.iter().rfind(|(name, _)| **name == *TIME_COLUMN);
        let time = time.map(|(_, index)| batch.column(*index)).filter(|time| is_time(time));
        let Some(time) = time else {
            return Err(QueryError::Query("error finding time index in result".to_owned()));
        };
        let times_ns: &[i64] = time.as_primitive::<TimestampNanosecondType>().values();
        let mut tags = Vec::with_capacity(shape.group_tags.len());
        for (name, index) in &shape.group_tags {
            tags.push((name, column::<StringViewArray>(batch, *index)?));
        }
        tags.sort_by_key(|(tag, _)| *tag);
        let is_in_range = |time_ns: &i64| (TIME_MIN_NS..=TIME_MAX_NS).contains(time_ns);
        let mut columns =
            Self { times_ns, tags, fields: Vec::new(), is_row: times_ns.iter().map(is_in_range).collect() };
        let mut has_value = vec![false; batch.num_rows()];
        for (position, (name, index)) in shape.columns.iter().enumerate() {
            let is_last = shape.columns[position + 1..].iter().all(|(other, _)| other != name);
            if **name == *TIME_COLUMN || !is_last {
                continue;
            }
            if let Some(values) = columns.field(batch.column(*index))? {
                for (row, has_value) in has_value.iter_mut().enumerate() {
                    *has_value |= values.is_valid(row);
                }
                columns.fields.push(FieldColumn { name: name.clone(), values });
            }
        }
        // In this order InfluxDB 1.x looks for a field that does not fit.
        columns.fields.sort_by(|a, b| a.name.cmp(&b.name));
        for (is_row, has_value) in columns.is_row.iter_mut().zip(has_value) {
            *is_row &= has_value;
        }
        Ok(columns)
    }

    /// A column as a field's values, `None` when it can have none.
    fn field(&mut self, values: &ArrayRef) -> Result<Option<ArrayRef>, QueryError> {
        Ok(match values.data_type() {
            DataType::Float64 => {
                let floats = values.as_primitive::<Float64Type>();
                for (row, value) in floats.iter().enumerate() {
                    self.is_row[row] &= !value.is_some_and(f64::is_infinite);
                }
                let finite = floats.iter().map(|value| value.filter(|value| !value.is_nan()));
                Some(Arc::new(finite.collect::<Float64Array>()))
            }
            DataType::Utf8View => {
                Some(cast(values, &DataType::Utf8).map_err(|error| QueryError::Internal(error.into()))?)
            }
            DataType::Int64 | DataType::UInt64 | DataType::Utf8 | DataType::Boolean => Some(values.clone()),
            _ => None,
        })
    }

    /// The rows of one measurement.
    fn rows(&self, table: Arc<str>, range: Range<usize>) -> Result<Option<TableRows>, QueryError> {
        let (mut series, mut numbers) = (Vec::new(), AHashMap::new());
        let (mut series_index, mut times_ns) = (Vec::new(), Vec::new());
        let mut is_row = self.is_row[range.clone()].to_vec();
        let mut last: Option<(usize, u32)> = None;
        for row in range.clone() {
            if !is_row[row - range.start] {
                continue;
            }
            let number = match last {
                Some((before, number)) if self.has_same_series(before, row) => number,
                _ => {
                    let key = self.series_key(row);
                    if key.len() + table.len() > SERIES_TEXT_BYTES_MAX {
                        is_row[row - range.start] = false;
                        continue;
                    }
                    let key: Arc<str> = key.into();
                    *numbers.entry(key.clone()).or_insert_with(|| {
                        series.push(key);
                        series.len() as u32 - 1
                    })
                }
            };
            last = Some((row, number));
            series_index.push(number);
            times_ns.push(self.times_ns[row]);
        }
        if times_ns.is_empty() {
            return Ok(None);
        }
        let mask = BooleanArray::from(is_row);
        let mut fields = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let values = field.values.slice(range.start, range.len());
            let values = filter(&values, &mask).map_err(|error| QueryError::Internal(error.into()))?;
            if values.null_count() < values.len() {
                fields.push(FieldColumn { name: field.name.clone(), values });
            }
        }
        Ok(Some(TableRows { table, series, series_index, times_ns, fields }))
    }

    fn has_same_series(&self, a: usize, b: usize) -> bool {
        self.tags.iter().all(|(_, values)| text(values, a) == text(values, b))
    }

    fn series_key(&self, row: usize) -> String {
        series_key::encode(self.tags.iter().map(|(name, values)| (name.as_ref(), text(values, row))))
    }
}

/// A tag's value, empty where a row lacks it.
fn text(values: &StringViewArray, row: usize) -> &str {
    if values.is_valid(row) { values.value(row) } else { "" }
}

fn is_time(values: &ArrayRef) -> bool {
    matches!(values.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _))
}

fn column<T: Array + 'static>(batch: &RecordBatch, index: usize) -> Result<&T, QueryError> {
    batch.columns().get(index).and_then(|column| column.as_any().downcast_ref::<T>()).ok_or_else(|| {
        let text = format!("column {index} of a result is not what its shape says");
        QueryError::Internal(datafusion::error::DataFusionError::Internal(text))
    })
}
