//! The state at one moment, as a checkpoint that a backup takes away and a new store starts from.

use super::format::{Checkpoint, Stamp, encode_checkpoint};
use super::{Manifest, ManifestError, recover};
use crate::object::{Creation, Store, StoreError, layout};
use uuid::Uuid;

impl Manifest {
    /// The state after the last edit that this process knows of.
    pub async fn snapshot(&self) -> Checkpoint {
        let tail = self.tail.lock().await;
        Checkpoint { stamp: self.stamp(&tail, tail.number), state: tail.state.clone() }
    }
}

/// The state that the objects of a store add up to, without opening the manifest for writing. `time_ns` stamps it.
///
/// # Errors
/// Those of [`Manifest::open`].
pub async fn read(store: &Store, time_ns: i64) -> Result<Checkpoint, ManifestError> {
    let recovered = recover::recover(store).await?;
    let stamp = Stamp {
        number: recovered.number,
        epoch: recovered.epoch,
        writer: Uuid::new_v4().to_string(),
        id: Uuid::new_v4().to_string(),
        time_ns,
    };
    Ok(Checkpoint { stamp, state: recovered.state })
}

/// Whether no manifest was ever opened on a store. Lists its objects.
///
/// # Errors
/// When the store fails.
pub async fn is_absent(store: &Store) -> Result<bool, StoreError> {
    for folder in [layout::EPOCH_FOLDER, layout::CHECKPOINT_FOLDER, layout::LOG_FOLDER] {
        if !recover::numbers_in(store, folder).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes a snapshot the beginning of the manifest of a store [that has none](is_absent): whoever opens it goes on after the
/// snapshot's edit, with a greater epoch.
///
/// # Errors
/// When the store fails. The manifest is absent or complete then.
pub async fn install(store: &Store, snapshot: &Checkpoint) -> Result<Creation, StoreError> {
    store.create(&layout::checkpoint(snapshot.stamp.number), encode_checkpoint(snapshot)).await
}
