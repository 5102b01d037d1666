//! Executing units: sources to sorted rows to record batches.

use super::columns::Projection;
use super::filter::ScanFilter;
use super::layout::{FileSource, SeriesRange, Source, Unit};
use super::limits::ReadLimits;
use super::metrics::ScanCounters;
use super::rows::{EndsToRead, RowFilter, RunSieve, at_ends};
use super::settled::Settled;
use crate::buffer::Chunk;
use crate::merge::{Merge, SeriesRun, SortedRows, Step};
use crate::model::ids::TableId;
use crate::model::limits::BATCH_ROWS;
use crate::model::time::TimeRange;
use crate::model::tombstone::{Tombstone, concerning, deleted_times};
use crate::parquet_file::{FileError, ParquetFile};
use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use futures::stream::{BoxStream, try_unfold};
use futures::{StreamExt, TryStreamExt};
use std::ops::Range;
use std::sync::Arc;

/// What all units of a scan share.
#[derive(Clone, Debug)]
pub(super) struct ScanPlan {
    pub(super) projection: Projection,
    pub(super) filter: ScanFilter,
    /// What the rows that were merged must meet.
    pub(super) of_rows: Option<RowFilter>,
    /// The rows of each run that are needed, where not all are.
    pub(super) run_rows: Option<RunSieve>,
    /// The series of which no more rows are needed, where that is kept track of.
    pub(super) settled: Option<Arc<Settled>>,
    /// What is deleted from files.
    pub(super) tombstones: Arc<Vec<Arc<Tombstone>>>,
    pub(super) counters: ScanCounters,
    /// Units whose first rows are fetched at the same time.
    pub(super) units_ahead: usize,
}

/// How much the query may read.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) table: TableId,
    pub(super) limits: Option<Arc<ReadLimits>>,
}

impl Bound {
    fn count(&self, rows: &SortedRows) -> Result<()> {
        self.limits.as_ref().map_or(Ok(()), |limits| limits.count(self.table, rows))
    }
}

/// What is read of a row group.
enum Part {
    /// These rows, which nothing overlaps with.
    Rows(Range<usize>),
    /// The rows of these series, to be merged with those of other sources.
    Merged(SeriesRange),
}

type Rows = BoxStream<'static, Result<SortedRows>>;

impl ScanPlan {
    /// The batches of `units`, one unit after the other.
    pub(super) fn batches(
        self: Arc<Self>,
        units: Vec<Unit>,
        bound: Bound,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let (plan, ahead) = (self.clone(), self.units_ahead);
        let begun = futures::stream::iter(units).map(move |unit| begin(plan.clone().unit(unit)));
        let rows = begun.buffered(ahead).flatten();
        let batches = rows.map(move |rows| {
            let rows = rows?;
            bound.count(&rows)?;
            self.batch(rows)
        });
        batches.try_filter(|batch| std::future::ready(batch.num_rows() > 0)).boxed()
    }

    /// The columns of the rows that are needed of these.
    fn batch(&self, rows: SortedRows) -> Result<RecordBatch> {
        let rows = match &self.of_rows {
            Some(filter) => filter.sieve(rows)?,
            None => rows,
        };
        let rows = match &self.run_rows {
            Some(run_rows) => run_rows.sieve(rows)?,
            None => rows,
        };
        if let Some(settled) = &self.settled {
            settled.note(&rows);
        }
        Ok(self.projection.batch(&rows)?)
    }

    fn unit(self: Arc<Self>, unit: Unit) -> Rows {
        match unit {
            Unit::Chunk(chunk) => self.chunk(chunk, &SeriesRange::default()),
            Unit::RowGroup(file, group, rows) => self.row_group(file, group, Part::Rows(rows)),
            Unit::Merge(sources, range) => self.merge(sources, &range),
        }
    }

