//! Taking files in and out: one edit of the manifest, then what readers see.

use super::Engine;
use super::error::EngineError;
use super::flush::spent_tombstones;
use crate::manifest::ManifestError;
use crate::model::change::Change;
use crate::model::file::FileMeta;
use crate::model::ids::TableId;
use crate::model::tombstone::Tombstone;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long to wait before the store is asked again what became of an edit.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Files of one table that go and come. Their rows are the same, but for those that are deleted or have expired.
#[derive(Debug)]
pub(super) struct FileEdit {
    pub(super) table: TableId,
    pub(super) removed: Vec<Arc<FileMeta>>,
    /// On the store already. One that bears the path of a removed file is that file, with another entry.
    pub(super) added: Vec<FileMeta>,
}

impl FileEdit {
    fn is_new(&self, added: &FileMeta) -> bool {
        !self.removed.iter().any(|removed| removed.path == added.path)
    }
}

impl Engine {
    /// Makes edits, all in one, and lets go of the tombstones that nothing is left of. An edit whose removed files are gone by now, because
    /// its table was dropped or the files expired, is left out and its new files are discarded.
    ///
    /// # Errors
    /// When the manifest cannot be extended. Whether the edits took effect is known at the next start then.
    pub(super) async fn edit_files(&self, edits: Vec<FileEdit>) -> Result<(), EngineError> {
        // Flushes and drops change the list of files under it too.
        let _flush = self.flush_lock.lock().await;
        let live = self.live.load_full();
        let mut changes = Vec::new();
        let mut taken = Vec::new();
        for edit in edits {
            let files = live.files_of(edit.table);
            if !edit.removed.iter().all(|removed| files.iter().any(|file| file.path == removed.path)) {
                let new = edit.added.iter().filter(|added| edit.is_new(added));
                self.discard(new.map(|file| file.path.clone()).collect()).await;
                continue;
            }
            let remove =
                |file: &Arc<FileMeta>| Change::RemoveFile { table: edit.table, path: file.path.clone() };
            changes.extend(edit.removed.iter().map(remove));
            changes.extend(edit.added.iter().map(|file| Change::AddFile(Arc::new(file.clone()))));
            if edit.added.is_empty() {
                // Else it would be believed that the table has rows, and with every tag.
                changes.push(Change::HadTombstones(edit.table));
            }
            taken.push(edit);
        }
        if taken.is_empty() {
            return Ok(());
        }
        let inconsistent = |error: &dyn std::fmt::Display| EngineError::Internal(error.to_string());
        let after = live.with_changes(&changes).map_err(|e| inconsistent(&e))?;
        let flushed_through = after.flushed_through();
        let mut spent = spent_tombstones(&after);
        spent.retain(|t| t.through <= flushed_through && taken.iter().any(|edit| edit.table == t.table));
        changes.extend(spent.iter().map(|t| Change::RemoveTombstone { table: t.table, id: t.id.clone() }));
        self.commit_for_certain(&changes).await?;
        {
            let _lock = self.live_lock.lock();
            let live = self.live.load().with_changes(&changes);
            self.live.store(Arc::new(live.map_err(|e| inconsistent(&e))?));
        }
        let state = self.live.load();
        for edit in &taken {
            let of_table: Vec<Arc<Tombstone>> =
                spent.iter().filter(|t| t.table == edit.table).cloned().collect();
            self.table_handle(edit.table).replace_files(state.files_of(edit.table), &of_table);
            let gone =
                edit.removed.iter().filter(|file| !edit.added.iter().any(|added| added.path == file.path));
            self.unreferenced.add(gone, self.clock.now_ns());
        }
        Ok(())
    }

    /// Commits changes, and asks again until it is known what became of them: what readers see must not part from the manifest.
    async fn commit_for_certain(&self, changes: &[Change]) -> Result<(), EngineError> {
        loop {
            match self.commit(changes.to_vec()).await {
                Err(EngineError::Manifest(ManifestError::Store(error)))
                    if !self.closed.load(Ordering::Acquire) =>
                {
                    tracing::warn!(%error, "an edit of the manifest has no answer; it is tried again");
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
                // Another edit may have come between a try and the next, and found that the first had taken effect.
                Err(EngineError::Internal(_)) if self.is_made(changes) => return Ok(()),
                other => return other,
            }
        }
    }

    /// Whether the manifest has the files of these changes as these changes leave them.
    fn is_made(&self, changes: &[Change]) -> bool {
        let state = self.manifest.state();
        let has = |table: TableId, path: &str| state.files_of(table).iter().any(|file| &*file.path == path);
        let added = |path: &str| changes.iter().any(|c| matches!(c, Change::AddFile(f) if &*f.path == path));
        changes.iter().all(|change| match change {
            Change::AddFile(file) => has(file.table, &file.path),
            Change::RemoveFile { table, path } => added(path) || !has(*table, path),
            _ => true,
        })
    }
}
