//! Progress bars on standard error, where that is a terminal.

use crate::backup::Step;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// What a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Bytes.
    Bytes,
    /// Points.
    Points,
}

/// A bar that is not shown until it has a length.
pub(super) fn hidden_bar() -> ProgressBar {
    ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden())
}

/// Shows a bar of this length, unless nobody would see it.
pub(super) fn show(bar: &ProgressBar, unit: Unit, length: u64) {
    bar.set_length(length);
    if !std::io::stderr().is_terminal() {
        return;
    }
    bar.set_draw_target(ProgressDrawTarget::stderr());
    let template = match unit {
        Unit::Bytes => "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        Unit::Points => "{bar:40} {human_pos} of {human_len} points, {per_sec}, {eta} left",
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
}

/// Moves a bar along with the files of a backup.
pub(super) fn follow(bar: &ProgressBar, step: Step) {
    match step {
        Step::Begun { bytes, .. } => {
            bar.reset();
            show(bar, Unit::Bytes, bytes);
        }
        Step::Done { bytes } => bar.inc(bytes),
    }
}
