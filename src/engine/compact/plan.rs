//! Which files are to be written anew, and in which windows: decided from the manifest's entries alone.
//!
//! ```text
//! flushed                     ─ similar sizes, often ──▶ level 1, few overlaps
//! overlapping, at rest        ─ all of them, once ─────▶ level 1, no overlaps
//! a long one over large ones  ─ cut at their edges ────▶ level 0, each piece over one of them
//! small neighbours, at rest   ─ joined ────────────────▶ level 2, wide windows
//! deleted rows in it          ─ written without them ──▶ as it was
//! ```
//!
//! Newer rows win, and of two files the one with the greater `sequence_max` is newer. So the files of one job are neighbours in that
//! order among all that overlap them, and files of one age stay together.

use crate::engine::window_width::WindowWidth;
use crate::model::extent::overlap_groups;
use crate::model::file::FileMeta;
use crate::model::time::{TimeRange, window_of};
use crate::model::tombstone::Tombstone;
use ahash::AHashSet;
use std::sync::Arc;

/// Files of similar sizes that are worth being made one.
const SIMILAR_FILES_MIN: usize = 4;

/// How many times as large as all newer ones of its job together a file may be.
const SIMILAR_RATIO: u64 = 2;

/// Overlapping files that a reader should have to merge at most.
const OVERLAPPING_FILES_MAX: usize = 16;

/// Files that one job merges at most, as each takes memory of its own.
const JOB_FILES_MAX: usize = 16;

/// Windows that a file is cut into at most.
const PIECES_MAX: i64 = 1_024;

/// What the files of a table are compacted by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) now_ns: i64,
    /// Files at rest: nothing came to them for so long.
    pub(super) quiet_ns: i64,
    /// The size that files should have.
    pub(super) file_bytes: u64,
    /// How wide windows are.
    pub(super) width: WindowWidth,
}

/// Files to be replaced by the merge of their rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// From old to new.
    pub(super) inputs: Vec<Arc<FileMeta>>,
    /// Where their rows go: these cover all their times and do not overlap. Ascending.
    pub(super) windows: Vec<TimeRange>,
    /// The level of what is written.
    pub(super) level: u8,
}

/// The jobs that are due for the files of one table. No file is in two of them.
pub(super) fn plan(files: &[Arc<FileMeta>], tombstones: &[Arc<Tombstone>], rules: &Rules) -> Vec<Job> {
    let mut jobs: Vec<Job> = overlap_groups(files.to_vec(), |file| file.extent())
        .into_iter()
        .filter_map(|g| of_group(g, rules))
        .collect();
    let mut taken: AHashSet<Arc<str>> = paths_of(&jobs);
    for file in files {
        if !taken.contains(&file.path) && tombstones.iter().any(|tombstone| tombstone.concerns(file)) {
            jobs.push(Job { inputs: vec![file.clone()], windows: vec![file.window], level: file.level });
        }
    }
    taken.extend(paths_of(&jobs));
    jobs.extend(joins(files, &taken, rules));
    jobs
}

fn paths_of(jobs: &[Job]) -> AHashSet<Arc<str>> {
    jobs.iter().flat_map(|job| &job.inputs).map(|file| file.path.clone()).collect()
}

/// What is to be done with files that overlap, directly or by way of others.
fn of_group(mut files: Vec<Arc<FileMeta>>, rules: &Rules) -> Option<Job> {
    if files.len() < 2 {
        return None;
    }
    files.sort_by(|a, b| age_of(a).cmp(&age_of(b)));
    let newest_ns = files.iter().map(|file| file.created_ns).max().unwrap_or(0);
    let at_rest = rules.now_ns.saturating_sub(newest_ns) >= rules.quiet_ns;
    if at_rest || files.len() > OVERLAPPING_FILES_MAX {
        return Some(cut_of_long_file(&files, rules).unwrap_or_else(|| merge_of(oldest(files), rules)));
    }
    let start = similar_from(&files)?;
    Some(merge_of(files.split_off(start), rules))
}

/// The order by age; of equal age are files that do not overlap.
fn age_of(file: &FileMeta) -> (u64, i64, &str) {
    (file.sequence_max.0, file.window.start_ns, &file.path)
}

