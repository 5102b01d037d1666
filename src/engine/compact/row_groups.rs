//! How large the row groups of a file shall be.
//!
//! A query opens every row group that has one of its series, and opening one costs about as much as reading a page. In a
//! file that spans months, row groups of the usual size hold hardly more than one series each, so a query over all series
//! would open as many row groups as there are series. Large files therefore have larger row groups, as far as memory for
//! their rows and lists of series allows.
//!
//! In: the manifest's entries of what a job reads. Out: a number of rows. How the rows come and how small they get encoded is not
//! known here.

use crate::model::file::FileMeta;
use crate::model::limits::{BATCH_ROWS, ROW_GROUP_ROWS_MAX};
use std::sync::Arc;

/// Row groups that a file has at least before they become larger.
const COUNT_MIN: u64 = 64;

/// Values of all columns of a row group that is larger than usual: 16 MiB of numbers.
const VALUES_MAX: u64 = 1 << 21;

/// Series of a row group that is larger than usual. Their keys are held while it is read.
const SERIES_MAX: u64 = 2 * BATCH_ROWS as u64;

/// Rows of a row group of files that are made of `inputs`, with so many fields: `least` in a small file.
pub(super) fn row_group_rows(inputs: &[Arc<FileMeta>], field_count: usize, least: usize) -> usize {
    let row_count: u64 = inputs.iter().map(|file| file.row_count).sum();
    let series_count: u64 = inputs.iter().map(|file| file.series_count).sum();
    let of_values = VALUES_MAX / (field_count as u64 + 1);
    let of_series = row_count / series_count.max(1) * SERIES_MAX;
    let rows = (row_count / COUNT_MIN).min(of_values).min(of_series);
    usize::try_from(rows).unwrap_or(ROW_GROUP_ROWS_MAX).max(least).min(ROW_GROUP_ROWS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compact::tests::file;
    use crate::model::limits::ROW_GROUP_ROWS;

    fn rows(row_count: u64, series_count: u64, field_count: usize) -> usize {
        let other = FileMeta::clone(&file(0..1, 1, 1, true));
        let half = Arc::new(FileMeta { row_count: row_count / 2, series_count: series_count / 2, ..other });
        row_group_rows(&[Arc::clone(&half), half], field_count, ROW_GROUP_ROWS)
    }

    #[test]
    fn row_groups_grow_with_their_file_and_stay_within_memory() {
        assert_eq!(rows(1_000_000, 100, 1), ROW_GROUP_ROWS, "a small file");
        assert_eq!(rows(32 << 20, 100, 1), 524_288);
        assert_eq!(rows(1 << 30, 100, 1), ROW_GROUP_ROWS_MAX, "a large file");
        assert_eq!(rows(1 << 30, 100, 7), 262_144, "of several fields");
        assert_eq!(rows(1 << 30, 100, 100), ROW_GROUP_ROWS, "of many fields");
        assert_eq!(rows(1 << 30, 1 << 25, 1), 524_288, "of many series");
        assert_eq!(rows(1 << 30, 1 << 30, 1), ROW_GROUP_ROWS, "of series of one row");
        assert_eq!(rows(0, 0, 0), ROW_GROUP_ROWS);
    }
}
