//! From chunks and files to units of work, and from units to partitions.

use super::filter::ScanFilter;
use super::rows::RunEnd;
use crate::buffer::Chunk;
use crate::merge::SeriesRun;
use crate::model::extent::{Extent, overlap_groups};
use crate::model::ids::Sequence;
use crate::model::limits::ROW_GROUP_ROWS;
use crate::model::time::TimeRange;
use crate::parquet_file::ParquetFile;
use datafusion::common::Result;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Rows below which a scan is not split over partitions: handing batches between threads costs more.
pub(super) const PARTITION_ROWS_MIN: usize = 65_536;

/// Units for each partition below which large row groups are dealt out in slices.
const UNITS_PER_PARTITION_MIN: usize = 8;

/// Of so many rows a predicate over tags is expected to leave one, when nothing is known of it.
pub(super) const SELECTED_ONE_IN: usize = 16;

/// Where rows come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A chunk, and its number in the view, where chunks stand from old to new.
    Chunk(Arc<Chunk>, usize),
    File(FileSource),
}

/// Row groups of a file.
#[derive(Clone, Debug)]
pub(super) struct FileSource {
    pub(super) file: Arc<ParquetFile>,
    /// Those that may hold matching rows, ascending.
    pub(super) row_groups: Arc<[usize]>,
    /// Their rows.
    row_count: usize,
    /// About how many of those match.
    rows_expected: usize,
}

impl FileSource {
    /// Of those `row_groups` of `file` that may match what its footer does not rule out.
    pub(super) fn new(file: ParquetFile, mut row_groups: Vec<usize>, filter: &ScanFilter) -> Result<Self> {
        let mut of_one_series = HashSet::new();
        if !filter.takes_all_series() {
            let single = row_groups.iter().filter_map(|group| Some((*group, only_series(&file, *group)?)));
            let (groups, runs): (Vec<usize>, Vec<SeriesRun>) = single.unzip();
            let matches: HashMap<usize, bool> = groups.into_iter().zip(filter.matches(&runs)?).collect();
            row_groups.retain(|group| matches.get(group) != Some(&false));
            of_one_series = matches.into_keys().collect();
        }
        let is_exact = |group: &usize| filter.takes_all_series() || of_one_series.contains(group);
        let (exact, others): (Vec<usize>, Vec<usize>) = row_groups.iter().copied().partition(is_exact);
        let exact: usize = exact.into_iter().map(|group| file.row_count_near(group, filter.times)).sum();
        let within = |group: usize| {
            let own = file.time_bounds(group).unwrap_or(file.meta().time_range);
            share_within(file.row_group_row_count(group), &own, &filter.times)
        };
        let others_max: usize = others.into_iter().map(within).sum();
        let rows_expected = filter.rows_expected(file.meta()).clamp(exact, exact + others_max);
        let row_count = row_groups.iter().map(|group| file.row_group_row_count(*group)).sum();
        Ok(Self { row_groups: row_groups.into(), row_count, rows_expected, file: Arc::new(file) })
    }
}

/// The series of a row group that has just one, where its footer tells.
fn only_series(file: &ParquetFile, group: usize) -> Option<SeriesRun> {
    let (first, last) = file.series_ends(group)?;
    (first == last).then(|| SeriesRun { key: first.into(), end_row: 1 })
}

/// About how many of `row_count` rows at `own` times lie within `times`, as if they lay evenly.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
pub(super) fn share_within(row_count: usize, own: &TimeRange, times: &TimeRange) -> usize {
    let inside = own.intersect(times);
    if inside.is_empty() {
        return 0;
    }
    let length = |range: &TimeRange| range.end_ns as f64 - range.start_ns as f64;
    (row_count as f64 * (length(&inside) / length(own))) as usize
}

impl Source {
    fn extent(&self) -> Extent<'_> {
        match self {
            Self::Chunk(chunk, _) => {
                let runs = &chunk.rows().runs;
                let series =
                    (runs.first().map_or("", |run| &*run.key), runs.last().map_or("", |run| &*run.key));
                Extent { times: chunk.time_range(), series }
            }
            Self::File(source) => source.file.meta().extent(),
        }
    }

    /// Of two sources the one with the greater age wins: chunks over files, then by sequence. The parts of one write have one
    /// sequence and may lie in several chunks: of those the later one wins, as it does in a flush.
    fn age(&self) -> (bool, Sequence, usize) {
        match self {
            Self::Chunk(chunk, number) => (true, chunk.sequence_max, *number),
            Self::File(source) => (false, source.file.meta().sequence_max, 0),
        }
    }

    /// About how many of its rows match.
    pub(super) fn rows_expected(&self, filter: &ScanFilter) -> usize {
        match self {
            Self::Chunk(chunk, _) => {
                let rows = share_within(chunk.rows().row_count(), &chunk.time_range(), &filter.times);
                if filter.takes_all_series() { rows } else { rows / SELECTED_ONE_IN }
            }
            Self::File(source) => source.rows_expected,
        }
    }

    pub(super) fn row_count(&self) -> usize {
        match self {
            Self::Chunk(chunk, _) => chunk.rows().row_count(),
            Self::File(source) => source.row_count,
        }
    }
}

/// Series keys `start <= key < end`; unbounded where `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SeriesRange {
    pub(super) start: Option<Arc<str>>,
    pub(super) end: Option<Arc<str>>,
}

impl SeriesRange {
    pub(super) fn contains(&self, key: &str) -> bool {
        self.start.as_deref().is_none_or(|start| start <= key)
            && self.end.as_deref().is_none_or(|end| key < end)
    }

    /// Whether some key from `min` to `max` may lie inside.
    pub(super) fn may_contain(&self, min: &str, max: &str) -> bool {
        self.start.as_deref().is_none_or(|start| start <= max)
            && self.end.as_deref().is_none_or(|end| min < end)
    }
}

