//! The sources of a merge: files whose rows follow on each other are one, so that one of them is open at a time.
//!
//! ```text
//! series        a ──── h  i ──── p  q ──── z
//! age 7, day 1  ── 11 ──────▶ ── 12 ───────   a source: 11, then 12
//! age 7, day 2  ── 13 ── ──────▶ ── 14 ────   another, if both days are merged into one window
//! age 8, day 1  ── 15 ──▶ ── 16 ──▶ ── 17 ─   a source
//! ```
//!
//! A source's rows are sorted by (series, time), as a merge wants them: so files of one source have their series apart, and being apart
//! in time does not do. They are of one age, as a source is newer or older than another as a whole.
//!
//! In: the inputs of a job and how their rows are read. Out: rows. What they become is not known here.

use crate::engine::Engine;
use crate::engine::error::EngineError;
use crate::merge::SortedRows;
use crate::model::file::FileMeta;
use crate::model::time::TimeRange;
use crate::model::tombstone::{Tombstone, concerning, deleted_times};
use crate::parquet_file::ParquetFile;
use arrow::datatypes::DataType;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

type Rows = BoxStream<'static, Result<SortedRows, EngineError>>;

/// Stored names and types.
pub(super) type Fields = Arc<[(Arc<str>, DataType)]>;

/// How rows are read.
#[derive(Clone)]
pub(super) struct Reading<'a> {
    pub(super) engine: &'a Engine,
    /// What may be deleted.
    pub(super) tombstones: &'a [Arc<Tombstone>],
    /// Only rows within.
    pub(super) window: TimeRange,
    pub(super) fields: Fields,
}

/// Files whose rows follow on each other.
pub(super) struct Source<'a> {
    reading: Reading<'a>,
    /// Those whose turn has not come.
    files: std::vec::IntoIter<Arc<FileMeta>>,
    /// Of the file that is open.
    rows: Option<Rows>,
}

impl Source<'_> {
    /// The next rows; `None` after the last.
    pub(super) async fn next_rows(&mut self) -> Result<Option<SortedRows>, EngineError> {
        loop {
            if let Some(rows) = &mut self.rows {
                let next = rows.try_next().await?;
                if next.is_some() {
                    return Ok(next);
                }
                self.rows = None;
            }
            let Some(meta) = self.files.next() else { return Ok(None) };
            let Reading { engine, tombstones, window, fields } = &self.reading;
            let tombstones = concerning(tombstones, &meta);
            let file = Arc::new(engine.open_file(meta).await?);
            self.rows = Some(rows_of(file, *window, fields.clone(), tombstones));
        }
    }
}

/// The sources of the rows of `inputs`, both from old to new.
pub(super) fn sources_of<'a>(inputs: &[Arc<FileMeta>], reading: &Reading<'a>) -> Vec<Source<'a>> {
    let source =
        |files: Vec<Arc<FileMeta>>| Source { reading: reading.clone(), files: files.into_iter(), rows: None };
    chains(inputs, reading.window).into_iter().map(source).collect()
}

/// The files that have rows within `window`, in as few chains as can be.
fn chains(inputs: &[Arc<FileMeta>], window: TimeRange) -> Vec<Vec<Arc<FileMeta>>> {
    let mut chains: Vec<Vec<Arc<FileMeta>>> = Vec::new();
    for age in inputs.chunk_by(|a, b| a.sequence_max == b.sequence_max) {
        let mut files: Vec<&Arc<FileMeta>> =
            age.iter().filter(|file| file.time_range.overlaps(&window)).collect();
        files.sort_by(|a, b| a.series_min.cmp(&b.series_min));
        let older = chains.len();
        for file in files {
            let follows =
                |chain: &usize| chains[*chain].last().is_some_and(|last| last.series_max < file.series_min);
            match (older..chains.len()).find(follows) {
                Some(chain) => chains[chain].push(file.clone()),
                None => chains.push(vec![file.clone()]),
            }
        }
    }
    chains
}

/// The rows of a file within `window` that are not deleted.
fn rows_of(
    file: Arc<ParquetFile>,
    window: TimeRange,
    fields: Fields,
    tombstones: Vec<Arc<Tombstone>>,
) -> Rows {
    let (table, group_count) = (file.meta().table, file.row_group_count());
    let tombstones = Arc::new(tombstones);
    let wrong = move |source| EngineError::Rows { table: table.to_string(), source };
    let of_group = move |group: usize| {
        let (file, fields, tombstones) = (file.clone(), fields.clone(), tombstones.clone());
        let open = async move {
            let series = file.series(group).await?;
            let all = std::iter::once(0..file.row_group_row_count(group)).collect();
            let rows = file.rows(group, series, all, window, fields)?;
            Ok::<_, EngineError>(rows.map_err(EngineError::from).and_then(move |rows| {
                let left = rows.without(|series| deleted_times(&tombstones, series)).map_err(wrong);
                std::future::ready(left)
            }))
        };
        futures::stream::once(open).try_flatten()
    };
    futures::stream::iter(0..group_count).flat_map(of_group).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compact::tests::series_file;
    use crate::model::time::DAY_NS;

    /// The first series of each file, chain by chain.
    fn chains_of(files: &[Arc<FileMeta>], days: std::ops::Range<i64>) -> Vec<Vec<u64>> {
        let window = TimeRange::new(days.start * DAY_NS, days.end * DAY_NS);
        let first_series = |file: &Arc<FileMeta>| -> u64 { file.series_min.parse().unwrap() };
        chains(files, window).iter().map(|chain| chain.iter().map(first_series).collect()).collect()
    }

    #[test]
    fn files_of_one_age_with_series_apart_follow_on_each_other() {
        let files = [
            series_file(0..1, 20..30, 1, 1, true),
            series_file(0..1, 0..10, 1, 1, true),
            series_file(0..1, 10..20, 1, 1, true),
            series_file(0..1, 1..9, 2, 1, true),
            series_file(0..1, 9..10, 3, 1, true),
        ];
        assert_eq!(chains_of(&files, 0..1), [vec![0, 10, 20], vec![1], vec![9]], "ages stay apart");
    }

    #[test]
    fn files_that_are_only_apart_in_time_do_not() {
        let files = [
            series_file(0..1, 0..10, 1, 1, true),
            series_file(0..1, 10..20, 1, 1, true),
            series_file(1..2, 9..15, 1, 1, true),
            series_file(1..2, 15..20, 1, 1, true),
        ];
        assert_eq!(chains_of(&files, 0..2), [vec![0, 10], vec![9, 15]]);
        assert_eq!(chains_of(&files, 0..1), [vec![0, 10]], "others have nothing there");
        assert_eq!(chains_of(&files, 1..2), [vec![9, 15]]);
    }
}
