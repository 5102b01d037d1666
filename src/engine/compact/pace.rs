//! How much of its time compaction works, so that reads and writes have the rest.

use std::time::{Duration, Instant};

/// Work is rested from when so much of it was done.
const STRETCH: Duration = Duration::from_millis(20);

/// The share of time to work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Time of rest for each second of work.
    rest: f64,
}

impl Pace {
    /// Works the whole time.
    pub(super) fn full() -> Self {
        Self { rest: 0.0 }
    }

    /// Works this share of the time; > 0, and all of it from 1.
    pub(super) fn new(share: f64) -> Self {
        Self { rest: (1.0 / share.max(0.01) - 1.0).max(0.0) }
    }

    /// Begins to work.
    pub(super) fn start(self) -> Stopwatch {
        Stopwatch { pace: self, started: Instant::now() }
    }
}

/// Measures stretches of work.
#[derive(Debug)]
pub(super) struct Stopwatch {
    pace: Pace,
    started: Instant,
}

impl Stopwatch {
    /// To be called between steps: rests when it is time to.
    pub(super) async fn rest(&mut self) {
        if self.started.elapsed() >= STRETCH {
            self.rest_now().await;
        }
    }

    /// To be called after the last step: rests from what was done since the last rest, however little that was.
    pub(super) async fn end(mut self) {
        self.rest_now().await;
    }

    async fn rest_now(&mut self) {
        if self.pace.rest > 0.0 {
            tokio::time::sleep(self.started.elapsed().mul_f64(self.pace.rest)).await;
            self.started = Instant::now();
        }
    }
}
