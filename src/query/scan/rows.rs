//! Which rows of those read a scan yields: by a predicate over their values, and by their place in a run of one series.
//!
//! In: rows as they were merged, with the fields that the predicate needs. Out: some of them, in the same order.

use super::columns::{Origin, Projection, ScanColumn};
use super::filter::Predicate;
use crate::merge::SortedRows;
use crate::parquet_file::ParquetFile;
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// An end of a run of rows of one series, which lie in order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunEnd {
    /// The earliest rows.
    First,
    /// The latest rows.
    Last,
}

/// Which rows of every run of rows of one series are needed.
///
/// ```text
/// series time f        First, 1 row       the last of f
/// a      1    10   →   a      1    10     a      1    10
/// a      2    -        b      1    20     b      1    20
/// b      1    20
/// ```
///
/// A series may come in several runs, and yields rows of each: whoever wants `n` rows of it still has to choose. It is a sieve
/// below a sort or an aggregation, which has as many rows to look at as there are runs then, instead of all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RunRows {
    /// So many rows at one end.
    Outer(RunEnd, usize),
    /// For each of these fields, by its stored name, the outermost row that has a value in it.
    WithValue(Arc<[(Arc<str>, RunEnd)]>),
}

impl RunEnd {
    /// The rows of a run that are at most `count` from this end.
    fn rows(self, run: Range<usize>, count: usize) -> Range<usize> {
        match self {
            Self::Last => run.end.saturating_sub(count).max(run.start)..run.end,
            Self::First => run.start..run.start.saturating_add(count).min(run.end),
        }
    }

    /// The row of a run at this end that has a value in `column`.
    pub(super) fn outermost(self, column: &ArrayRef, run: Range<usize>) -> Option<usize> {
        let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) else {
            return match self {
                Self::First => Some(run.start),
                Self::Last => run.end.checked_sub(1),
            };
        };
        let has_value = |row: &usize| nulls.is_valid(*row);
        match self {
            Self::First => run.into_iter().find(has_value),
            Self::Last => run.into_iter().rev().find(has_value),
        }
    }
}

/// [`RunRows`] of rows with certain fields.
#[derive(Clone, Debug)]
pub(super) struct RunSieve {
    rows: RunRows,
    /// Per field that [`RunRows::WithValue`] names, its place among the fields that are read.
    places: Vec<usize>,
}

impl RunSieve {
    /// `rows` of rows with the fields `read`.
    pub(super) fn new(rows: RunRows, read: &[(Arc<str>, DataType)]) -> Result<Self> {
        let places = match &rows {
            RunRows::Outer(..) => Vec::new(),
            RunRows::WithValue(fields) => {
                fields.iter().map(|(name, _)| place_of(name, read)).collect::<Result<_>>()?
            }
        };
        Ok(Self { rows, places })
    }

    /// Which rows are yielded.
    pub(super) fn rows(&self) -> &RunRows {
        &self.rows
    }

    /// Per field that [`RunRows::WithValue`] names, its place among the fields that are read.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Those of the rows of all runs.
    pub(super) fn sieve(&self, rows: SortedRows) -> Result<SortedRows> {
        let runs = (0..rows.runs.len()).map(|run| rows.run_rows(run));
        let ranges = match &self.rows {
            RunRows::Outer(end, count) => runs.map(|run| end.rows(run, *count)).collect(),
            RunRows::WithValue(fields) => {
                let of_run = |run: Range<usize>| {
                    let ends = fields.iter().zip(&self.places);
                    let found =
                        ends.filter_map(|((_, end), place)| end.outermost(&rows.fields[*place], run.clone()));
                    joined(found)
                };
                runs.flat_map(of_run).collect::<Vec<_>>()
            }
        };
        if ranges.iter().map(Range::len).sum::<usize>() == rows.row_count() {
            return Ok(rows);
        }
        Ok(rows.gather(&ranges)?)
    }

