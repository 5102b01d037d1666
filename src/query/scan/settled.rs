//! Series of which the outermost rows have been found, so that nothing further in need be read of them.
//!
//! ```text
//! last(f), units from new to old        read             settled
//! December   a b c                      ends of a b c    a, b, c but for f of c, which is null there
//! November   a b c d                    ends of c d      a, b, c, d
//! October    a b c d                    nothing
//! ```
//!
//! Years of history then cost what its newest part costs, as long as all series are still written. A series that is not known to be
//! settled is read, so that the order in which units come decides on speed alone.
//!
//! In: the rows that a scan yields. Out: which runs it need not read. What the rows are for is not known here.

use super::rows::{RunEnd, RunRows, RunSieve};
use crate::merge::{SeriesRun, SortedRows};
use crate::model::time::TimeRange;
use ahash::AHashMap;
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::Arc;

/// Series that are kept track of at most, so that memory does not grow with their number. Of further ones everything is read.
const SERIES_MAX: usize = 1 << 16;

/// What is known of series while their rows are read.
#[derive(Debug)]
pub(super) struct Settled {
    end: RunEnd,
    /// Rows of a series that are wanted, or times per series: one for each field.
    wanted: Wanted,
    /// Per series and field the outermost time at which it was found, by [`Settled::depth`].
    found: Mutex<AHashMap<Arc<str>, Box<[i64]>>>,
}

#[derive(Debug)]
enum Wanted {
    /// So many rows.
    Rows(usize),
    /// One row with a value of each of the fields at these places.
    Values(Vec<usize>),
}

/// Less far out than any row.
const NOWHERE: i64 = i64::MIN;

impl Settled {
    /// For the rows that `sieve` yields, if all of them are wanted from the same end.
    pub(super) fn of(sieve: &RunSieve) -> Option<Self> {
        let (end, wanted) = match sieve.rows() {
            RunRows::Outer(end, count) => (*end, Wanted::Rows(*count)),
            RunRows::WithValue(fields) => {
                let (_, end) = fields.first()?;
                if fields.iter().any(|(_, other)| other != end) {
                    return None;
                }
                (*end, Wanted::Values(sieve.places().to_vec()))
            }
        };
        Some(Self { end, wanted, found: Mutex::default() })
    }

    /// The end from which rows are wanted.
    pub(super) fn end(&self) -> RunEnd {
        self.end
    }

    /// Takes note of rows that are yielded.
    pub(super) fn note(&self, rows: &SortedRows) {
        let mut found = self.found.lock();
        for (number, run) in rows.runs.iter().enumerate() {
            if found.len() == SERIES_MAX && !found.contains_key(&run.key) {
                continue;
            }
            let known = found.entry(Arc::clone(&run.key)).or_insert_with(|| self.nothing());
            let run_rows = rows.run_rows(number);
            for (place, known) in known.iter_mut().enumerate() {
                if let Some(row) = self.row(rows, run_rows.clone(), place) {
                    *known = (*known).max(self.depth(rows.times_ns[row]));
                }
            }
        }
    }

    /// Lets go of the runs of which no row is needed, when all of them lie at `times`.
    pub(super) fn let_go(&self, keep: &mut [bool], runs: &[SeriesRun], times: TimeRange) {
        let found = self.found.lock();
        if found.is_empty() {
            return;
        }
        let outermost = self.depth(match self.end {
            RunEnd::First => times.start_ns,
            RunEnd::Last => times.end_ns.saturating_sub(1),
        });
        let is_settled = |key| {
            let found: Option<&Box<[i64]>> = found.get(key);
            found.and_then(|times| times.iter().min()).is_some_and(|settled| outermost < *settled)
        };
        for (keep, run) in keep.iter_mut().zip(runs) {
            *keep = *keep && !is_settled(&run.key);
        }
    }

    fn nothing(&self) -> Box<[i64]> {
        let count = match &self.wanted {
            Wanted::Rows(_) => 1,
            Wanted::Values(places) => places.len(),
        };
        vec![NOWHERE; count].into()
    }

