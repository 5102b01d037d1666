//! How wide the windows of files are.

use crate::model::database::PolicyInfo;
use crate::model::limits::WINDOW_NS_MAX;

/// The bounds of the width of a window, in nanoseconds; 0 < `min` <= `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowWidth {
    /// The width to begin with; wider windows are several of these.
    pub(super) min_ns: i64,
    /// At most an eighth of the policy's duration, so that whole files expire soon after their first row.
    pub(super) max_ns: i64,
}

impl WindowWidth {
    /// The widths of a policy's files.
    pub(super) fn of(policy: &PolicyInfo) -> Self {
        let min_ns = policy.shard_duration_ns.min(WINDOW_NS_MAX);
        let max_ns = match policy.duration_ns {
            0 => i64::MAX,
            duration_ns => (duration_ns / 8).max(min_ns),
        };
        Self { min_ns, max_ns }
    }
}