    /// Which rows at the ends of the runs of a row group have what is needed, where its footer tells. When its rows are merged with
    /// others, one without a value of a field that is needed may still have newer values of others, at a time at which another source
    /// has that value.
    pub(super) fn to_read(
        &self,
        file: &ParquetFile,
        row_group: usize,
        is_merged: bool,
    ) -> Option<EndsToRead> {
        let counts = self.counts(file, row_group, is_merged)?;
        // One row of a series that goes on in the next row group is no end of it, if the end in that has all that this one has.
        let is_single = counts.iter().all(|count| *count <= 1);
        let is_same = |before: usize, after: usize| {
            let ends = file.series_ends(before).zip(file.series_ends(after));
            is_single && ends.is_some_and(|((_, last), (first, _))| last == first)
        };
        let before = row_group.checked_sub(1);
        let after = Some(row_group + 1).filter(|after| *after < file.row_group_count());
        let begins_before = before
            .is_some_and(|before| is_same(before, row_group) && self.has_as_much(file, before, row_group));
        let ends_after =
            after.is_some_and(|after| is_same(row_group, after) && self.has_as_much(file, after, row_group));
        Some(EndsToRead { counts, begins_before, ends_after })
    }

    /// Whether every row of a row group has each field that another one has at all.
    fn has_as_much(&self, file: &ParquetFile, row_group: usize, other: usize) -> bool {
        let RunRows::WithValue(fields) = &self.rows else { return true };
        let other_count = file.row_group_row_count(other);
        fields.iter().all(|(name, _)| {
            file.null_count(row_group, name) == Some(0) || file.null_count(other, name) == Some(other_count)
        })
    }

    /// How many rows at the first and the last end of each run of a row group have what is needed, where its footer tells.
    fn counts(&self, file: &ParquetFile, row_group: usize, is_merged: bool) -> Option<[usize; 2]> {
        let mut counts = [0; 2];
        let fields = match &self.rows {
            RunRows::Outer(end, count) => {
                counts[*end as usize] = *count;
                return Some(counts);
            }
            RunRows::WithValue(fields) => fields,
        };
        for (name, end) in fields.iter() {
            match file.null_count(row_group, name) {
                Some(0) => counts[*end as usize] = 1,
                Some(nulls) if !is_merged && nulls == file.row_group_row_count(row_group) => {}
                _ => return None,
            }
        }
        Some(counts)
    }
}

/// Which rows at the ends of the runs of a row group are needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndsToRead {
    /// How many at the first and the last end of a run.
    counts: [usize; 2],
    /// Whether the first run's first rows are in an earlier row group.
    begins_before: bool,
    /// Whether the last run's last rows are in a later row group.
    ends_after: bool,
}

impl EndsToRead {
    /// How many at the first and the last end of one run of `run_count`.
    pub(super) fn of_run(self, run: usize, run_count: usize) -> [usize; 2] {
        let [first, last] = self.counts;
        let is_begun = run == 0 && self.begins_before;
        let goes_on = run + 1 == run_count && self.ends_after;
        [if is_begun { 0 } else { first }, if goes_on { 0 } else { last }]
    }
}

/// The rows of a run that are at most so many from its first and from its last end. Either may be empty.
pub(super) fn at_ends(run: Range<usize>, [first, last]: [usize; 2]) -> [Range<usize>; 2] {
    let head = RunEnd::First.rows(run.clone(), first);
    [head.clone(), RunEnd::Last.rows(head.end..run.end, last)]
}

/// Rows as ranges, ascending and each once.
fn joined(rows: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let rows: BTreeSet<usize> = rows.collect();
    rows.into_iter().map(|row| row..row + 1).collect()
}

/// The place of a field among those that are read.
fn place_of(name: &str, read: &[(Arc<str>, DataType)]) -> Result<usize> {
    let missing = || DataFusionError::Internal(format!("field {name:?} is filtered by and not read"));
    read.iter().position(|(known, _)| **known == *name).ok_or_else(missing)
}

/// A predicate over the values of a row.
#[derive(Clone, Debug)]
pub(super) struct RowFilter {
    predicate: Predicate,
    columns: Projection,
    /// Per field among the columns, its place among the fields that are read.
    places: Vec<usize>,
}

