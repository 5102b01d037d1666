//! Checkpoints, and deleting what they make superfluous. Runs beside commits; failing is no harm to
//! them, and is tried again after the next commit.

use super::format::{Checkpoint, Stamp, encode_checkpoint};
use super::{Manifest, ManifestError, recover};
use crate::model::state::State;
use crate::object::{Store, StoreError, layout};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinHandle;

/// Checkpoints that are kept. Edits since the oldest of them are kept too, so that a damaged
/// checkpoint can be passed over, and a slow reader finds what it is about to read.
const CHECKPOINTS_KEPT: usize = 3;

/// Writes checkpoints, one at a time.
#[derive(Debug)]
pub(super) struct Checkpointer {
    store: Store,
    /// The number of the newest checkpoint; 0 = none.
    last: AtomicU64,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Checkpointer {
    pub(super) fn new(store: Store, last: u64) -> Self {
        Self { store, last: AtomicU64::new(last), running: Mutex::new(None) }
    }

    /// The number of the newest checkpoint; 0 = none.
    pub(super) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Starts writing a checkpoint, unless one is being written.
    pub(super) fn start(self: &Arc<Self>, stamp: Stamp, state: State) {
        let mut running = self.running.lock();
        if running.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let checkpointer = self.clone();
        *running = Some(tokio::spawn(async move {
            if let Err(e) = checkpointer.write(stamp, state).await {
                tracing::warn!(error = %e, "cannot write a checkpoint of the manifest; will try again");
            }
        }));
    }

    async fn finish_running(&self) {
        let task = self.running.lock().take();
        if let Some(task) = task
            && let Err(e) = task.await
        {
            tracing::error!(error = %e, "writing a checkpoint of the manifest ended early");
        }
    }

    async fn write(&self, stamp: Stamp, state: State) -> Result<(), StoreError> {
        let number = stamp.number;
        let checkpoint = Checkpoint { stamp, state };
        // A large state takes long enough to encode to hold up others on this thread.
        let encoded = tokio::task::spawn_blocking(move || encode_checkpoint(&checkpoint)).await;
        let bytes = encoded.map_err(|e| StoreError::Failed {
            action: "encode",
            path: layout::checkpoint(number),
            source: Box::new(e),
        })?;
        // It makes no difference whether an earlier attempt made it already: both hold the state after the same edit.
        self.store.create(&layout::checkpoint(number), bytes).await?;
        self.last.fetch_max(number, Ordering::AcqRel);
        let pointer = serde_json::json!({ "checkpoint": number }).to_string();
        self.store.put(layout::LATEST, pointer.into()).await?;
        self.collect().await
    }

    /// Deletes all but the newest checkpoints, and the edits up to the oldest that is kept.
    async fn collect(&self) -> Result<(), StoreError> {
        let checkpoints = recover::numbers_in(&self.store, layout::CHECKPOINT_FOLDER).await?;
        let Some(first_kept) = checkpoints.len().checked_sub(CHECKPOINTS_KEPT) else { return Ok(()) };
        let horizon = checkpoints[first_kept];
        // Checkpoints first: one whose following edits are gone must not be left as the newest.
        for number in &checkpoints[..first_kept] {
            self.store.delete(&layout::checkpoint(*number)).await?;
        }
        for number in recover::numbers_in(&self.store, layout::LOG_FOLDER).await? {
            if number <= horizon {
                self.store.delete(&layout::edit(number)).await?;
            }
        }
        Ok(())
    }
}

impl Manifest {
    /// Writes a checkpoint of the current state now, and deletes what it makes superfluous.
    ///
    /// # Errors
    /// When the store failed; edits are not affected.
    pub async fn checkpoint(&self) -> Result<(), ManifestError> {
        self.checkpointer.finish_running().await;
        let (stamp, state) = {
            let tail = self.tail.lock().await;
            (self.stamp(&tail, tail.number), tail.state.clone())
        };
        if stamp.number > self.checkpointer.last() {
            self.checkpointer.write(stamp, state).await?;
        }
        Ok(())
    }

    /// Waits for a checkpoint that is being written. To be called before the process ends.
    pub async fn close(&self) {
        self.checkpointer.finish_running().await;
    }
}