/// The start of the newest files that are of similar sizes, when they are enough. `files` are sorted from old to new.
fn similar_from(files: &[Arc<FileMeta>]) -> Option<usize> {
    let mut start = files.len();
    let mut newer_bytes = 0;
    while let Some(older) = start.checked_sub(1).map(|i| &files[i]) {
        let same_age = files.get(start).is_some_and(|next| next.sequence_max == older.sequence_max);
        if newer_bytes > 0 && older.size_bytes > newer_bytes * SIMILAR_RATIO && !same_age {
            break;
        }
        newer_bytes += older.size_bytes;
        start -= 1;
    }
    (files.len() - start >= SIMILAR_FILES_MIN).then_some(start)
}

/// As many of the oldest files as one job takes. `files` are sorted from old to new.
fn oldest(mut files: Vec<Arc<FileMeta>>) -> Vec<Arc<FileMeta>> {
    let mut end = files.len().min(JOB_FILES_MAX);
    while end < files.len() && files[end].sequence_max == files[end - 1].sequence_max {
        end += 1;
    }
    files.truncate(end);
    files
}

fn merge_of(inputs: Vec<Arc<FileMeta>>, rules: &Rules) -> Job {
    let level = inputs.iter().map(|file| file.level).max().unwrap_or(0).max(1);
    Job { windows: windows_of(&inputs, rules), inputs, level }
}

