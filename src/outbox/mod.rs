//! Layer 2: accepted rows on their way to subscriptions: a bounded queue for each, in memory only.
//!
//! ```text
//! acknowledged rows ─ push ─▶ the queue of each subscription of their policy ─ next ─▶ who hands them on
//!                       └─ no room: dropped and counted
//! changed catalog ─ follow ─▶ queues begin ([`Outgoing`]) and end
//! ```
//!
//! Nothing here waits, so that no write does: rows that find no room in a queue, or in the memory that all queues share, are
//! dropped. Rows that go to several subscriptions are held once. How they travel on, and to whom, is not known here; what came of
//! it is noted in [`SubscriptionCounts`], which everybody reads from [`Outbox::status`].
//!
//! | file | what it knows |
//! |---|---|
//! | `memory` | the bytes that all queues hold together |
//! | `queue` | the rows of a write, and the two ends of a queue |
//! | `counts` | what is counted, and how it is told |

mod counts;
mod memory;
mod queue;
#[cfg(test)]
mod tests;

pub use counts::{
    DestinationCounts, DestinationStatus, OutboxStatus, SubscriptionCounts, SubscriptionStatus,
};
pub use memory::Held;
pub use queue::{AcceptedWrite, Outgoing, Target};

use crate::model::batch::TableRows;
use crate::model::ids::PolicyId;
use crate::model::state::State;
use ahash::AHashMap;
use arc_swap::ArcSwap;
use counts::Totals;
use memory::Memory;
use parking_lot::Mutex;
use queue::{Pushed, Queue};
use std::sync::Arc;
use tokio::sync::mpsc;

/// How much waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Writes in the queue of one subscription; > 0.
    pub writes_max: usize,
    /// Memory of all writes that wait or are being handed on, in bytes.
    pub bytes_max: usize,
}

/// The queues of all subscriptions.
#[derive(Debug)]
pub struct Outbox {
    limits: OutboxLimits,
    memory: Arc<Memory>,
    totals: Arc<Totals>,
    /// By policy; policies without a queue are not listed. Replaced only while `opened` is locked.
    queues: ArcSwap<AHashMap<PolicyId, Vec<Arc<Queue>>>>,
    /// Where new queues are announced; `None` once closed.
    opened: Mutex<Option<mpsc::UnboundedSender<Outgoing>>>,
}

impl Outbox {
    /// An outbox without queues, and the channel that the other end of each new queue is sent to.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> (Self, mpsc::UnboundedReceiver<Outgoing>) {
        let (opened, openings) = mpsc::unbounded_channel();
        let outbox = Self {
            limits,
            memory: Arc::new(Memory::new(limits.bytes_max)),
            totals: Arc::default(),
            queues: ArcSwap::default(),
            opened: Mutex::new(Some(opened)),
        };
        (outbox, openings)
    }

    /// Opens queues for the subscriptions that are new in `state` and ends those of subscriptions that are not in it. What waits in
    /// a queue that ends is not handed on.
    pub fn follow(&self, state: &State) {
        let opened = self.opened.lock();
        let Some(opened) = &*opened else { return };
        let before = self.queues.load_full();
        if before.is_empty() && state.subscriptions().next().is_none() {
            return;
        }
        let mut queues: AHashMap<PolicyId, Vec<Arc<Queue>>> = AHashMap::default();
        for info in state.subscriptions() {
            let Some(policy) = state.policy_by_id(info.policy) else { continue };
            let Some(database) = state.database_by_id(policy.database) else { continue };
            let (database, policy) = (database.name.clone(), policy.name.clone());
            let target = Target { database, policy, subscription: info.clone() };
            let of_policy = before.get(&info.policy);
            let known = of_policy.and_then(|queues| queues.iter().find(|queue| queue.target() == &target));
            let queue = known.cloned().unwrap_or_else(|| {
                let (queue, outgoing) = Queue::new(target, self.limits.writes_max, self.totals.clone());
                // An error means that nobody hands writes on any more. The other end of the queue is dropped with it, which
                // closes the queue.
                let _ = opened.send(outgoing);
                Arc::new(queue)
            });
            queues.entry(info.policy).or_default().push(queue);
        }
        let is_left = |queue: &Arc<Queue>| queues.values().flatten().any(|left| Arc::ptr_eq(left, queue));
        before.values().flatten().filter(|queue| !is_left(queue)).for_each(|queue| queue.end());
        self.queues.store(Arc::new(queues));
    }

    /// Whether writes into a policy are for anybody.
    #[must_use]
    pub fn takes(&self, policy: PolicyId) -> bool {
        let queues = self.queues.load();
        !queues.is_empty() && queues.contains_key(&policy)
    }

    /// Puts rows into the queues of their policy, as far as there is room. Returns at once.
    pub fn push(&self, policy: PolicyId, tables: Vec<TableRows>) {
        let queues = self.queues.load();
        let Some(queues) = queues.get(&policy) else { return };
        let point_count: usize = tables.iter().map(TableRows::row_count).sum();
        let bytes = tables.iter().map(TableRows::memory_bytes).sum();
        let held = self.memory.take(bytes);
        let write = held.map(|held| Arc::new(AcceptedWrite { tables, point_count, held }));
        for queue in queues {
            let pushed = write.clone().map_or(Pushed::NoRoom, |write| queue.push(write));
            match pushed {
                Pushed::Queued => self.totals.queued(),
                Pushed::NoRoom => {
                    self.totals.dropped(point_count);
                    if queue.counts().dropped() {
                        let Target { database, policy, subscription } = queue.target();
                        let name = &subscription.name;
                        tracing::warn!(%database, %policy, %name, "a write was not handed on: too many wait already");
                    }
                }
                Pushed::Closed => {}
            }
        }
    }

    /// A write outside of all queues, for tests.
    #[cfg(test)]
    pub(crate) fn accepted(&self, tables: Vec<TableRows>) -> AcceptedWrite {
        let point_count = tables.iter().map(TableRows::row_count).sum();
        let held = self.memory.take(0).expect("nothing fits always");
        AcceptedWrite { tables, point_count, held }
    }

    /// Takes nothing more. What waits can be taken out still; then the queues end.
    pub fn close(&self) {
        let mut opened = self.opened.lock();
        *opened = None;
        self.queues.store(Arc::default());
    }

    /// What was counted, and what waits.
    #[must_use]
    pub fn status(&self) -> OutboxStatus {
        let queues = self.queues.load();
        let mut subscriptions: Vec<_> = queues.values().flatten().map(|queue| queue.status()).collect();
        subscriptions.sort_by_key(|status| status.target.subscription.id);
        OutboxStatus { subscriptions, held_bytes: self.memory.held_bytes(), ..self.totals.status() }
    }
}
