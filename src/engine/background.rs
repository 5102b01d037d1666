//! What the engine does by itself: flushing when the buffer is large or old.

use super::Engine;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the age of the oldest buffered row is looked at.
const AGE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a failed flush rests before it is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Starts the background tasks. They end when the engine is shut down or dropped, and do not keep it alive.
pub(super) fn start(engine: &Arc<Engine>) {
    let (wanted, engine) = (engine.flush_wanted.clone(), Arc::downgrade(engine));
    tokio::spawn(async move {
        loop {
            // Woken by a writer that filled the buffer, or by the clock.
            let _ = tokio::time::timeout(AGE_CHECK_INTERVAL, wanted.notified()).await;
            let Some(engine) = engine.upgrade().filter(|e| !e.closed.load(Ordering::Acquire)) else { return };
            if !engine.flush_is_due() {
                continue;
            }
            if let Err(error) = engine.flush().await {
                tracing::error!(%error, "a flush failed and will be tried again");
                drop(engine);
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        }
    });
}

impl Engine {
    fn flush_is_due(&self) -> bool {
        let full = self.counters.buffer_bytes.load(Ordering::Relaxed) >= self.options.flush_bytes;
        let stuck = self.counters.flushing_bytes.load(Ordering::Relaxed) >= self.options.flush_bytes;
        full || stuck || self.oldest_age().is_some_and(|age| age >= self.options.flush_age)
    }

    /// The age of the oldest buffered row.
    fn oldest_age(&self) -> Option<Duration> {
        let oldest = self.counters.oldest_ns.load(Ordering::Relaxed);
        let now = u64::try_from(self.clock.now_ns()).unwrap_or(0);
        (oldest > 0).then(|| Duration::from_nanos(now.saturating_sub(oldest)))
    }
}
