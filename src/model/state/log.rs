//! What is known of the write-ahead log, as part of a state: up to where it is needed no more, and what must not be replayed.

use super::{ApplyError, State, inconsistent};
use crate::model::ids::{LogId, PolicyId, Sequence};
use std::sync::Arc;

impl State {
    /// All records of the write-ahead log up to this one are in files, or were dropped.
    #[must_use]
    pub fn flushed_through(&self) -> Sequence {
        self.flushed_through
    }

    /// The log that this is said of. Records of another log are in no file, whatever their sequences. `None` when it was not
    /// noted, as in stores of earlier versions.
    #[must_use]
    pub fn flushed_log(&self) -> Option<&LogId> {
        self.flushed_log.as_ref()
    }

    /// Records up to this one must not be replayed into a table of this policy and name, because such
    /// a table was dropped after them. [`Sequence::ZERO`] when there is none.
    #[must_use]
    pub fn dropped_through(&self, policy: PolicyId, name: &str) -> Sequence {
        self.dropped.get_by(|(p, n)| (*p, n.as_ref()).cmp(&(policy, name))).copied().unwrap_or(Sequence::ZERO)
    }

    /// The last record that must not be replayed into some table that was dropped; [`Sequence::ZERO`] when there is none.
    #[must_use]
    pub fn last_dropped_through(&self) -> Sequence {
        self.dropped.iter().map(|(_, through)| *through).max().unwrap_or(Sequence::ZERO)
    }

    pub(super) fn flushed(&mut self, through: Sequence, log: Option<&LogId>) -> Result<(), ApplyError> {
        if through < self.flushed_through {
            return Err(inconsistent("flush", through, "a later one was recorded before"));
        }
        self.flushed_through = through;
        self.flushed_log = log.cloned();
        self.retain_dropped(|_, dropped_through| dropped_through > through);
        Ok(())
    }

    pub(super) fn remember_dropped(&mut self, policy: PolicyId, name: &Arc<str>, through: Sequence) {
        if through > self.flushed_through.max(self.dropped_through(policy, name)) {
            self.dropped.insert((policy, name.clone()), through);
        }
    }

    pub(super) fn retain_dropped(&mut self, keep: impl Fn(PolicyId, Sequence) -> bool) {
        let gone: Vec<_> =
            self.dropped.iter().filter(|((p, _), s)| !keep(*p, **s)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.dropped.remove(&key);
        }
    }
}