    /// The row of a run up to which it is needed, if it is found there.
    fn row(&self, rows: &SortedRows, run: Range<usize>, place: usize) -> Option<usize> {
        match &self.wanted {
            Wanted::Rows(count) if *count == 0 || run.len() < *count => None,
            Wanted::Rows(count) => Some(match self.end {
                RunEnd::First => run.start + count - 1,
                RunEnd::Last => run.end - count,
            }),
            Wanted::Values(places) => self.end.outermost(rows.fields.get(*places.get(place)?)?, run),
        }
    }

    /// How far out a time is: the more, the farther.
    fn depth(&self, time_ns: i64) -> i64 {
        match self.end {
            RunEnd::Last => time_ns,
            RunEnd::First => !time_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use arrow::datatypes::DataType;

    fn settled(rows: RunRows) -> Option<Settled> {
        let fields = [("f".into(), DataType::Float64), ("g".into(), DataType::Int64)];
        Settled::of(&RunSieve::new(rows, &fields).unwrap())
    }

    fn values_at(fields: &[(&str, RunEnd)]) -> RunRows {
        RunRows::WithValue(fields.iter().map(|(name, end)| ((*name).into(), *end)).collect())
    }

    /// Rows of one series at these times, with values of `f` and `g`.
    fn rows(key: &str, times_ns: &[i64], f: &[Option<f64>], g: &[Option<i64>]) -> SortedRows {
        let fields: [ArrayRef; 2] =
            [Arc::new(Float64Array::from(f.to_vec())), Arc::new(Int64Array::from(g.to_vec()))];
        let runs = vec![SeriesRun { key: key.into(), end_row: u32::try_from(times_ns.len()).unwrap() }];
        SortedRows { runs, times_ns: times_ns.to_vec().into(), fields: fields.into() }
    }

    /// Whether nothing is read of a series at these times.
    fn is_spared(settled: &Settled, key: &str, start_ns: i64, end_ns: i64) -> bool {
        let mut keep = [true];
        settled.let_go(
            &mut keep,
            &[SeriesRun { key: key.into(), end_row: 1 }],
            TimeRange::new(start_ns, end_ns),
        );
        keep == [false]
    }

    #[test]
    fn a_series_is_settled_by_a_row_that_lies_farther_out() {
        let last = settled(RunRows::Outer(RunEnd::Last, 2)).unwrap();
        last.note(&rows("a", &[70, 80, 90], &[None; 3], &[None; 3]));
        assert!(is_spared(&last, "a", 0, 80), "80 and 90 are two rows");
        assert!(!is_spared(&last, "a", 0, 81), "another row at 80 may be in it");
        assert!(!is_spared(&last, "b", 0, 10));
        let first = settled(RunRows::Outer(RunEnd::First, 1)).unwrap();
        first.note(&rows("a", &[70, 80], &[None; 2], &[None; 2]));
        assert!(is_spared(&first, "a", 71, 90));
        assert!(!is_spared(&first, "a", 70, 90));
    }

    #[test]
    fn every_field_must_have_been_found() {
        let last = settled(values_at(&[("f", RunEnd::Last), ("g", RunEnd::Last)])).unwrap();
        last.note(&rows("a", &[80, 90], &[Some(1.0), None], &[None, None]));
        assert!(!is_spared(&last, "a", 0, 10), "g was not found");
        last.note(&rows("a", &[40, 50], &[Some(1.0), None], &[None, Some(1)]));
        assert!(is_spared(&last, "a", 0, 50), "f at 80, g at 50");
        assert!(!is_spared(&last, "a", 0, 60));
    }

    #[test]
    fn fewer_rows_than_are_wanted_settle_nothing() {
        let last = settled(RunRows::Outer(RunEnd::Last, 3)).unwrap();
        last.note(&rows("a", &[80, 90], &[None; 2], &[None; 2]));
        assert!(!is_spared(&last, "a", 0, 10));
    }

    #[test]
    fn rows_from_both_ends_are_not_kept_track_of() {
        assert!(settled(values_at(&[("f", RunEnd::Last), ("g", RunEnd::First)])).is_none());
        assert!(settled(values_at(&[])).is_none());
    }
}
