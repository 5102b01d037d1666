//! Sorted rows without those that were deleted.

use super::sorted_rows::SortedRows;
use crate::model::time::TimeRange;
use arrow::error::ArrowError;
use std::ops::Range;

impl SortedRows {
    /// The rows that are not deleted. `deleted_times` gives the times at which rows of a series key are deleted, in
    /// any order. Shares the columns when all rows or one stretch of them are left, and copies otherwise.
    ///
    /// ```text
    /// rows               deleted_times     result
    /// h=a  0 10 20       h=a: 5..15        h=a  0 20
    /// h=b  0             h=b: 0..1
    /// ```
    ///
    /// # Errors
    /// When the strings of the result exceed 2 GiB.
    pub fn without(&self, deleted_times: impl Fn(&str) -> Vec<TimeRange>) -> Result<Self, ArrowError> {
        let mut left: Vec<Range<usize>> = Vec::new();
        for (run, series) in self.runs.iter().enumerate() {
            let rows = self.run_rows(run);
            for stretch in self.stretches_left(rows, deleted_times(&series.key)) {
                match left.last_mut() {
                    Some(last) if last.end == stretch.start => last.end = stretch.end,
                    _ => left.push(stretch),
                }
            }
        }
        match left[..] {
            [Range { start: 0, end }] if end == self.row_count() => Ok(self.clone()),
            _ => self.gather(&left),
        }
    }

    /// The stretches of `rows`, which are of one series, that lie outside all of `deleted`.
    fn stretches_left(&self, rows: Range<usize>, mut deleted: Vec<TimeRange>) -> Vec<Range<usize>> {
        deleted.sort_unstable_by_key(|times| times.start_ns);
        let times_ns = &self.times_ns[rows.clone()];
        let row_at = |time_ns: i64| rows.start + times_ns.partition_point(|t| *t < time_ns);
        let mut left = Vec::new();
        let mut start = rows.start;
        for times in deleted.iter().filter(|times| !times.is_empty()) {
            let end = row_at(times.start_ns);
            if start < end {
                left.push(start..end);
            }
            start = start.max(row_at(times.end_ns));
        }
        if start < rows.end {
            left.push(start..rows.end);
        }
        left
    }
}
