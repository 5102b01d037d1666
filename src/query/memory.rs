//! The share of memory that one query may take.

use datafusion::common::DataFusionError;
use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;

/// The part of a query's memory that all consumers that can spill share. The rest is left to those that cannot, such as the
/// merge of sorted parts.
const SPILLABLE_PERCENT: usize = 50;

/// Refusals after which a query gets no more memory at all. A large sort is refused once for each part that it spills,
/// which is fine. But when memory is too short for DataFusion's merge of spilled parts, it splits batches and tries again
/// for ever, unless already its first request is refused.
const REFUSALS_MAX: usize = 2_000;

/// A part of a pool: what one query holds is bounded by a limit of its own, and counts in the pool of all queries too.
///
/// Consumers that can spill share a part of it evenly. Otherwise the first of several sorts would take all memory, the
/// second would have none to begin with, and none would be left for the merge of their results.
#[derive(Debug)]
pub struct QueryMemoryPool {
    all: Arc<dyn MemoryPool>,
    bytes_max: usize,
    held: Mutex<Held>,
}

/// What the consumers of a query hold.
#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    /// Consumers that can spill.
    spilling: usize,
    /// How often a consumer was refused.
    refusals: usize,
}

impl QueryMemoryPool {
    /// A part of `all` of at most `bytes_max` bytes.
    #[must_use]
    pub fn new(all: Arc<dyn MemoryPool>, bytes_max: usize) -> Self {
        Self { all, bytes_max, held: Mutex::default() }
    }

    /// The most that a consumer may hold.
    fn share(&self, consumer: &MemoryConsumer, held: &Held) -> usize {
        match consumer.can_spill() {
            true => self.bytes_max / 100 * SPILLABLE_PERCENT / held.spilling.max(1),
            false => self.bytes_max,
        }
    }
}

impl fmt::Display for QueryMemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} bytes of {}", self.bytes_max, self.all)
    }
}

impl MemoryPool for QueryMemoryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.held.lock().spilling += usize::from(consumer.can_spill());
        self.all.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.held.lock().spilling -= usize::from(consumer.can_spill());
        self.all.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.held.lock().bytes += additional;
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.held.lock().bytes -= shrink;
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut held = self.held.lock();
        let share = self.share(reservation.consumer(), &held);
        let fits = |held: usize, bytes_max| held.checked_add(additional).is_some_and(|sum| sum <= bytes_max);
        let is_hopeless = held.refusals > REFUSALS_MAX;
        if is_hopeless || !fits(reservation.size(), share) || !fits(held.bytes, self.bytes_max) {
            held.refusals += 1;
            return Err(DataFusionError::ResourcesExhausted(format!(
                "the query needs more than its share of memory, {} bytes",
                self.bytes_max
            )));
        }
        self.all.try_grow(reservation, additional).inspect_err(|_| held.refusals += 1)?;
        held.bytes += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.held.lock().bytes
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::memory_pool::UnboundedMemoryPool;

    fn pool(bytes_max: usize) -> Arc<dyn MemoryPool> {
        Arc::new(QueryMemoryPool::new(Arc::new(UnboundedMemoryPool::default()), bytes_max))
    }

    #[test]
    fn those_that_spill_share_a_half() {
        let pool = pool(1_000);
        let [first, second] =
            ["first", "second"].map(|name| MemoryConsumer::new(name).with_can_spill(true).register(&pool));
        assert!(first.try_grow(251).is_err());
        first.try_grow(250).unwrap();
        second.try_grow(250).unwrap();
        let merging = MemoryConsumer::new("merging").register(&pool);
        merging.try_grow(500).unwrap();
        assert!(merging.try_grow(1).is_err());
    }

    #[test]
    fn a_query_that_is_refused_over_and_over_gets_nothing_more() {
        let pool = pool(1_000);
        let consumer = MemoryConsumer::new("merging").register(&pool);
        for _ in 0..=REFUSALS_MAX {
            consumer.try_grow(1).expect("there is room");
            consumer.shrink(1);
            consumer.try_grow(1_001).expect_err("there is no room");
        }
        consumer.try_grow(1).expect_err("it has been refused too often");
    }
}