    /// The matching rows of a chunk.
    fn chunk(self: Arc<Self>, chunk: Arc<Chunk>, range: &SeriesRange) -> Rows {
        let select = || -> Result<(SortedRows, Vec<Range<usize>>)> {
            let names: Vec<&str> = self.projection.fields.iter().map(|(name, _)| name.as_ref()).collect();
            let keep = self.matching(&chunk.rows().runs, range, chunk.time_range())?;
            let rows = chunk.project(&names, &self.projection.field_types());
            let selected = rows.select(self.filter.times, |run| keep[run]);
            Ok((rows, selected))
        };
        let (rows, selected) = match select() {
            Ok(selected) => selected,
            Err(error) => return futures::stream::once(std::future::ready(Err(error))).boxed(),
        };
        let batches = batches_of(selected);
        futures::stream::iter(batches).map(move |ranges| Ok(rows.gather(&ranges)?)).boxed()
    }

    /// The matching rows of a part of a row group.
    fn row_group(self: Arc<Self>, file: Arc<ParquetFile>, group: usize, part: Part) -> Rows {
        let (among, range, is_merged) = match part {
            Part::Rows(rows) => (rows, SeriesRange::default(), false),
            Part::Merged(range) => (0..file.row_group_row_count(group), range, true),
        };
        let open = async move {
            let series = file.series(group).await.map_err(file_error)?;
            let times = file.time_bounds(group).unwrap_or(file.meta().time_range);
            let mut keep = self.matching(&series, &range, times)?;
            let tombstones = concerning(&self.tombstones, file.meta());
            drop_deleted(&mut keep, &series, &tombstones, file.meta().time_range);
            let ends = if keep.contains(&true) {
                self.ends_to_read(&file, group, &tombstones, is_merged)
            } else {
                None
            };
            let selected = match ends {
                Some(ends) => {
                    ranges_of(&series, &keep, |number, run| at_ends(run, ends.of_run(number, series.len())))
                }
                None => ranges_of(&series, &keep, |_, run| [run, 0..0]),
            };
            let selected = file.rows_near(group, selected, self.filter.times);
            if among.start == 0 {
                self.counters.row_group(&file, selected.iter().map(Range::len).sum());
            }
            let selected = clipped(selected, &among);
            if selected.is_empty() {
                return Ok(futures::stream::empty().boxed());
            }
            let fields = self.projection.fields.clone();
            let rows = file.rows(group, series, selected, self.filter.times, fields).map_err(file_error)?;
            let counters = self.counters.clone();
            let rows = rows.inspect(move |_| counters.bytes(&file)).map_err(file_error);
            if tombstones.is_empty() {
                return Ok::<Rows, DataFusionError>(rows.boxed());
            }
            let left = rows.map(move |rows| -> Result<SortedRows> {
                Ok(rows?.without(|key| deleted_times(&tombstones, key))?)
            });
            Ok(left.try_filter(|rows| std::future::ready(rows.row_count() > 0)).boxed())
        };
        futures::stream::once(open).try_flatten().boxed()
    }

    /// Which rows at either end of each run need be read of a row group. All, where not every row counts; then which do is
    /// known too late.
    fn ends_to_read(
        &self,
        file: &ParquetFile,
        group: usize,
        tombstones: &[Arc<Tombstone>],
        is_merged: bool,
    ) -> Option<EndsToRead> {
        let counts_all = self.filter.times.covers(&file.meta().time_range)
            && self.of_rows.is_none()
            && tombstones.is_empty();
        self.run_rows.as_ref().filter(|_| counts_all)?.to_read(file, group, is_merged)
    }

    /// The matching rows of several sources, without duplicates.
    fn merge(self: Arc<Self>, sources: Vec<Source>, range: &SeriesRange) -> Rows {
        let types = self.projection.field_types();
        let streams: Vec<Rows> =
            sources.into_iter().map(|source| self.clone().source(source, range)).collect();
        let merge = Merge::new(types, streams.len(), BATCH_ROWS);
        try_unfold((merge, streams), |(mut merge, mut streams)| async move {
            loop {
                match merge.step()? {
                    Step::Rows(rows) => return Ok(Some((rows, (merge, streams)))),
                    Step::Done => return Ok(None),
                    Step::Need(source) => match streams[source].try_next().await? {
                        Some(rows) => merge.push(source, rows),
                        None => merge.finish(source),
                    },
                }
            }
        })
        .boxed()
    }

