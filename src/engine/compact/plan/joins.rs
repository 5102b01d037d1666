//! Small files at rest that overlap nothing: neighbours in time become one.

use super::ages::age_of;
use super::windows::fits;
use super::{Job, Rules};
use crate::model::file::FileMeta;
use crate::model::time::TimeRange;
use ahash::AHashSet;
use std::sync::Arc;

/// Files that are worth being made one, however small they are.
const JOINED_FILES_MIN: usize = 4;

/// Runs of small files that lie side by side in time, nothing else between them.
pub(super) fn joins(files: &[Arc<FileMeta>], taken: &AHashSet<Arc<str>>, rules: &Rules) -> Vec<Job> {
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
    if run.len() < 2 || run.len() < JOINED_FILES_MIN && bytes < rules.file_bytes / 2 {
        return None;
    }
    let mut inputs: Vec<Arc<FileMeta>> = run.iter().map(|file| Arc::clone(file)).collect();
    inputs.sort_by(|a, b| age_of(a).cmp(&age_of(b)));
    let start_ns = inputs.iter().map(|file| file.window.start_ns).min()?;
    let end_ns = inputs.iter().map(|file| file.window.end_ns).max()?;
    Some(Job { inputs, windows: vec![TimeRange::new(start_ns, end_ns)], level: 2 })
}
