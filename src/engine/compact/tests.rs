//! Plans of compaction from made-up entries, and compaction of an engine.

use super::plan::{Job, Rules, plan};
use crate::engine::window_width::WindowWidth;
use crate::model::extent::overlap_groups;
use crate::model::file::FileMeta;
use crate::model::ids::{Sequence, TableId};
use crate::model::time::{DAY_NS, HOUR_NS, TimeRange};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const MB: u64 = 1 << 20;

const RULES: Rules = Rules {
    now_ns: 1_000 * DAY_NS,
    quiet_ns: HOUR_NS,
    file_bytes: 128 * MB,
    width: WindowWidth { min_ns: DAY_NS, max_ns: i64::MAX },
};

/// A file of days, written with others of `sequence`, at rest or not.
pub(super) fn file(
    days: std::ops::Range<i64>,
    sequence: u64,
    size_bytes: u64,
    at_rest: bool,
) -> Arc<FileMeta> {
    series_file(days, ("a", "z"), sequence, size_bytes, at_rest)
}

fn series_file(
    days: std::ops::Range<i64>,
    series: (&str, &str),
    sequence: u64,
    size_bytes: u64,
    at_rest: bool,
) -> Arc<FileMeta> {
    let window = TimeRange::new(days.start * DAY_NS, days.end * DAY_NS);
    Arc::new(FileMeta {
        end: None,
        path: format!("{sequence}/{}-{}-{}", days.start, days.end, series.0).into(),
        table: TableId(1),
        window,
        time_range: window,
        series_min: series.0.into(),
        series_max: series.1.into(),
        series_count: 1,
        row_count: 1,
        size_bytes,
        sequence_min: Sequence(sequence),
        sequence_max: Sequence(sequence),
        level: 0,
        created_ns: if at_rest { 0 } else { RULES.now_ns },
        purged: Vec::new(),
        columns: Vec::new(),
        tag_values: Default::default(),
    })
}

fn sequences(job: &Job) -> Vec<u64> {
    job.inputs.iter().map(|file| file.sequence_max.0).collect()
}

#[test]
fn what_is_compact_is_left_alone() {
    let large = |day| file(day..day + 1, 1, 100 * MB, true);
    assert_eq!(plan(&[large(0), large(1), large(5)], &[], &RULES), []);
    let halves =
        [series_file(0..1, ("a", "m"), 1, 100 * MB, true), series_file(0..1, ("n", "z"), 1, 100 * MB, true)];
    assert_eq!(plan(&halves, &[], &RULES), []);
    assert_eq!(plan(&[file(0..1, 1, MB, true)], &[], &RULES), []);
}

#[test]
fn files_of_similar_sizes_are_merged_while_more_come() {
    let files = |sizes: &[u64]| -> Vec<_> {
        sizes.iter().zip(1..).map(|(size, sequence)| file(0..1, sequence, size * MB, false)).collect()
    };
    assert_eq!(plan(&files(&[1, 1, 1]), &[], &RULES), []);
    let jobs = plan(&files(&[90, 1, 1, 1, 1]), &[], &RULES);
    assert_eq!(jobs.iter().map(sequences).collect::<Vec<_>>(), [[2, 3, 4, 5]], "the large one is left alone");
    assert_eq!(jobs[0].level, 1);
    let jobs = plan(&files(&[8, 4, 1, 1]), &[], &RULES);
    assert_eq!(jobs.iter().map(sequences).collect::<Vec<_>>(), [[1, 2, 3, 4]]);
}

#[test]
fn overlapping_files_at_rest_are_merged_all() {
    let jobs = plan(&[file(0..1, 1, 90 * MB, true), file(0..1, 2, MB, true)], &[], &RULES);
    assert_eq!(jobs.iter().map(sequences).collect::<Vec<_>>(), [[1, 2]]);
    assert_eq!(jobs[0].windows, [TimeRange::new(0, DAY_NS)]);
}

