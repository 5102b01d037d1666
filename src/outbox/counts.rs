//! What is counted about subscriptions, since the server started or the subscription was made.

use super::queue::Target;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Over all subscriptions, those included that are no more.
#[derive(Debug, Default)]
pub(super) struct Totals {
    create_failures: AtomicU64,
    points_written: AtomicU64,
    write_failures: AtomicU64,
    writes_queued: AtomicU64,
    writes_dropped: AtomicU64,
    points_dropped: AtomicU64,
}

impl Totals {
    pub(super) fn queued(&self) {
        self.writes_queued.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, point_count: usize) {
        self.writes_dropped.fetch_add(1, Ordering::Relaxed);
        self.points_dropped.fetch_add(point_count as u64, Ordering::Relaxed);
    }

    /// All totals; what else a status says is empty.
    pub(super) fn status(&self) -> OutboxStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        OutboxStatus {
            create_failures: read(&self.create_failures),
            points_written: read(&self.points_written),
            write_failures: read(&self.write_failures),
            writes_queued: read(&self.writes_queued),
            writes_dropped: read(&self.writes_dropped),
            points_dropped: read(&self.points_dropped),
            ..OutboxStatus::default()
        }
    }
}

/// What became of the writes of one subscription. Its destinations have the places that they have in the statement.
#[derive(Debug)]
pub struct SubscriptionCounts {
    totals: Arc<Totals>,
    writes_dropped: AtomicU64,
    is_dropping: AtomicBool,
    destinations: Vec<DestinationCounts>,
}

/// What became of the writes to one destination.
#[derive(Debug, Default)]
pub struct DestinationCounts {
    points_written: AtomicU64,
    write_failures: AtomicU64,
}

impl DestinationCounts {
    /// The destination has taken a write of so many points.
    pub fn written(&self, point_count: usize) {
        self.points_written.fetch_add(point_count as u64, Ordering::Relaxed);
    }

    /// The destination has not taken a write.
    pub fn failed(&self) {
        self.write_failures.fetch_add(1, Ordering::Relaxed);
    }
}

impl SubscriptionCounts {
    pub(super) fn new(destination_count: usize, totals: Arc<Totals>) -> Self {
        let mut destinations = Vec::new();
        destinations.resize_with(destination_count, DestinationCounts::default);
        Self { totals, writes_dropped: AtomicU64::new(0), is_dropping: AtomicBool::new(false), destinations }
    }

    /// What became of the writes to each destination.
    #[must_use]
    pub fn destinations(&self) -> &[DestinationCounts] {
        &self.destinations
    }

    /// Nothing can be handed on for this subscription at all.
    pub fn could_not_start(&self) {
        self.totals.create_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A write of so many points was taken by every destination that was asked.
    pub fn written(&self, point_count: usize) {
        self.totals.points_written.fetch_add(point_count as u64, Ordering::Relaxed);
        self.is_dropping.store(false, Ordering::Relaxed);
    }

    /// A destination that was asked has not taken a write.
    pub fn failed(&self) {
        self.totals.write_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A write has found no room. Whether that is news: nothing was handed on successfully since the last time it was.
    pub(super) fn dropped(&self) -> bool {
        self.writes_dropped.fetch_add(1, Ordering::Relaxed);
        !self.is_dropping.swap(true, Ordering::Relaxed)
    }

    pub(super) fn status(&self, target: Arc<Target>) -> SubscriptionStatus {
        let counts = self.destinations.iter().map(|counts| DestinationStatus {
            points_written: counts.points_written.load(Ordering::Relaxed),
            write_failures: counts.write_failures.load(Ordering::Relaxed),
        });
        SubscriptionStatus {
            target,
            writes_dropped: self.writes_dropped.load(Ordering::Relaxed),
            destinations: counts.collect(),
        }
    }
}

/// What operators ask about subscriptions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutboxStatus {
    /// Subscriptions that nothing could be handed on for.
    pub create_failures: u64,
    /// Points of writes that every destination that was asked has taken.
    pub points_written: u64,
    /// Writes that a destination that was asked has not taken; another one may have.
    pub write_failures: u64,
    /// Writes that found room, once for each subscription.
    pub writes_queued: u64,
    /// Writes that found no room, once for each subscription.
    pub writes_dropped: u64,
    /// The points of those.
    pub points_dropped: u64,
    /// Memory of the writes that wait or are being handed on.
    pub held_bytes: usize,
    /// The subscriptions that there are, in the order in which they were created.
    pub subscriptions: Vec<SubscriptionStatus>,
}

/// What operators ask about one subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionStatus {
    /// Which one.
    pub target: Arc<Target>,
    /// Writes that found no room.
    pub writes_dropped: u64,
    /// By destination, in the order of the statement.
    pub destinations: Vec<DestinationStatus>,
}

/// What operators ask about one destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DestinationStatus {
    /// Points of writes that it has taken.
    pub points_written: u64,
    /// Writes that it has not taken.
    pub write_failures: u64,
}
