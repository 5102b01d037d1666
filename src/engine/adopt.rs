//! Adding a database whose rows are in files already: what a restore does in place of writing them again.
//!
//! The files are put into the store first, under new names, where nothing refers to them. Then one edit of the manifest makes
//! them a database; a crash before it leaves files that nobody names. All sequences of the database are moved behind the last one
//! of the log, and the log goes on behind them, so that "newer wins" holds for what is written to it from now on.

use super::Engine;
use super::commit::{Closed, Effect};
use super::error::EngineError;
use super::role::Writer;
use crate::catalog;
use crate::model::change::Change;
use crate::model::database_image::DatabaseImage;
use crate::model::ids::{DatabaseId, PolicyId, TableId};
use crate::model::state::State;
use crate::object::{Upload, layout};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Files that are looked for at the same time.
const LOOKS_CONCURRENT_MAX: usize = 16;

impl Engine {
    /// Puts a data file into the store that a database to be adopted will have. Until it has been, the file is an orphan, and is deleted
    /// as one when it has the age for that. Returns its name. `window_start_ns` is the start of
    /// its window.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_adoptable_file(
        &self,
        window_start_ns: i64,
        bytes: Bytes,
    ) -> Result<String, EngineError> {
        let path = self.new_adoptable_file(window_start_ns)?;
        self.store.put_file(&path, [bytes]).await?;
        Ok(path)
    }

    /// The same for a file that comes part by part: its name, and where to put the parts. It is there when the upload is finished.
    ///
    /// # Errors
    /// When the engine writes nothing.
    pub fn upload_adoptable_file(&self, window_start_ns: i64) -> Result<(String, Upload), EngineError> {
        let path = self.new_adoptable_file(window_start_ns)?;
        let upload = self.store.upload(&path);
        Ok((path, upload))
    }

    fn new_adoptable_file(&self, window_start_ns: i64) -> Result<String, EngineError> {
        self.writer()?;
        // No table has the identifiers yet that the file's will get; a name only has to be new.
        let (database, policy, table) = (DatabaseId(u32::MAX), PolicyId(u32::MAX), TableId(u32::MAX));
        Ok(layout::new_data_file(database, policy, table, window_start_ns))
    }

    /// Adds a database, all of it or nothing, under the name `name`. The paths of its files are those that
    /// [`Engine::put_adoptable_file`] and [`Engine::upload_adoptable_file`] gave.
    ///
    /// # Errors
    /// When there is a database of this name, the image is inconsistent, or a file is missing or in use.
    pub async fn adopt_database(&self, name: &str, image: &DatabaseImage) -> Result<(), EngineError> {
        let writer = self.writer()?;
        if self.closed.load(Ordering::Acquire) {
            return Err(EngineError::Closed);
        }
        // So that none of the files is deleted as an orphan after it was found here and before the edit names it.
        let _orphans = self.orphans_lock.lock().await;
        self.look_for_files(image).await?;
        let _flush = self.flush_lock.lock().await;
        // With the gate closed, no write takes a sequence that the adopted rows are about to get.
        let Closed { gate: _gate, turn } = self.close_gate().await?;
        let state = self.live.load_full();
        catalog::check_new_database(&state, name)?;
        self.check_files_are_free(writer, image)?;
        let added = image.renumbered(&state, name, writer.wal.last_sequence())?;
        let after = state.with_changes(&added.changes).map_err(|e| EngineError::Unfit(e.to_string()))?;
        writer.wal.skip_through(added.through);
        self.keep_ids(&after)?;
        self.commit(turn, added.changes, Effect::Catalog).await
    }

    /// Makes sure that the new identifiers in `after` are given to nothing else. A commit that fails may still be made much
    /// later, and writes that come in between create tables.
    fn keep_ids(&self, after: &State) -> Result<(), EngineError> {
        let kept = Change::NextIds {
            database: after.next_database_id(),
            policy: after.next_policy_id(),
            table: after.next_table_id(),
        };
        let _lock = self.live_lock.lock();
        let mut live = State::clone(&self.live.load());
        live.apply(&kept).map_err(|e| EngineError::Internal(e.to_string()))?;
        self.live.store(Arc::new(live));
        Ok(())
    }

    /// Files that were put too long ago were deleted as orphans.
    async fn look_for_files(&self, image: &DatabaseImage) -> Result<(), EngineError> {
        let looks: Vec<_> = image.files.iter().map(|file| self.look_for(file.path.clone())).collect();
        futures::stream::iter(looks).buffer_unordered(LOOKS_CONCURRENT_MAX).try_collect().await
    }

    async fn look_for(&self, path: Arc<str>) -> Result<(), EngineError> {
        if !layout::is_data_file(&path) {
            return Err(EngineError::Adopted { path, reason: "this is no name of a data file" });
        }
        match self.store.exists(&path).await? {
            true => Ok(()),
            false => Err(EngineError::Adopted { path, reason: "it does not exist" }),
        }
    }

    /// A file belongs to one table, or dropping that table would take it from the other.
    fn check_files_are_free(&self, writer: &Writer, image: &DatabaseImage) -> Result<(), EngineError> {
        let (live, durable) = (self.live.load(), writer.manifest.state());
        let mut taken: HashSet<&str> = live.files().chain(durable.files()).map(|f| f.path.as_ref()).collect();
        match image.files.iter().find(|file| !taken.insert(&file.path)) {
            None => Ok(()),
            Some(file) => {
                Err(EngineError::Adopted { path: file.path.clone(), reason: "it belongs to a table already" })
            }
        }
    }
}
