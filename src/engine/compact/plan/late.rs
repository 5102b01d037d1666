//! Late rows: a small file over many large ones.

use super::{Job, Rules};
use crate::model::file::FileMeta;
use crate::model::time::TimeRange;
use std::sync::Arc;

/// One file with late rows of many windows overlaps the large files of all of them, and one job would have to write all of
/// these anew. So that file is cut first, such that each piece lies over one large file.
pub(super) fn cut_of_long_file(files: &[Arc<FileMeta>], rules: &Rules) -> Option<Job> {
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
