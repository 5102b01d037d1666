//! Layer 0: the time of day, passed in so that tests and the simulation can turn the clock.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    fn now_ns(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ns(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        }
    }
}

/// A clock that stands until it is set.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<i64>>);

impl ManualClock {
    /// A clock that shows `now_ns`.
    #[must_use]
    pub fn new(now_ns: i64) -> Self {
        Self(Arc::new(Mutex::new(now_ns)))
    }

    /// Sets the clock.
    pub fn set(&self, now_ns: i64) {
        *self.0.lock() = now_ns;
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> i64 {
        *self.0.lock()
    }
}
