//! The manifest as another process writes it: read, and then read on. Claims no epoch and writes nothing.
//!
//! ```text
//! pointer names a checkpoint past what is known?  ── yes ─▶ read anew, from that checkpoint
//!                                                └─ no ──▶ the next numbers, until one is missing
//! ```
//!
//! The pointer comes first. A writer collects edits only after a checkpoint and the pointer to it, so numbers that are read one
//! by one behind the newest checkpoint were not collected, and not created anew by a writer that stood still meanwhile.

use super::{ManifestError, recover};
use crate::model::state::State;
use crate::object::Store;

/// A manifest that is opened for reading.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    state: State,
    number: u64,
    epoch: u64,
    damage: Vec<String>,
}

impl Follower {
    /// Reads what is there, which may be nothing yet.
    ///
    /// # Errors
    /// When objects cannot be read, are damaged or missing.
    pub async fn open(store: Store) -> Result<Self, ManifestError> {
        let recovered = recover::recover(&store).await?;
        Ok(Self {
            store,
            state: recovered.state,
            number: recovered.number,
            epoch: recovered.epoch,
            damage: recovered.damage,
        })
    }

    /// Takes in the edits that were made since. Whether there were any.
    ///
    /// # Errors
    /// When an object cannot be read, is damaged or missing. The edits before it were taken in, and the next call tries again.
    pub async fn advance(&mut self) -> Result<bool, ManifestError> {
        let before = self.number;
        if recover::newest_checkpoint_number(&self.store).await? > self.number {
            let recovered = recover::recover(&self.store).await?;
            // A pointer may lie, and a damaged checkpoint be passed over: what is known is never given up.
            if recovered.number > self.number {
                (self.state, self.number, self.epoch) = (recovered.state, recovered.number, recovered.epoch);
                self.damage = recovered.damage;
            }
        }
        while let Some(edit) = recover::read_edit(&self.store, self.number + 1).await? {
            self.state = recover::apply(&self.state, self.epoch, &edit)?;
            (self.number, self.epoch) = (edit.stamp.number, edit.stamp.epoch);
        }
        Ok(self.number > before)
    }

    /// The state after the last edit that is known.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The number of that edit; 0 = none.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The damaged objects that were passed over, because older ones make up for them.
    #[must_use]
    pub fn damage(&self) -> &[String] {
        &self.damage
    }
}
