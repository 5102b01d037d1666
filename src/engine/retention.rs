//! What has expired, or is deleted as a whole: files that can go without being read.
//!
//! ```text
//! policy of 1d     file @-3d…-2d    file @-1d…now         now
//!                  goes             its first rows are hidden from readers, and go with the file
//! ```

use super::Engine;
use super::error::EngineError;
use super::file_edit::FileEdit;
use crate::model::database::PolicyInfo;
use crate::model::file::FileMeta;
use std::sync::Arc;

/// The time before which rows of a policy have expired at `now_ns`; `None` when it keeps rows for ever.
pub(super) fn expired_before(policy: &PolicyInfo, now_ns: i64) -> Option<i64> {
    (policy.duration_ns > 0).then(|| now_ns.saturating_sub(policy.duration_ns))
}

impl Engine {
    /// Takes files out of the manifest whose rows have all expired or are all deleted. Tells how many.
    ///
    /// # Errors
    /// When the manifest cannot be extended.
    pub async fn drop_dead_files(&self) -> Result<usize, EngineError> {
        self.writer()?;
        let state = self.live.load_full();
        let now_ns = self.clock.now_ns();
        let mut edits = Vec::new();
        for table in state.tables() {
            let tombstones = state.tombstones_of(table.id);
            let expired_before = state.policy_by_id(table.policy).and_then(|p| expired_before(p, now_ns));
            if tombstones.is_empty() && expired_before.is_none() {
                continue;
            }
            let is_dead = |file: &&Arc<FileMeta>| {
                expired_before.is_some_and(|before_ns| file.time_range.end_ns <= before_ns)
                    || tombstones.iter().any(|tombstone| tombstone.covers(file))
            };
            let removed: Vec<_> = state.files_of(table.id).iter().filter(is_dead).cloned().collect();
            if !removed.is_empty() {
                edits.push(FileEdit { table: table.id, removed, added: Vec::new() });
            }
        }
        let count = edits.iter().map(|edit| edit.removed.len()).sum();
        if count > 0 {
            self.edit_files(edits).await?;
            tracing::info!(files = count, "data files whose rows have expired or are deleted were dropped");
        }
        Ok(count)
    }
}