/// Work that one partition does in one go.
#[derive(Clone, Debug)]
pub(super) enum Unit {
    /// These rows of a row group of a file that overlaps with nothing.
    RowGroup(Arc<ParquetFile>, usize, Range<usize>),
    /// A chunk that overlaps with nothing.
    Chunk(Arc<Chunk>),
    /// Sources that overlap, from old to new, within a range of series.
    Merge(Vec<Source>, SeriesRange),
}

impl Unit {
    /// The same in parts of about [`ROW_GROUP_ROWS`] rows, each with its rows, where that can be had.
    fn slices(self, weight: usize) -> Vec<(usize, Self)> {
        let Self::RowGroup(file, group, rows) = self else { return vec![(weight, self)] };
        let starts = rows.clone().step_by(ROW_GROUP_ROWS);
        let slices = starts.map(|start| start..rows.end.min(start + ROW_GROUP_ROWS));
        slices.map(|rows| (rows.len(), Self::RowGroup(file.clone(), group, rows))).collect()
    }

    /// The times within which its rows lie.
    fn times(&self) -> TimeRange {
        match self {
            Self::RowGroup(file, group, _) => file.time_bounds(*group).unwrap_or(file.meta().time_range),
            Self::Chunk(chunk) => chunk.time_range(),
            Self::Merge(sources, _) => {
                let times = sources.iter().map(|source| source.extent().times);
                times.reduce(|all, times| all.hull(&times)).unwrap_or(TimeRange::ALL)
            }
        }
    }
}

/// The units of every partition. At least one partition, maybe without units. With `from` those come first that lie farthest at
/// this end of time.
pub(super) fn partitions(
    sources: Vec<Source>,
    filter: &ScanFilter,
    from: Option<RunEnd>,
    partitions_max: usize,
) -> Vec<Vec<Unit>> {
    let rows_expected: usize = sources.iter().map(|source| source.rows_expected(filter)).sum();
    let partition_count = (rows_expected / PARTITION_ROWS_MIN).clamp(1, partitions_max.max(1));
    let mut weighted: Vec<(usize, Unit)> = overlap_groups(sources, Source::extent)
        .into_iter()
        .flat_map(|cluster| units(cluster, partition_count))
        .collect();
    match from {
        Some(RunEnd::First) => weighted.sort_by_cached_key(|(_, unit)| unit.times().start_ns),
        Some(RunEnd::Last) => weighted.sort_by_cached_key(|(_, unit)| Reverse(unit.times().end_ns)),
        None => {}
    }
    if partition_count == 1 {
        return vec![weighted.into_iter().map(|(_, unit)| unit).collect()];
    }
    // Heavy units first, each to the partition with the least work.
    if from.is_none() {
        if weighted.len() < partition_count * UNITS_PER_PARTITION_MIN {
            weighted = weighted.into_iter().flat_map(|(weight, unit)| unit.slices(weight)).collect();
        }
        weighted.sort_by_key(|(weight, _)| Reverse(*weight));
    }
    let mut out: Vec<(usize, Vec<Unit>)> = vec![(0, Vec::new()); partition_count];
    for (weight, unit) in weighted {
        if let Some((load, units)) = out.iter_mut().min_by_key(|(load, _)| *load) {
            *load += weight;
            units.push(unit);
        }
    }
    out.into_iter().map(|(_, units)| units).collect()
}

/// The units of one cluster with their rows.
fn units(mut cluster: Vec<Source>, split_max: usize) -> Vec<(usize, Unit)> {
    if cluster.len() == 1 {
        return match cluster.remove(0) {
            Source::Chunk(chunk, _) => vec![(chunk.rows().row_count(), Unit::Chunk(chunk))],
            Source::File(FileSource { file, row_groups, .. }) => (row_groups.iter())
                .map(|group| {
                    let row_count = file.row_group_row_count(*group);
                    (row_count, Unit::RowGroup(file.clone(), *group, 0..row_count))
                })
                .collect(),
        };
    }
    cluster.sort_by_key(Source::age);
    let row_count: usize = cluster.iter().map(Source::row_count).sum();
    let ranges = series_ranges(&cluster, split_max);
    let share = row_count / ranges.len();
    ranges.into_iter().map(|range| (share, Unit::Merge(cluster.clone(), range))).collect()
}

/// Cuts the series of a cluster into up to `split_max` ranges of about as many rows, by the largest source.
fn series_ranges(cluster: &[Source], split_max: usize) -> Vec<SeriesRange> {
    let largest = cluster.iter().max_by_key(|s| s.row_count());
    let row_count = largest.map_or(0, Source::row_count);
    let split = split_max.min(row_count / PARTITION_ROWS_MIN + 1).max(1);
    let cut = |n: usize| -> Option<Arc<str>> {
        let row = row_count / split * n;
        match largest? {
            Source::Chunk(chunk, _) => {
                let runs = &chunk.rows().runs;
                runs.get(runs.partition_point(|r| r.end_row as usize <= row)).map(|r| r.key.clone())
            }
            Source::File(FileSource { file, row_groups, .. }) => {
                let group = row_groups.get((row_groups.len() * n).div_ceil(split))?;
                file.series_bounds(*group).map(|(min, _)| min.into())
            }
        }
    };
    let mut cuts: Vec<Arc<str>> = (1..split).filter_map(cut).collect();
    cuts.dedup();
    let starts = std::iter::once(None).chain(cuts.iter().cloned().map(Some));
    let ends = cuts.iter().cloned().map(Some).chain([None]);
    starts.zip(ends).map(|(start, end)| SeriesRange { start, end }).collect()
}

#[cfg(test)]
mod tests;