/// The windows of what files become: the policy's, joined up to the size that files should have; no file that keeps to its window is
/// cut by that, unless a window is too large as it is.
fn windows_of(inputs: &[Arc<FileMeta>], rules: &Rules) -> Vec<TimeRange> {
    let start_ns = inputs.iter().map(|file| file.window.start_ns).min().unwrap_or(0);
    let end_ns = inputs.iter().map(|file| file.window.end_ns).max().unwrap_or(0);
    let all = TimeRange::new(start_ns, end_ns);
    let bytes: u64 = inputs.iter().map(|file| file.size_bytes).sum();
    if bytes <= rules.file_bytes && fits(&all, rules) {
        return vec![all];
    }
    // Every edge of an input is an edge of a window, else windows of different jobs would come to overlap.
    let mut edges: Vec<i64> =
        inputs.iter().flat_map(|file| [file.window.start_ns, file.window.end_ns]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut windows: Vec<(TimeRange, u64)> = Vec::new();
    for pair in edges.windows(2) {
        let piece = TimeRange::new(pair[0], pair[1]);
        for piece in cut_to_size(piece, bytes_within(inputs, piece), rules) {
            let bytes = bytes_within(inputs, piece);
            match windows.last_mut() {
                Some((last, last_bytes))
                    if *last_bytes + bytes <= rules.file_bytes
                        && fits(&TimeRange::new(last.start_ns, piece.end_ns), rules) =>
                {
                    last.end_ns = piece.end_ns;
                    *last_bytes += bytes;
                }
                _ => windows.push((piece, bytes)),
            }
        }
    }
    windows.into_iter().map(|(window, _)| window).collect()
}

fn fits(window: &TimeRange, rules: &Rules) -> bool {
    window.end_ns.saturating_sub(window.start_ns) <= rules.width.max_ns
}

/// Cuts a piece at the edges of the policy's windows when it is wider than one and has more than a file's bytes.
fn cut_to_size(piece: TimeRange, bytes: u64, rules: &Rules) -> Vec<TimeRange> {
    if bytes <= rules.file_bytes && fits(&piece, rules) {
        return vec![piece];
    }
    let width = piece.end_ns.saturating_sub(piece.start_ns);
    let parts = i64::try_from(bytes.div_ceil(rules.file_bytes.max(1))).unwrap_or(i64::MAX);
    let wanted = (width / parts.max(1)).min(rules.width.max_ns).max(width / PIECES_MAX);
    let step = (wanted / rules.width.min_ns).max(1).saturating_mul(rules.width.min_ns);
    let mut out = Vec::new();
    let mut start_ns = piece.start_ns;
    while start_ns < piece.end_ns {
        let end_ns = window_of(start_ns, step).end_ns.min(piece.end_ns);
        out.push(TimeRange::new(start_ns, end_ns));
        start_ns = end_ns;
    }
    out
}

/// Bytes of files by time, as if they lay evenly over their times.
fn bytes_within(files: &[Arc<FileMeta>], window: TimeRange) -> u64 {
    files.iter().map(|file| share_of(file, window)).sum()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
fn share_of(file: &FileMeta, window: TimeRange) -> u64 {
    let inside = file.time_range.intersect(&window);
    if inside.is_empty() {
        return 0;
    }
    let length = |range: &TimeRange| range.end_ns as f64 - range.start_ns as f64;
    (file.size_bytes as f64 * length(&inside) / length(&file.time_range)) as u64
}

/// Late rows of many windows in one file make a group of all these windows, which would all be written in one job. So that file is cut
/// first: each piece then lies over one large file.
fn cut_of_long_file(files: &[Arc<FileMeta>], rules: &Rules) -> Option<Job> {
    let bytes: u64 = files.iter().map(|file| file.size_bytes).sum();
    if bytes <= rules.file_bytes.saturating_mul(2) {
        return None;
    }
    let large = |file: &&Arc<FileMeta>| file.size_bytes >= rules.file_bytes / 4;
    let mut edges: Vec<i64> =
        files.iter().filter(large).flat_map(|f| [f.window.start_ns, f.window.end_ns]).collect();
    edges.sort_unstable();
    edges.dedup();
    let inner = |file: &FileMeta| -> Vec<i64> {
        let times = file.time_range;
        edges.iter().copied().filter(|edge| times.start_ns < *edge && *edge < times.end_ns).collect()
    };
    let long = files.iter().filter(|file| !large(file)).find(|file| !inner(file).is_empty())?;
    let cuts = inner(long);
    let starts = std::iter::once(long.window.start_ns).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([long.window.end_ns]);
    let windows = starts.zip(ends).map(|(start, end)| TimeRange::new(start, end)).collect();
    Some(Job { inputs: vec![long.clone()], windows, level: long.level })
}

/// Runs of small files that lie side by side in time, nothing else between them.
fn joins(files: &[Arc<FileMeta>], taken: &AHashSet<Arc<str>>, rules: &Rules) -> Vec<Job> {
    let joinable = |file: &FileMeta| {
        !taken.contains(&file.path)
            && file.size_bytes < rules.file_bytes / 2
            && rules.now_ns.saturating_sub(file.created_ns) >= rules.quiet_ns
    };
    let mut sorted: Vec<&Arc<FileMeta>> = files.iter().collect();
    sorted.sort_by_key(|file| file.time_range.start_ns);
    let mut jobs = Vec::new();
    let mut run: Vec<&Arc<FileMeta>> = Vec::new();
    let mut end_ns = i64::MIN;
    for (at, file) in sorted.iter().enumerate() {
        let is_alone = end_ns <= file.time_range.start_ns
            && sorted.get(at + 1).is_none_or(|next| file.time_range.end_ns <= next.time_range.start_ns);
        end_ns = end_ns.max(file.time_range.end_ns);
        let window = |run: &[&Arc<FileMeta>]| {
            let start_ns = run.iter().chain([file]).map(|f| f.window.start_ns).min().unwrap_or(0);
            let end_ns = run.iter().chain([file]).map(|f| f.window.end_ns).max().unwrap_or(0);
            TimeRange::new(start_ns, end_ns)
        };
        let bytes: u64 = run.iter().map(|f| f.size_bytes).sum();
        if !is_alone
            || !joinable(file)
            || bytes + file.size_bytes > rules.file_bytes
            || !fits(&window(&run), rules)
        {
            jobs.extend(join_of(&std::mem::take(&mut run), rules));
        }
        if is_alone && joinable(file) {
            run.push(file);
        }
    }
    jobs.extend(join_of(&run, rules));
    jobs
}

fn join_of(run: &[&Arc<FileMeta>], rules: &Rules) -> Option<Job> {
    let bytes: u64 = run.iter().map(|file| file.size_bytes).sum();
    if run.len() < 2 || run.len() < SIMILAR_FILES_MIN && bytes < rules.file_bytes / 2 {
        return None;
    }
    let mut inputs: Vec<Arc<FileMeta>> = run.iter().map(|file| Arc::clone(file)).collect();
    inputs.sort_by(|a, b| age_of(a).cmp(&age_of(b)));
    let start_ns = inputs.iter().map(|file| file.window.start_ns).min()?;
    let end_ns = inputs.iter().map(|file| file.window.end_ns).max()?;
    Some(Job { inputs, windows: vec![TimeRange::new(start_ns, end_ns)], level: 2 })
}
