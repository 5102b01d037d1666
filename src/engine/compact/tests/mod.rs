//! Plans of compaction from made-up entries.

mod settling;

use super::plan::{Job, Rules, plan};
use crate::engine::window_width::WindowWidth;
use crate::model::file::FileMeta;
use crate::model::ids::{Sequence, TableId};
use crate::model::time::{DAY_NS, HOUR_NS, TimeRange};
use std::ops::Range;
use std::sync::Arc;

const MB: u64 = 1 << 20;

/// Series are numbers below this.
const SERIES: u64 = 1_000_000;

const RULES: Rules = Rules {
    now_ns: 1_000 * DAY_NS,
    quiet_ns: HOUR_NS,
    file_bytes: 128 * MB,
    width: WindowWidth { min_ns: DAY_NS, max_ns: i64::MAX },
};

/// A file of days, written with others of `sequence`, at rest or not.
pub(super) fn file(days: Range<i64>, sequence: u64, size_bytes: u64, at_rest: bool) -> Arc<FileMeta> {
    series_file(days, 0..SERIES, sequence, size_bytes, at_rest)
}

/// The same, of some series.
pub(super) fn series_file(
    days: Range<i64>,
    series: Range<u64>,
    sequence: u64,
    size_bytes: u64,
    at_rest: bool,
) -> Arc<FileMeta> {
    let window = TimeRange::new(days.start * DAY_NS, days.end * DAY_NS);
    Arc::new(FileMeta {
        end: None,
        path: format!("{sequence}/{}-{}-{}", days.start, days.end, key(series.start)).into(),
        table: TableId(1),
        window,
        time_range: window,
        series_min: key(series.start),
        series_max: key(series.end - 1),
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

fn key(series: u64) -> Arc<str> {
    format!("{series:06}").into()
}

/// Files as a window has them that is too large for one: of one age, with their series apart. The last is small.
fn side_by_side(count: u64, at_rest: bool) -> Vec<Arc<FileMeta>> {
    let width = SERIES / count;
    let size_bytes = |at: u64| if at + 1 < count { RULES.file_bytes } else { MB };
    (0..count).map(|at| series_file(0..1, at * width..(at + 1) * width, 1, size_bytes(at), at_rest)).collect()
}

fn sequences(job: &Job) -> Vec<u64> {
    job.inputs.iter().map(|file| file.sequence_max.0).collect()
}

#[test]
fn what_is_compact_is_left_alone() {
    let large = |day| file(day..day + 1, 1, 100 * MB, true);
    assert_eq!(plan(&[large(0), large(1), large(5)], &[], &RULES), []);
    assert_eq!(plan(&side_by_side(2, true), &[], &RULES), []);
    assert_eq!(plan(&side_by_side(40, true), &[], &RULES), []);
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

#[test]
fn an_age_counts_by_all_its_files() {
    let flushed = (2..6).map(|sequence| file(0..1, sequence, 8 * MB, false));
    let files: Vec<_> = side_by_side(10, false).into_iter().chain(flushed).collect();
    let jobs = plan(&files, &[], &RULES);
    assert_eq!(
        jobs.iter().map(sequences).collect::<Vec<_>>(),
        [[2, 3, 4, 5]],
        "not for the small one's sake"
    );
    let few: Vec<_> = side_by_side(40, false).into_iter().chain([file(0..1, 2, MB, false)]).collect();
    assert_eq!(plan(&few, &[], &RULES), [], "two ages are few, however many files they have");
}

/// As it was found: files were counted and not ages, so that a job had the window's files without the newer one, again and again.
#[test]
fn a_window_of_many_files_is_merged_with_what_is_newer() {
    for count in [2, 15, 16, 17, 40] {
        let mut files = side_by_side(count, true);
        files.push(file(0..1, 2, MB, true));
        let jobs = plan(&files, &[], &RULES);
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0].inputs, files);
        assert_eq!(jobs[0].windows, [TimeRange::new(0, DAY_NS)]);
    }
}

#[test]
fn a_job_takes_the_lightest_neighbours_of_too_many_ages() {
    for at_rest in [true, false] {
        let small = (2..41).map(|sequence| file(0..1, sequence, MB, at_rest));
        let files: Vec<_> = [file(0..1, 1, 4_000 * MB, at_rest)].into_iter().chain(small).collect();
        let jobs = plan(&files, &[], &RULES);
        assert_eq!(jobs.iter().map(sequences).collect::<Vec<_>>(), [(2..18).collect::<Vec<u64>>()]);
    }
}

/// A merge may make a rectangle that reaches over rows which overlapped none of what it was made of.
#[test]
fn rectangles_of_one_age_that_overlap_are_merged_at_rest() {
    let files =
        |at_rest| [series_file(0..3, 0..10, 1, MB, at_rest), series_file(1..2, 5..20, 1, MB, at_rest)];
    assert_eq!(plan(&files(true), &[], &RULES).iter().map(sequences).collect::<Vec<_>>(), [[1, 1]]);
    assert_eq!(plan(&files(false), &[], &RULES), []);
}
