//! The share of memory that one query may take.

use datafusion::common::DataFusionError;
use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use std::fmt;
use std::sync::Arc;

/// A part of a pool: what one query holds is bounded by a limit of its own, and counts in the pool of all queries too.
///
/// Within the limit those that can spill share evenly. Else the first sort of several would take all, and the second
/// find nothing to begin with.
#[derive(Debug)]
pub struct QueryMemoryPool {
    all: Arc<dyn MemoryPool>,
    bytes_max: usize,
    own: FairSpillPool,
}

impl QueryMemoryPool {
    /// A part of `all` of at most `bytes_max` bytes.
    #[must_use]
    pub fn new(all: Arc<dyn MemoryPool>, bytes_max: usize) -> Self {
        Self { all, bytes_max, own: FairSpillPool::new(bytes_max) }
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
        self.own.register(consumer);
        self.all.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
        self.all.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if self.own.try_grow(reservation, additional).is_err() {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "the query needs more than its share of memory, {} bytes",
                self.bytes_max
            )));
        }
        self.all.try_grow(reservation, additional).inspect_err(|_| self.own.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes_max)
    }
}
