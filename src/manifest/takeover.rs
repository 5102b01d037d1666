//! Opening a manifest for writing, in two steps: it is read, and then taken over from whoever writes to it.
//!
//! Between the two the caller can look whether it will go on. A writer that has fenced the others and gives up then leaves nobody
//! who writes.

use super::recover::{self, Recovered};
use super::{Checkpointer, CommitError, Manifest, ManifestError, ManifestOptions, Tail};
use crate::model::state::State;
use crate::object::{Creation, Store, layout};
use parking_lot::RwLock;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// A manifest that was read. Nothing was written yet, and nobody is fenced.
#[derive(Debug)]
pub struct Candidate {
    store: Store,
    options: ManifestOptions,
    recovered: Recovered,
}

impl Manifest {
    /// Opens the manifest for writing, making it on an empty store, and fences all who opened it before.
    ///
    /// # Errors
    /// When objects cannot be read, are damaged or missing, or when somebody else opens it right now.
    pub async fn open(store: Store, options: ManifestOptions) -> Result<(Self, State), ManifestError> {
        Candidate::read(store, options).await?.take_over().await
    }
}

impl Candidate {
    /// Reads the manifest.
    ///
    /// # Errors
    /// When objects cannot be read, are damaged or missing.
    pub async fn read(store: Store, options: ManifestOptions) -> Result<Self, ManifestError> {
        let recovered = recover::recover(&store).await?;
        Ok(Self { store, options, recovered })
    }

    /// The state that was read. Whoever writes to the manifest may change it still.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.recovered.state
    }

    /// Fences all who opened the manifest before. The state has the edits that they made since it was read.
    ///
    /// # Errors
    /// When objects cannot be read, are damaged or missing, or when somebody else opens it right now.
    pub async fn take_over(self) -> Result<(Manifest, State), ManifestError> {
        let Self { store, options, recovered } = self;
        let writer = Uuid::new_v4().to_string();
        let epoch = claim_epoch(&store, recovered.epoch, &writer).await?;
        let recovered = up_to_date(&store, recovered).await?;
        let checkpointer = Arc::new(Checkpointer::new(store.clone(), recovered.checkpoint));
        let tail = Tail {
            state: recovered.state,
            number: recovered.number,
            epoch: recovered.epoch,
            unsettled: None,
            untold: None,
        };
        let current = RwLock::new(tail.state.clone());
        let manifest = Manifest {
            store,
            options,
            writer,
            epoch,
            fenced_by: OnceLock::new(),
            tail: tokio::sync::Mutex::new(tail),
            current,
            checkpointer,
            damage: recovered.damage,
        };
        match manifest.commit(Vec::new(), |_| Ok::<_, Infallible>(())).await {
            Ok(state) => Ok((manifest, state)),
            Err(CommitError::Failed(e)) => Err(e),
            Err(CommitError::Refused(never)) => match never {},
            Err(CommitError::Conflict(_)) => unreachable!("an edit without changes fits every state"),
        }
    }
}

/// Claims an epoch greater than all before.
async fn claim_epoch(store: &Store, logged: u64, writer: &str) -> Result<u64, ManifestError> {
    let listed = recover::numbers_in(store, layout::EPOCH_FOLDER).await?;
    let mut epoch = listed.last().copied().unwrap_or(0).max(logged) + 1;
    let body = serde_json::json!({ "writer": writer }).to_string();
    while store.create(&layout::epoch(epoch), body.clone().into()).await? == Creation::AlreadyExists {
        epoch += 1;
    }
    Ok(epoch)
}

/// The state to go on from: `known`, or what is in the store by now when a newer checkpoint is there. The edits up to that
/// checkpoint may have been collected, so their numbers are free, and the first commit after `known` would take one of
/// them. (A writer that was fenced collects only what it has put into a checkpoint.)
async fn up_to_date(store: &Store, known: Recovered) -> Result<Recovered, ManifestError> {
    if recover::newest_checkpoint_number(store).await? <= known.number {
        return Ok(known);
    }
    let found = recover::recover(store).await?;
    // A pointer may lie: what is known is never given up.
    Ok(if found.number > known.number { found } else { known })
}