#[test]
fn a_long_file_of_late_rows_is_cut_where_the_large_ones_meet() {
    let mut files: Vec<_> = (0..10).map(|day| file(day..day + 1, 1, 100 * MB, true)).collect();
    files.push(file(2..5, 2, MB, true));
    let jobs = plan(&files, &[], &RULES);
    assert_eq!(jobs.iter().map(sequences).collect::<Vec<_>>(), [[2]]);
    let days = |window: &TimeRange| (window.start_ns / DAY_NS, window.end_ns / DAY_NS);
    assert_eq!(jobs[0].windows.iter().map(days).collect::<Vec<_>>(), [(2, 3), (3, 4), (4, 5)]);
}

#[test]
fn small_neighbours_are_joined_up_to_the_size_of_a_file() {
    let files: Vec<_> = (0..30).map(|day| file(day..day + 1, day as u64, 10 * MB, true)).collect();
    let jobs = plan(&files, &[], &RULES);
    let days: Vec<_> = jobs.iter().map(|job| (job.windows.len(), job.inputs.len(), job.level)).collect();
    assert_eq!(days, [(1, 12, 2), (1, 12, 2), (1, 6, 2)]);
    let narrow = Rules { width: WindowWidth { max_ns: 5 * DAY_NS, ..RULES.width }, ..RULES };
    assert!(plan(&files, &[], &narrow).iter().all(|job| job.inputs.len() == 5));
    let moving: Vec<_> = (0..30).map(|day| file(day..day + 1, day as u64, 10 * MB, false)).collect();
    assert_eq!(plan(&moving, &[], &RULES), []);
}

/// Rounds of planning and doing, with entries instead of files.
fn settle(mut files: Vec<Arc<FileMeta>>, rules: &Rules) -> Vec<Arc<FileMeta>> {
    for round in 0.. {
        let jobs = plan(&files, &[], rules);
        if jobs.is_empty() {
            break;
        }
        assert!(round < 200, "it comes to no end: {files:#?}");
        let mut seen = BTreeSet::new();
        for (number, job) in jobs.iter().enumerate() {
            assert!(job.inputs.iter().all(|file| seen.insert(file.path.clone())), "a file is in two jobs");
            assert_neighbours(job, &files);
            files.retain(|file| !job.inputs.contains(file));
            let bytes: u64 = job.inputs.iter().map(|file| file.size_bytes).sum();
            for (at, window) in job.windows.iter().enumerate() {
                let inside =
                    job.inputs.iter().map(|file| file.time_range.intersect(window)).filter(|t| !t.is_empty());
                let Some(times) = inside.reduce(|a, b| a.hull(&b)) else {
                    continue;
                };
                files.push(Arc::new(FileMeta {
                    path: format!("round {round} job {number} window {at}").into(),
                    window: *window,
                    time_range: times,
                    size_bytes: bytes / job.windows.len() as u64 + 1,
                    sequence_min: job.inputs.iter().map(|file| file.sequence_min).min().unwrap(),
                    sequence_max: job.inputs.iter().map(|file| file.sequence_max).max().unwrap(),
                    level: job.level,
                    created_ns: job.inputs.iter().map(|file| file.created_ns).max().unwrap(),
                    ..FileMeta::clone(&job.inputs[0])
                }));
            }
        }
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

proptest! {
    #[test]
    fn files_at_rest_come_to_overlap_nowhere(
        flushes in prop::collection::vec(prop::collection::btree_map(0..12_i64, (1..4_i64, 1..80_u64), 1..4), 1..12),
    ) {
        let mut files = Vec::new();
        for (flush, sequence) in flushes.iter().zip(1..) {
            let mut free_from = i64::MIN;
            for (day, (width, size)) in flush {
                let start = (*day).max(free_from);
                free_from = start + width;
                files.push(file(start..free_from, sequence, size * MB, true));
            }
        }
        let settled = settle(files, &RULES);
        let groups = overlap_groups(settled, |file| file.extent());
        prop_assert!(groups.iter().all(|group| group.len() == 1), "{groups:#?}");
    }
}
