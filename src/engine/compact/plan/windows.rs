//! The windows that the rows of a job go to, decided from where its files lie in time and how large they are.
//!
//! How the rows of one window are cut between series, should they be too many for a file, is not decided here.

use super::Rules;
use crate::model::file::FileMeta;
use crate::model::time::{TimeRange, window_of};
use std::sync::Arc;

/// Windows that a file is cut into at most.
const PIECES_MAX: i64 = 1_024;

/// The windows of the files that a job writes. They begin and end where windows of the inputs do, neighbours are joined
/// until they have the size that a file should have, and one that is too large is cut.
pub(super) fn windows_of(inputs: &[Arc<FileMeta>], rules: &Rules) -> Vec<TimeRange> {
    let start_ns = inputs.iter().map(|file| file.window.start_ns).min().unwrap_or(0);
    let end_ns = inputs.iter().map(|file| file.window.end_ns).max().unwrap_or(0);
    let all = TimeRange::new(start_ns, end_ns);
    let bytes: u64 = inputs.iter().map(|file| file.size_bytes).sum();
    if bytes <= rules.file_bytes && fits(&all, rules) {
        return vec![all];
    }
    // Windows are cut at edges of inputs first, so that windows of different jobs do not come to overlap.
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

/// Whether a window is no wider than files of the table may be.
pub(super) fn fits(window: &TimeRange, rules: &Rules) -> bool {
    window.end_ns.saturating_sub(window.start_ns) <= rules.width.max_ns
}

/// Cuts a piece at edges of the policy's windows when it has more bytes than a file should have, or is wider than a file
/// may be.
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
