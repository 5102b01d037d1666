//! Bringing durable batches into the buffers, in the order of the log.
//!
//! A batch is entered when it gets its sequence, and applied once the log has it on disk and every earlier
//! batch was applied or given up. Whoever learns that its batch is durable applies all that can be.

use crate::model::batch::WriteBatch;
use crate::model::ids::Sequence;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::watch;

/// Batches between log and buffers.
#[derive(Debug)]
pub(super) struct ApplyQueue {
    entries: Mutex<VecDeque<Entry>>,
    /// The last batch that was applied or given up, and all before it.
    done: watch::Sender<Sequence>,
}

#[derive(Debug)]
struct Entry {
    sequence: Sequence,
    batch: WriteBatch,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Durable,
    Refused,
}

impl ApplyQueue {
    /// A queue whose first entry will come after `last`.
    pub(super) fn new(last: Sequence) -> Self {
        Self { entries: Mutex::default(), done: watch::Sender::new(last) }
    }

    /// Appends to the log by `append` and enters the batch under the sequence it got, as one step.
    pub(super) fn enter<T, E>(
        &self,
        batch: WriteBatch,
        append: impl FnOnce() -> Result<(Sequence, T), E>,
    ) -> Result<(Sequence, T), E> {
        let mut entries = self.entries.lock();
        let (sequence, appended) = append()?;
        entries.push_back(Entry { sequence, batch, fate: Fate::Waiting });
        Ok((sequence, appended))
    }

    /// Says what became of a batch, and applies by `apply` all that can be. Gives those back by `refuse` that will not be.
    pub(super) fn settle(
        &self,
        sequence: Sequence,
        durable: bool,
        mut apply: impl FnMut(Sequence, WriteBatch),
        mut refuse: impl FnMut(WriteBatch),
    ) {
        let mut entries = self.entries.lock();
        let at = entries.partition_point(|e| e.sequence < sequence);
        if let Some(entry) = entries.get_mut(at).filter(|e| e.sequence == sequence) {
            entry.fate = if durable { Fate::Durable } else { Fate::Refused };
        }
        while let Some(entry) = entries.pop_front_if(|e| e.fate != Fate::Waiting) {
            let sequence = entry.sequence;
            if entry.fate == Fate::Durable {
                apply(sequence, entry.batch);
            } else {
                refuse(entry.batch);
            }
            self.done.send_replace(sequence);
        }
    }

    /// Waits until the batch of `sequence` and all before it are applied or given up.
    pub(super) async fn wait(&self, sequence: Sequence) {
        let mut done = self.done.subscribe();
        // The sender lives as long as this queue, so waiting cannot fail.
        let _ = done.wait_for(|d| *d >= sequence).await;
    }
}
