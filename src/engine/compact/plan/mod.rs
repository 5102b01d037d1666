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
//!
//! * `ages` chooses which of the files that overlap become one;
//! * `windows` says where their rows go;
//! * `late` cuts a file of late rows that lies over many windows;
//! * `joins` finds small neighbours.

mod ages;
mod joins;
mod late;
mod windows;

use crate::engine::window_width::WindowWidth;
use crate::model::extent::overlap_groups;
use crate::model::file::FileMeta;
use crate::model::time::TimeRange;
use crate::model::tombstone::Tombstone;
use ages::{age_of, ages_of, lightest, newest_similar};
use ahash::AHashSet;
use joins::joins;
use late::cut_of_long_file;
use std::sync::Arc;
use windows::windows_of;

/// Overlapping ages that a reader should have to merge at most.
const OVERLAPPING_AGES_MAX: usize = 16;

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
///
/// A job takes whole ages, two or more where there are as many, and makes one of them, so that each job leaves less to do.
/// Files of a single age have no point in common; where their rectangles overlap all the same, they are merged once, when
/// the group is at rest.
fn of_group(mut files: Vec<Arc<FileMeta>>, rules: &Rules) -> Option<Job> {
    if files.len() < 2 {
        return None;
    }
    files.sort_by(|a, b| age_of(a).cmp(&age_of(b)));
    let ages = ages_of(&files);
    let newest_ns = files.iter().map(|file| file.created_ns).max().unwrap_or(0);
    let at_rest = rules.now_ns.saturating_sub(newest_ns) >= rules.quiet_ns;
    let is_due = at_rest || ages.len() > OVERLAPPING_AGES_MAX;
    if is_due && let Some(cut) = cut_of_long_file(&files, rules) {
        return Some(cut);
    }
    let similar = if at_rest { None } else { newest_similar(&ages) };
    let merged = similar.or(is_due.then_some(&ages[..]))?;
    Some(merge_of(lightest(merged).concat(), rules))
}

fn merge_of(inputs: Vec<Arc<FileMeta>>, rules: &Rules) -> Job {
    let level = inputs.iter().map(|file| file.level).max().unwrap_or(0).max(1);
    Job { windows: windows_of(&inputs, rules), inputs, level }
}
