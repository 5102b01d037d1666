//! The queue of a subscription and its two ends.

use super::counts::{SubscriptionCounts, SubscriptionStatus, Totals};
use super::memory::Held;
use crate::model::batch::TableRows;
use crate::model::subscription::SubscriptionInfo;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

/// The rows of one write that were accepted.
#[derive(Debug)]
pub struct AcceptedWrite {
    /// The rows, each with its time.
    pub tables: Vec<TableRows>,
    /// How many rows that are.
    pub point_count: usize,
    /// The memory of the rows.
    pub held: Held,
}

/// Whose writes a queue holds, and for which subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The name of the database.
    pub database: Arc<str>,
    /// The name of the retention policy.
    pub policy: Arc<str>,
    /// The subscription.
    pub subscription: Arc<SubscriptionInfo>,
}

/// The end that writes are put in at.
#[derive(Debug)]
pub(super) struct Queue {
    target: Arc<Target>,
    writes: mpsc::Sender<Arc<AcceptedWrite>>,
    ended: CancellationToken,
    counts: Arc<SubscriptionCounts>,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    NoRoom,
    /// Nobody takes it out any more.
    Closed,
}

/// The end that writes are taken out at. Once it is dropped, no more writes are queued.
#[derive(Debug)]
pub struct Outgoing {
    target: Arc<Target>,
    writes: mpsc::Receiver<Arc<AcceptedWrite>>,
    ended: CancellationToken,
    counts: Arc<SubscriptionCounts>,
}

impl Queue {
    pub(super) fn new(target: Target, writes_max: usize, totals: Arc<Totals>) -> (Self, Outgoing) {
        let counts = Arc::new(SubscriptionCounts::new(target.subscription.destinations.len(), totals));
        let (target, ended) = (Arc::new(target), CancellationToken::new());
        let (sender, writes) = mpsc::channel(writes_max.max(1));
        let outgoing =
            Outgoing { target: target.clone(), writes, ended: ended.clone(), counts: counts.clone() };
        (Self { target, writes: sender, ended, counts }, outgoing)
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn counts(&self) -> &SubscriptionCounts {
        &self.counts
    }

    pub(super) fn status(&self) -> SubscriptionStatus {
        self.counts.status(self.target.clone())
    }

    pub(super) fn push(&self, write: Arc<AcceptedWrite>) -> Pushed {
        match self.writes.try_send(write) {
            Ok(()) => Pushed::Queued,
            Err(TrySendError::Full(_)) => Pushed::NoRoom,
            Err(TrySendError::Closed(_)) => Pushed::Closed,
        }
    }

    /// Says at the other end that the subscription is no more.
    pub(super) fn end(&self) {
        self.ended.cancel();
    }
}

impl Outgoing {
    /// What the queue is for.
    #[must_use]
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Where is noted what became of writes.
    #[must_use]
    pub fn counts(&self) -> &Arc<SubscriptionCounts> {
        &self.counts
    }

    /// Tells when the subscription is no more: what is under way is to be given up.
    #[must_use]
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// The next write, oldest first; waited for. `None` when the subscription is no more, or when the outbox is closed and
    /// nothing is left. No write is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Arc<AcceptedWrite>> {
        tokio::select! {
            biased;
            () = self.ended.cancelled() => None,
            write = self.writes.recv() => write,
        }
    }
}
