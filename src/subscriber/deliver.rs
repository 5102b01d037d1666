//! Which destinations of a subscription a write goes to, and what is counted.

use super::destination::Destination;
use super::error::SendError;
use super::lines::Parts;
use crate::model::limits::FORWARD_BODY_BYTES;
use crate::model::subscription::SubscriptionMode;
use crate::outbox::{AcceptedWrite, Outgoing, SubscriptionCounts, Target};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A subscription that writes are handed on for.
#[derive(Debug)]
pub(super) struct Subscription {
    target: Arc<Target>,
    client: reqwest::Client,
    destinations: Vec<Destination>,
    counts: Arc<SubscriptionCounts>,
    /// ANY: the destination that the next write is tried at first; counts on past the last one.
    next: AtomicUsize,
}

impl Subscription {
    pub(super) fn new(outgoing: &Outgoing, client: reqwest::Client) -> Self {
        let target = outgoing.target().clone();
        let urls = target.subscription.destinations.iter();
        let destinations = urls.map(|url| Destination::new(url, &target)).collect();
        Self { destinations, client, counts: outgoing.counts().clone(), next: AtomicUsize::new(0), target }
    }

    /// Hands a write on, once. As in InfluxDB 1.x it counts as failed when a destination has failed, although another one may have
    /// taken it.
    pub(super) async fn deliver(&self, write: &AcceptedWrite) {
        let is_taken = match self.target.subscription.mode {
            SubscriptionMode::All => self.deliver_to_all(write).await,
            SubscriptionMode::Any => self.deliver_to_any(write).await,
        };
        if is_taken {
            self.counts.written(write.point_count);
        } else {
            self.counts.failed();
        }
    }

    /// To every destination, at the same time. Whether all have taken it.
    async fn deliver_to_all(&self, write: &AcceptedWrite) -> bool {
        let mut sent: Vec<Result<(), SendError>> = self.destinations.iter().map(|_| Ok(())).collect();
        for part in Parts::new(write, FORWARD_BODY_BYTES) {
            let part = &part;
            let ready = self.destinations.iter().zip(&mut sent).filter(|(_, sent)| sent.is_ok());
            join_all(ready.map(|(destination, sent)| async move {
                *sent = match part {
                    Ok(part) => destination.send(&self.client, part).await,
                    Err(error) => Err(SendError::Lines(error.to_string())),
                };
            }))
            .await;
        }
        for (at, sent) in sent.iter().enumerate() {
            self.note(at, sent, write);
        }
        sent.iter().all(Result::is_ok)
    }

    /// To one destination after the other until one has taken it. Whether the first has.
    async fn deliver_to_any(&self, write: &AcceptedWrite) -> bool {
        let count = self.destinations.len();
        // Each write counts from its own starting point, so that a write that fails over tries every destination once,
        // whatever concurrent writes do.
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for failures in 0..count {
            let at = first.wrapping_add(failures) % count;
            let sent = self.send_to(&self.destinations[at], write).await;
            self.note(at, &sent, write);
            if sent.is_ok() {
                // The next write starts at the destination behind the one that has taken this write.
                self.next.fetch_add(failures, Ordering::Relaxed);
                return failures == 0;
            }
        }
        false
    }

    async fn send_to(&self, destination: &Destination, write: &AcceptedWrite) -> Result<(), SendError> {
        for part in Parts::new(write, FORWARD_BODY_BYTES) {
            let part = part.map_err(|error| SendError::Lines(error.to_string()))?;
            destination.send(&self.client, &part).await?;
        }
        Ok(())
    }

    /// Counts and logs what became of a write at a destination.
    fn note(&self, at: usize, sent: &Result<(), SendError>, write: &AcceptedWrite) {
        self.destinations[at].log(&self.target, sent);
        let Some(counts) = self.counts.destinations().get(at) else { return };
        if sent.is_ok() { counts.written(write.point_count) } else { counts.failed() }
    }
}