    fn source(self: Arc<Self>, source: Source, range: &SeriesRange) -> Rows {
        match source {
            Source::Chunk(chunk, _) => self.chunk(chunk, range),
            Source::File(FileSource { file, row_groups, .. }) => {
                let (plan, range) = (self, range.clone());
                let inside = |group: &usize| {
                    file.series_bounds(*group).is_none_or(|(min, max)| range.may_contain(min, max))
                };
                let groups: Vec<usize> = row_groups.iter().copied().filter(inside).collect();
                let group =
                    move |group| plan.clone().row_group(file.clone(), group, Part::Merged(range.clone()));
                futures::stream::iter(groups).flat_map(group).boxed()
            }
        }
    }

    /// Per run, whether its series lies in `range` and matches, and its rows, which are at `times`, are still needed.
    fn matching(&self, runs: &[SeriesRun], range: &SeriesRange, times: TimeRange) -> Result<Vec<bool>> {
        let mut keep = self.filter.matches(runs)?;
        if let Some(settled) = &self.settled {
            settled.let_go(&mut keep, runs, times);
        }
        if *range != SeriesRange::default() {
            for (keep, run) in keep.iter_mut().zip(runs) {
                *keep &= range.contains(&run.key);
            }
        }
        Ok(keep)
    }
}

/// Fetches the first rows of a unit.
async fn begin(rows: Rows) -> Rows {
    let mut rows = rows.peekable();
    std::pin::Pin::new(&mut rows).peek().await;
    rows.boxed()
}

/// Lets go of series that are deleted at all `times`, before anything of them is read.
fn drop_deleted(keep: &mut [bool], runs: &[SeriesRun], tombstones: &[Arc<Tombstone>], times: TimeRange) {
    for tombstone in tombstones.iter().filter(|tombstone| tombstone.times.covers(&times)) {
        for (keep, run) in keep.iter_mut().zip(runs) {
            *keep &= !tombstone.series.matches(&run.key);
        }
    }
}

/// Of the runs that `keep` accepts the rows that `parts` takes of each, by its number and rows: they ascend and may be empty. Ranges
/// that touch are joined.
fn ranges_of(
    runs: &[SeriesRun],
    keep: &[bool],
    parts: impl Fn(usize, Range<usize>) -> [Range<usize>; 2],
) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (number, (run, keep)) in runs.iter().zip(keep).enumerate() {
        let end = run.end_row as usize;
        let taken = if *keep { parts(number, start..end) } else { [0..0, 0..0] };
        for rows in taken.into_iter().filter(|rows| !rows.is_empty()) {
            match ranges.last_mut() {
                Some(last) if last.end == rows.start => last.end = rows.end,
                _ => ranges.push(rows),
            }
        }
        start = end;
    }
    ranges
}

/// What ascending ranges have of `among`.
fn clipped(ranges: Vec<Range<usize>>, among: &Range<usize>) -> Vec<Range<usize>> {
    let inside = ranges.into_iter().map(|range| range.start.max(among.start)..range.end.min(among.end));
    inside.filter(|range| !range.is_empty()).collect()
}

/// Cuts ranges into groups of about [`BATCH_ROWS`] rows.
fn batches_of(ranges: Vec<Range<usize>>) -> Vec<Vec<Range<usize>>> {
    let mut batches: Vec<Vec<Range<usize>>> = Vec::new();
    let mut room = 0;
    for mut range in ranges {
        while !range.is_empty() {
            if room == 0 {
                batches.push(Vec::new());
                room = BATCH_ROWS;
            }
            let taken = range.len().min(room);
            let head = range.start..range.start + taken;
            if let Some(batch) = batches.last_mut() {
                batch.push(head);
            }
            range.start += taken;
            room -= taken;
        }
    }
    batches
}

fn file_error(error: FileError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
