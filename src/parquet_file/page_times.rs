//! Leaving out pages whose times are not asked for.
//!
//! Rows lie by series, then by time. A file of a year has many pages of each series, and a query for a day needs one or two of them:
//! the index of pages tells which.
//!
//! ```text
//! series  a a a a a a b b b b b b
//! page    1   2   3   4   5   6        the last third of the time: pages 3 and 6
//! ```

use super::read::ParquetFile;
use crate::model::schema::TIME_COLUMN;
use crate::model::time::TimeRange;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use std::ops::Range;

impl ParquetFile {
    /// Of `rows` (ranges of rows of the row group, ascending, not touching) those in pages that may have times in `times`. All
    /// where the file has no index of pages.
    #[must_use]
    pub fn rows_near(
        &self,
        row_group: usize,
        rows: Vec<Range<usize>>,
        times: TimeRange,
    ) -> Vec<Range<usize>> {
        if times.covers(&self.meta().time_range) {
            return rows;
        }
        match self.pages_near(row_group, times) {
            Some(pages) => intersection(&rows, &pages),
            None => rows,
        }
    }

    /// How many rows of a row group lie in pages that may have times in `times`.
    #[must_use]
    pub fn row_count_near(&self, row_group: usize, times: TimeRange) -> usize {
        let all = 0..self.row_group_row_count(row_group);
        self.rows_near(row_group, vec![all], times).iter().map(Range::len).sum()
    }

    /// The rows of the pages that may have times in `times`.
    fn pages_near(&self, row_group: usize, times: TimeRange) -> Option<Vec<Range<usize>>> {
        let metadata = self.footer.metadata();
        let columns = self.footer.parquet_schema().columns();
        let column = columns.iter().position(|column| column.name() == TIME_COLUMN)?;
        let ColumnIndexMetaData::INT64(bounds) = metadata.column_index()?.get(row_group)?.get(column)? else {
            return None;
        };
        let pages = metadata.offset_index()?.get(row_group)?.get(column)?.page_locations();
        let starts = pages.iter().map(|page| usize::try_from(page.first_row_index).ok());
        let starts = starts.collect::<Option<Vec<usize>>>()?;
        let ends = starts.iter().copied().skip(1).chain([self.row_group_row_count(row_group)]);
        let (least, greatest) = (bounds.min_values(), bounds.max_values());
        if least.len() != starts.len() || greatest.len() != starts.len() {
            return None;
        }
        let bounds = least.iter().zip(greatest);
        let pages = starts.iter().copied().zip(ends).zip(bounds);
        let near = pages.filter(|(_, (min, max))| **max >= times.start_ns && **min <= times.end_ns);
        Some(near.map(|((start, end), _)| start..end).collect())
    }
}

/// What both lists of ascending ranges have; ranges that touch are joined.
fn intersection(left: &[Range<usize>], right: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut both: Vec<Range<usize>> = Vec::new();
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let shared = l.start.max(r.start)..l.end.min(r.end);
        let left_ends_first = l.end < r.end;
        match both.last_mut() {
            _ if shared.is_empty() => {}
            Some(last) if last.end == shared.start => last.end = shared.end,
            _ => both.push(shared),
        }
        if left_ends_first {
            left.next()
        } else {
            right.next()
        };
    }
    both
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "lists of ranges, some of one")]
mod tests {
    use super::intersection;

    #[test]
    fn what_both_have_is_left_and_joined_where_it_touches() {
        assert_eq!(intersection(&[0..10, 20..30], &[0..5, 5..8, 25..40]), [0..8, 25..30]);
        assert_eq!(intersection(&[0..10], &[2..3, 4..5]), [2..3, 4..5]);
        assert!(intersection(&[0..2, 8..9], &[2..8]).is_empty());
        assert!(intersection(&[], &[0..1]).is_empty());
    }
}
