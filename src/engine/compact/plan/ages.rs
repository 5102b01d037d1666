//! Files by age: which of those that overlap are made one.
//!
//! An age is all files of a group with the same `sequence_max`, such as the output of one flush or of one job. (A window
//! that is too large for one file becomes several, split between series.) No point lies in two files of an age, so a reader
//! or a merge has about one of them open at a time, as if they were one large file. That is why ages, not files, are
//! counted and compared, by the bytes of all their files.

use crate::model::file::FileMeta;
use std::sync::Arc;

/// Ages of similar sizes that are worth being made one.
const SIMILAR_AGES_MIN: usize = 4;

/// An age joins a merge of newer ones when it is at most this many times as large as all of them together.
const SIMILAR_RATIO: u64 = 2;

/// Ages that one job merges at most, as each takes memory of its own. At least two, or a job would change nothing.
const JOB_AGES_MAX: usize = 16;

/// Files of one age.
pub(super) type Age<'a> = &'a [Arc<FileMeta>];

/// The order from old to new; of equal age are files that do not overlap.
pub(super) fn age_of(file: &FileMeta) -> (u64, i64, &str) {
    (file.sequence_max.0, file.window.start_ns, &file.path)
}

/// The ages of files that are sorted by [`age_of`], from old to new.
pub(super) fn ages_of(files: &[Arc<FileMeta>]) -> Vec<Age<'_>> {
    files.chunk_by(|a, b| a.sequence_max == b.sequence_max).collect()
}

/// The newest ages that are of similar sizes, when they are enough. `ages` go from old to new.
pub(super) fn newest_similar<'a, 'f>(ages: &'a [Age<'f>]) -> Option<&'a [Age<'f>]> {
    let mut start = ages.len();
    let mut newer_bytes = 0;
    while let Some(older) = start.checked_sub(1) {
        let bytes = bytes_of(ages[older]);
        if newer_bytes > 0 && bytes > newer_bytes * SIMILAR_RATIO {
            break;
        }
        newer_bytes += bytes;
        start = older;
    }
    (ages.len() - start >= SIMILAR_AGES_MIN).then_some(&ages[start..])
}

/// As many neighbouring ages as one job may merge: the run with the fewest bytes, of equal ones the oldest. So a large age
/// is not written anew for every few small ones; these are merged among themselves first.
pub(super) fn lightest<'a, 'f>(ages: &'a [Age<'f>]) -> &'a [Age<'f>] {
    let count = ages.len().clamp(1, JOB_AGES_MAX);
    let runs = ages.windows(count);
    runs.min_by_key(|run| run.iter().map(|age| bytes_of(age)).sum::<u64>()).unwrap_or(ages)
}

fn bytes_of(age: Age<'_>) -> u64 {
    age.iter().map(|file| file.size_bytes).sum()
}