impl RowFilter {
    /// `predicate` on rows with the fields `read`, which have all that it needs.
    pub(super) fn new(predicate: Predicate, read: &[(Arc<str>, DataType)]) -> Result<Self> {
        let columns = Projection::new(predicate.columns(), []);
        let places = columns.fields.iter().map(|(name, _)| place_of(name, read)).collect::<Result<_>>()?;
        Ok(Self { predicate, columns, places })
    }

    /// The rows for which the predicate is true.
    pub(super) fn sieve(&self, rows: SortedRows) -> Result<SortedRows> {
        let needed = SortedRows {
            runs: rows.runs.clone(),
            times_ns: rows.times_ns.clone(),
            fields: self.places.iter().map(|place| rows.fields[*place].clone()).collect(),
        };
        let mask = self.predicate.mask(&self.columns.batch(&needed)?)?;
        if mask.count_set_bits() == rows.row_count() {
            return Ok(rows);
        }
        Ok(rows.filter(&mask)?)
    }
}

/// The fields among columns.
pub(super) fn fields_of(columns: &[ScanColumn]) -> impl Iterator<Item = &ScanColumn> {
    columns.iter().filter(|column| matches!(column.origin, Origin::Field(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::SeriesRun;
    use arrow::array::{Float64Array, Int64Array};

    /// ```text
    /// series time f  g
    /// a      1    1  -
    /// a      2    2  -
    /// a      3    -  7
    /// a      4    -  -
    /// b      1    5  -
    /// ```
    fn rows() -> SortedRows {
        SortedRows {
            runs: vec![SeriesRun { key: "a".into(), end_row: 4 }, SeriesRun { key: "b".into(), end_row: 5 }],
            times_ns: vec![1, 2, 3, 4, 1].into(),
            fields: vec![
                Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), None, None, Some(5.0)])),
                Arc::new(Int64Array::from(vec![None, None, Some(7), None, None])),
            ],
        }
    }

    /// Series and time of the rows that are left.
    fn left(wanted: RunRows) -> Vec<(String, i64)> {
        let fields = [("f".into(), DataType::Float64), ("g".into(), DataType::Int64)];
        let rows = RunSieve::new(wanted, &fields).unwrap().sieve(rows()).unwrap();
        let keys = (0..rows.runs.len())
            .flat_map(|run| rows.run_rows(run).map(move |_| run))
            .map(|run| rows.runs[run].key.to_string());
        keys.zip(rows.times_ns.iter().copied()).collect()
    }

    #[test]
    fn outer_rows_are_those_at_one_end_of_each_run() {
        let pairs = |pairs: &[(&str, i64)]| -> Vec<(String, i64)> {
            pairs.iter().map(|(series, time)| ((*series).to_owned(), *time)).collect()
        };
        assert_eq!(left(RunRows::Outer(RunEnd::First, 1)), pairs(&[("a", 1), ("b", 1)]));
        assert_eq!(left(RunRows::Outer(RunEnd::Last, 2)), pairs(&[("a", 3), ("a", 4), ("b", 1)]));
    }

    #[test]
    fn each_field_has_its_own_outermost_row() {
        let with_value = |fields: &[(&str, RunEnd)]| {
            left(RunRows::WithValue(fields.iter().map(|(name, end)| ((*name).into(), *end)).collect()))
        };
        let row = |series: &str, time| (series.to_owned(), time);
        assert_eq!(with_value(&[("f", RunEnd::Last)]), [row("a", 2), row("b", 1)]);
        assert_eq!(
            with_value(&[("g", RunEnd::First), ("f", RunEnd::First)]),
            [row("a", 1), row("a", 3), row("b", 1)]
        );
        assert_eq!(with_value(&[("g", RunEnd::Last)]), [row("a", 3)]);
    }

    #[test]
    fn the_ends_of_a_short_run_do_not_overlap() {
        assert_eq!(at_ends(3..10, [1, 2]), [3..4, 8..10]);
        assert_eq!(at_ends(3..5, [2, 2]), [3..5, 5..5]);
        assert_eq!(at_ends(3..4, [0, 2]), [3..3, 3..4]);
    }
}
