//! Where one series ends and the next begins.
//!
//! Rows with the same name and group tags are contiguous, also over the borders of batches. When the first and
//! the last row of a batch agree, so do all between: most batches are compared once. Otherwise the end of
//! each run is found by doubling steps and bisection, so that long series cost logarithmically many
//! comparisons.

use super::cells::Column;
use crate::model::result::ResultShape;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;

/// The columns that tell series apart.
pub(super) struct KeyColumns<'a> {
    columns: Vec<Column<'a>>,
}

/// Name and group tag values of a series.
#[derive(Default)]
pub(super) struct SeriesKey {
    pub(super) name: String,
    pub(super) tag_values: Vec<String>,
}

impl<'a> KeyColumns<'a> {
    /// The key columns of `batch`.
    pub(super) fn new(shape: &ResultShape, batch: &'a RecordBatch) -> Result<Self, DataType> {
        let indices = std::iter::once(shape.name).chain(shape.group_tags.iter().map(|(_, index)| *index));
        let columns = indices.map(|index| Column::new(batch.column(index))).collect::<Result<_, _>>()?;
        Ok(Self { columns })
    }

    /// Whether the row belongs to the series. Null and empty are the same.
    pub(super) fn is_of(&self, row: usize, key: &SeriesKey) -> bool {
        let parts = std::iter::once(&key.name).chain(&key.tag_values);
        self.columns.iter().zip(parts).all(|(column, part)| column.text(row) == part)
    }

    /// The series of the row.
    pub(super) fn key(&self, row: usize) -> SeriesKey {
        let mut parts = self.columns.iter().map(|column| column.text(row).to_owned());
        SeriesKey { name: parts.next().unwrap_or_default(), tag_values: parts.collect() }
    }

    /// The row after the last of the run that begins at `start`, at most `end` (> `start`).
    pub(super) fn run_end(&self, start: usize, end: usize) -> usize {
        if self.are_equal(start, end - 1) {
            return end;
        }
        let mut step = 1;
        let mut low = start;
        while low + step < end && self.are_equal(start, low + step) {
            low += step;
            step *= 2;
        }
        // `low` is in the run; `low + step` is not, or lies outside.
        let mut high = (low + step).min(end - 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.are_equal(start, middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    fn are_equal(&self, a: usize, b: usize) -> bool {
        self.columns.iter().all(|column| column.text(a) == column.text(b))
    }
}
