//! Rows of one table, sorted by (series key, time), in runs of one series each.

use crate::model::time::TimeRange;
use arrow::array::{Array, ArrayRef};
use arrow::buffer::ScalarBuffer;
use std::sync::Arc;

/// Consecutive rows of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRun {
    /// The series key.
    pub key: Arc<str>,
    /// Index of the row after the run's last. Its first is the previous run's `end_row`, or 0.
    pub end_row: u32,
}

/// Rows sorted by (series key, time).
///
/// Within a run the times grow strictly, and the keys of successive runs grow strictly. The fields are
/// positional: whoever passes rows on also says which column is which.
#[derive(Clone, Debug)]
pub struct SortedRows {
    /// The series in ascending order, none without rows.
    pub runs: Vec<SeriesRun>,
    /// Per row, its timestamp in nanoseconds.
    pub times_ns: ScalarBuffer<i64>,
    /// Per field, one value per row.
    pub fields: Vec<ArrayRef>,
}

impl SortedRows {
    /// Number of rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.times_ns.len()
    }

    /// The rows of run `run`.
    #[must_use]
    pub fn run_rows(&self, run: usize) -> std::ops::Range<usize> {
        let start = run.checked_sub(1).map_or(0, |previous| self.runs[previous].end_row);
        start as usize..self.runs[run].end_row as usize
    }

    /// The tight range of times, or `None` without rows.
    #[must_use]
    pub fn time_range(&self) -> Option<TimeRange> {
        let ends = (0..self.runs.len()).map(|run| {
            let rows = self.run_rows(run);
            (self.times_ns[rows.start], self.times_ns[rows.end - 1])
        });
        let (first, last) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some(TimeRange::new(first, last + 1))
    }

    /// The memory these rows hold, in bytes, series keys included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let keys: usize = self.runs.iter().map(|r| r.key.len() + size_of::<SeriesRun>() + 16).sum();
        let fields: usize = self.fields.iter().map(|f| f.get_buffer_memory_size()).sum();
        keys + fields + self.row_count() * size_of::<i64>()
    }

    /// The rows within `times` of the runs that `keep` accepts (called once per run with its number), as
    /// row ranges in order. Ranges that touch are joined.
    pub fn select(
        &self,
        times: TimeRange,
        mut keep: impl FnMut(usize) -> bool,
    ) -> Vec<std::ops::Range<usize>> {
        let mut selected: Vec<std::ops::Range<usize>> = Vec::new();
        for run in 0..self.runs.len() {
            if !keep(run) {
                continue;
            }
            let rows = self.run_rows(run);
            let run_times = &self.times_ns[rows.clone()];
            let start = rows.start + run_times.partition_point(|t| *t < times.start_ns);
            let end = rows.start + run_times.partition_point(|t| *t < times.end_ns);
            match selected.last_mut() {
                _ if start >= end => {}
                Some(last) if last.end == start => last.end = end,
                _ => selected.push(start..end),
            }
        }
        selected
    }

    /// The rows of one range, without copying.
    #[must_use]
    pub fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            runs: self.slice_runs(rows.clone()),
            times_ns: self.times_ns.slice(rows.start, rows.len()),
            fields: self.fields.iter().map(|f| f.slice(rows.start, rows.len())).collect(),
        }
    }

    /// The runs of one range of rows, counted from its start.
    pub(super) fn slice_runs(&self, rows: std::ops::Range<usize>) -> Vec<SeriesRun> {
        if rows.is_empty() {
            return Vec::new();
        }
        let first = self.runs.partition_point(|r| r.end_row as usize <= rows.start);
        let last = self.runs.partition_point(|r| (r.end_row as usize) < rows.end);
        let cut = |run: &SeriesRun| SeriesRun {
            key: run.key.clone(),
            end_row: row_index((run.end_row as usize).min(rows.end) - rows.start),
        };
        self.runs[first..=last].iter().map(cut).collect()
    }

    /// Panics when the rows are not sorted or the columns not of one length. Called where rows cross a
    /// storage boundary; costs one pass over the times.
    pub fn assert_sorted(&self) {
        let rows = self.row_count();
        assert!(self.fields.iter().all(|f| f.len() == rows), "every field has a value slot per row");
        assert_eq!(self.runs.last().map_or(0, |r| r.end_row as usize), rows, "runs cover all rows");
        assert!(self.runs.windows(2).all(|w| w[0].key < w[1].key), "series keys ascend");
        for run in 0..self.runs.len() {
            let times = &self.times_ns[self.run_rows(run)];
            assert!(!times.is_empty(), "a run has rows");
            assert!(times.windows(2).all(|w| w[0] < w[1]), "times of a series ascend strictly");
        }
    }
}

/// A row number as runs store it. Batches and chunks hold far fewer than 2³² rows.
pub(super) fn row_index(row: usize) -> u32 {
    u32::try_from(row).expect("a batch holds fewer than 2^32 rows")
}
