//! Taking files in and out: one edit of the manifest, then what readers see.

use super::Engine;
use super::commit::Effect;
use super::error::EngineError;
use super::flush::spent_tombstones;
use crate::model::change::Change;
use crate::model::file::FileMeta;
use crate::model::ids::TableId;
use crate::model::tombstone::Tombstone;
use std::sync::Arc;

/// Files of one table that go and come. Their rows are the same, but for those that are deleted or have expired.
#[derive(Clone, Debug)]
pub(super) struct FileEdit {
    pub(super) table: TableId,
    pub(super) removed: Vec<Arc<FileMeta>>,
    /// On the store already. One that bears the path of a removed file is that file, with another entry.
    pub(super) added: Vec<FileMeta>,
}

impl FileEdit {
    /// The files that were written for it.
    fn new_paths(&self) -> impl Iterator<Item = Arc<str>> {
        let is_new = move |added: &&FileMeta| !self.removed.iter().any(|removed| removed.path == added.path);
        self.added.iter().filter(is_new).map(|added| added.path.clone())
    }
}

impl Engine {
    /// Makes edits, all in one, and lets go of the tombstones that nothing is left of. An edit whose removed files are gone by now, because
    /// its table was dropped or the files expired, is left out and its new files are discarded.
    ///
    /// # Errors
    /// When the manifest cannot be extended. The next change or start finds out whether it was then. Where an earlier change is to be found
    /// out about first, and cannot be, nothing is sent and the new files are discarded.
    pub(super) async fn edit_files(&self, edits: Vec<FileEdit>) -> Result<(), EngineError> {
        // Flushes and drops change the list of files under it too.
        let _flush = self.flush_lock.lock().await;
        let turn = match self.turn().await {
            Ok(turn) => turn,
            Err(error) => {
                let new = edits.iter().flat_map(FileEdit::new_paths);
                self.discard(new.collect()).await;
                return Err(error);
            }
        };
        let live = self.live.load_full();
        let mut changes = Vec::new();
        let mut taken = Vec::new();
        for edit in edits {
            let files = live.files_of(edit.table);
            if !edit.removed.iter().all(|removed| files.iter().any(|file| file.path == removed.path)) {
                self.discard(edit.new_paths().collect()).await;
                continue;
            }
            let remove =
                |file: &Arc<FileMeta>| Change::RemoveFile { table: edit.table, path: file.path.clone() };
            changes.extend(edit.removed.iter().map(remove));
            changes.extend(edit.added.iter().map(|file| Change::AddFile(Arc::new(file.clone()))));
            if edit.added.is_empty() {
                // A table without this mark is taken to have rows, and rows with every tag, without a look at its files.
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
        self.commit(turn, changes, Effect::Files(taken, spent)).await
    }

    /// Shows readers the files after `edits`.
    pub(super) fn show_files(&self, edits: &[FileEdit], spent: &[Arc<Tombstone>]) {
        let state = self.live.load();
        for edit in edits {
            let of_table: Vec<Arc<Tombstone>> =
                spent.iter().filter(|t| t.table == edit.table).cloned().collect();
            self.table_handle(edit.table).replace_files(state.files_of(edit.table), &of_table);
            let is_kept = |file: &&Arc<FileMeta>| edit.added.iter().any(|added| added.path == file.path);
            let (kept, gone): (Vec<_>, Vec<_>) = edit.removed.iter().partition(is_kept);
            kept.into_iter().for_each(|entry| self.unreferenced.add_replaced(entry));
            self.unreferenced.add(gone, self.clock.now_ns());
        }
    }
}
