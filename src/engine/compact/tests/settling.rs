//! What comes of jobs that are done one after the other, with entries instead of files.

use super::{MB, RULES, SERIES, file, key, series_file, side_by_side};
use crate::engine::compact::plan::{Job, Rules, plan};
use crate::model::extent::overlap_groups;
use crate::model::file::FileMeta;
use crate::model::time::{DAY_NS, TimeRange};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// More rounds than any files need.
const ROUNDS_MAX: usize = 200;

/// The files of a table.
struct Model {
    rules: Rules,
    files: Vec<Arc<FileMeta>>,
    written_count: usize,
    written_bytes: u64,
}

impl Model {
    fn new(files: Vec<Arc<FileMeta>>) -> Self {
        Self { rules: RULES, files, written_count: 0, written_bytes: 0 }
    }

    /// Plans jobs and does them until none is due; tells how many rounds that took.
    fn settle(&mut self) -> usize {
        for round in 0..ROUNDS_MAX {
            let jobs = plan(&self.files, &[], &self.rules);
            if jobs.is_empty() {
                return round;
            }
            let mut seen = BTreeSet::new();
            for job in &jobs {
                let is_new = job.inputs.iter().all(|file| seen.insert(file.path.clone()));
                assert!(is_new, "a file is in two jobs");
                assert_neighbours(job, &self.files);
            }
            for job in &jobs {
                self.do_job(job);
            }
        }
        panic!("it comes to no end: {:#?}", self.files);
    }

    fn do_job(&mut self, job: &Job) {
        self.files.retain(|file| !job.inputs.contains(file));
        for window in &job.windows {
            let inside: Vec<&Arc<FileMeta>> =
                job.inputs.iter().filter(|file| file.time_range.overlaps(window)).collect();
            let times = inside.iter().map(|file| file.time_range.intersect(window));
            let Some(times) = times.reduce(|a, b| a.hull(&b)) else { continue };
            let start = inside.iter().map(|file| number(&file.series_min)).min().unwrap();
            let end = inside.iter().map(|file| number(&file.series_max)).max().unwrap() + 1;
            let bytes = inside.iter().map(|file| bytes_within(file, window)).sum::<u64>().max(1);
            for (series, size_bytes) in cut(start..end, bytes, self.rules.file_bytes) {
                self.written_count += 1;
                self.written_bytes += size_bytes;
                self.files.push(Arc::new(FileMeta {
                    path: format!("written/{}", self.written_count).into(),
                    window: *window,
                    time_range: times,
                    series_min: key(series.start),
                    series_max: key(series.end - 1),
                    size_bytes,
                    sequence_min: job.inputs.iter().map(|file| file.sequence_min).min().unwrap(),
                    sequence_max: job.inputs.iter().map(|file| file.sequence_max).max().unwrap(),
                    level: job.level,
                    created_ns: job.inputs.iter().map(|file| file.created_ns).max().unwrap(),
                    ..FileMeta::clone(&job.inputs[0])
                }));
            }
        }
    }

    fn assert_settled(&self) {
        let groups = overlap_groups(self.files.clone(), |file| file.extent());
        assert!(groups.iter().all(|group| group.len() == 1), "{groups:#?}");
    }
}

fn number(series_key: &str) -> u64 {
    series_key.parse().unwrap()
}

/// Bytes of a file within a window, as if they lay evenly over its times.
fn bytes_within(file: &FileMeta, window: &TimeRange) -> u64 {
    let length = |range: &TimeRange| i128::from(range.end_ns) - i128::from(range.start_ns);
    let inside = length(&file.time_range.intersect(window));
    (i128::from(file.size_bytes) * inside / length(&file.time_range)) as u64
}

/// Cuts rows between series as `Output` does: each file takes as many as make `file_bytes`, the last one those that are left. As if the
/// bytes lay evenly over the series.
fn cut(series: Range<u64>, bytes: u64, file_bytes: u64) -> Vec<(Range<u64>, u64)> {
    let count = series.end - series.start;
    let step = (count * file_bytes / bytes).max(1);
    let mut files = Vec::new();
    let mut start = series.start;
    while start < series.end {
        let end = series.end.min(start + step);
        files.push((start..end, (bytes * (end - start) / count).max(1)));
        start = end;
    }
    files
}

/// The windows of a job cover its rows, and no other file that overlaps them is of an age between theirs.
fn assert_neighbours(job: &Job, files: &[Arc<FileMeta>]) {
    assert!(job.windows.windows(2).all(|w| w[0].end_ns <= w[1].start_ns), "{:?}", job.windows);
    for input in &job.inputs {
        let start_ns = job.windows.iter().map(|w| w.start_ns).min().unwrap();
        let end_ns = job.windows.iter().map(|w| w.end_ns).max().unwrap();
        assert!(TimeRange::new(start_ns, end_ns).covers(&input.time_range), "{job:?}");
    }
    let ages = || job.inputs.iter().map(|file| file.sequence_max);
    let (oldest, newest) = (ages().min().unwrap(), ages().max().unwrap());
    for other in files.iter().filter(|file| !job.inputs.contains(file)) {
        let between = oldest <= other.sequence_max && other.sequence_max <= newest;
        let overlapped = job.inputs.iter().any(|file| file.extent().overlaps(&other.extent()));
        assert!(
            !(between && overlapped && oldest < newest),
            "{other:?} is of an age between those of {job:?}"
        );
    }
}

#[test]
fn windows_of_many_files_settle() {
    for count in [2, 15, 16, 17, 40] {
        let mut model = Model::new(side_by_side(count, true));
        model.files.push(file(0..1, 2, MB, true));
        assert_eq!(model.settle(), 1);
        model.assert_settled();
        assert!(model.files.len() as u64 >= count, "{}", model.files.len());
        assert!(model.files.iter().all(|file| file.sequence_max.0 == 2));
    }
}

/// As it was found: the window was written anew for each few flushes, for the sake of its smallest file.
#[test]
fn bytes_are_written_few_times_however_many_flushes_a_window_has() {
    let (flushes, size_bytes) = (200, 8 * MB);
    let mut model = Model::new(Vec::new());
    for sequence in 1..=flushes {
        model.files.push(file(0..1, sequence, size_bytes, false));
        model.settle();
        let ages: BTreeSet<_> = model.files.iter().map(|file| file.sequence_max).collect();
        assert!(ages.len() <= 8, "{ages:?}");
    }
    assert!(model.files.len() > 10, "a window is to have many files here");
    let times = model.written_bytes / (flushes * size_bytes);
    assert!(times < 6, "each byte was written {times} times");
}

proptest! {
    #[test]
    fn files_at_rest_come_to_overlap_nowhere(
        flushes in prop::collection::vec(
            prop::collection::btree_map(0..12_i64, (1..4_i64, 1..80_u64, 0..10_u64, 1..11_u64), 1..4),
            1..12,
        ),
        file_mb in prop_oneof![Just(16_u64), Just(32), Just(128)],
        meanwhile in any::<bool>(),
    ) {
        let mut model = Model::new(Vec::new());
        model.rules.file_bytes = file_mb * MB;
        for (flush, sequence) in flushes.iter().zip(1..) {
            let mut free_from = i64::MIN;
            for (day, (width, size, first, tenths)) in flush {
                let start = (*day).max(free_from);
                free_from = start + width;
                let series = first * SERIES / 10..(first + tenths).min(10) * SERIES / 10;
                model.files.push(series_file(start..free_from, series, sequence, size * MB, false));
            }
            if meanwhile {
                model.settle();
            }
        }
        model.rules.now_ns += DAY_NS;
        model.settle();
        model.assert_settled();
    }
}
