//! Which rows of those read a scan yields: by a predicate over their values, and by their place in a run of one series.
//!
//! In: rows as they were merged, with the fields that the predicate needs. Out: some of them, in the same order.

use super::columns::{Origin, Projection, ScanColumn};
use super::filter::Predicate;
use crate::merge::SortedRows;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use std::ops::Range;
use std::sync::Arc;

/// Of every run of rows of one series the first or the last ones.
///
/// ```text
/// series time         first 1         last 1
/// a      1      →     a      1        a      2
/// a      2            b      1        b      1
/// b      1
/// ```
///
/// A series may come in several runs, and yields rows of each: whoever wants `n` rows of it still has to choose. It is a sieve
/// below a sort, which has as many rows to sort as there are runs then, instead of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunRows {
    /// How many.
    pub count: usize,
    /// The last ones instead of the first.
    pub are_last: bool,
}

impl RunRows {
    /// Those of the rows of a run.
    #[must_use]
    pub fn of(self, run: Range<usize>) -> Range<usize> {
        match self.are_last {
            true => run.end.saturating_sub(self.count).max(run.start)..run.end,
            false => run.start..run.start.saturating_add(self.count).min(run.end),
        }
    }

    /// Those of the rows of all runs.
    pub(super) fn sieve(self, rows: SortedRows) -> Result<SortedRows> {
        let ranges: Vec<_> = (0..rows.runs.len()).map(|run| self.of(rows.run_rows(run))).collect();
        if ranges.iter().map(Range::len).sum::<usize>() == rows.row_count() {
            return Ok(rows);
        }
        Ok(rows.gather(&ranges)?)
    }
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
        let place = |name: &Arc<str>| {
            let missing = || DataFusionError::Internal(format!("field {name:?} is filtered by and not read"));
            read.iter().position(|(known, _)| known == name).ok_or_else(missing)
        };
        let places = columns.fields.iter().map(|(name, _)| place(name)).collect::<Result<_>>()?;
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
