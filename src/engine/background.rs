//! What the engine does by itself: flushing when the buffer is large or old, and the upkeep of files.

use super::Engine;
use super::error::EngineError;
use crate::manifest::ManifestError;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often the age of the oldest buffered row is looked at.
const AGE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a failed flush rests before it is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How long a compaction that failed rests before it is tried again.
const COMPACTION_RETRY_INTERVAL: Duration = Duration::from_secs(60);

/// How often orphans are looked for.
const ORPHANS_INTERVAL: Duration = Duration::from_secs(6 * 3_600);

/// Starts the background tasks. They end when the engine is shut down or dropped, or has learned that another server has taken
/// over, and do not keep it alive.
pub(super) fn start(engine: &Arc<Engine>) {
    start_flushing(engine);
    engine.warming().map(tokio::spawn);
    if let Some(interval) = engine.options.upkeep_interval {
        tokio::spawn(keep_up(Arc::downgrade(engine), interval));
        tokio::spawn(collect_orphans(Arc::downgrade(engine)));
        if engine.options.compaction.enabled {
            tokio::spawn(compact(Arc::downgrade(engine), interval));
        }
    }
}

/// Reads on in the manifest that another process writes. Ends as the others do.
pub(super) fn start_following(engine: &Arc<Engine>) {
    engine.warming().map(tokio::spawn);
    if let Some(interval) = engine.options.follow_interval {
        tokio::spawn(follow(Arc::downgrade(engine), interval));
    }
}

/// Shows queries what the writer has done, every `interval`. What fails is told once, not each time.
async fn follow(engine: Weak<Engine>, interval: Duration) {
    let mut has_failed = false;
    loop {
        tokio::time::sleep(interval).await;
        let Some(engine) = running(&engine) else { return };
        let refreshed = engine.refresh().await;
        match &refreshed {
            Ok(_) if has_failed => tracing::info!("the manifest can be read again"),
            Ok(_) => {}
            Err(error) if has_failed => tracing::debug!(%error, "the manifest cannot be read"),
            Err(error) => {
                tracing::error!(%error, "the manifest cannot be read; queries see what was read before");
            }
        }
        has_failed = refreshed.is_err();
    }
}

/// Drops files that have expired and deletes what nothing names, every `interval`, after asking whether another server has taken
/// over: one that has nothing to write would not notice.
async fn keep_up(engine: Weak<Engine>, interval: Duration) {
    loop {
        let Some(engine) = running(&engine) else { return };
        match engine.check_is_newest().await {
            Ok(()) => {}
            Err(EngineError::Manifest(ManifestError::Fenced { .. })) => return, // the manifest has told of it
            Err(error) => tracing::warn!(%error, "it is not known whether another server has taken over"),
        }
        if let Err(error) = engine.drop_dead_files().await {
            tracing::error!(%error, "files that have expired could not be dropped and will be tried again");
        }
        engine.collect_unreferenced().await;
        drop(engine);
        tokio::time::sleep(interval).await;
    }
}

/// Compacts what is due, every `interval`. That a disk has no room for it is told once, not each time.
async fn compact(engine: Weak<Engine>, interval: Duration) {
    let mut has_room = true;
    loop {
        let Some(engine) = running(&engine) else { return };
        let rest = match engine.compact_gently().await {
            Ok(_) => {
                if !has_room {
                    tracing::info!("the disk has room to merge files again");
                }
                has_room = true;
                interval
            }
            Err(EngineError::Closed) => return,
            Err(error @ EngineError::NoRoom { .. }) => {
                if has_room {
                    tracing::warn!(%error, "files are not merged until there is more room");
                }
                has_room = false;
                COMPACTION_RETRY_INTERVAL
            }
            Err(error) => {
                tracing::error!(%error, "a compaction failed and will be tried again");
                COMPACTION_RETRY_INTERVAL
            }
        };
        drop(engine);
        tokio::time::sleep(rest).await;
    }
}

/// Deletes what crashes left behind, at the start and now and then.
async fn collect_orphans(engine: Weak<Engine>) {
    loop {
        let Some(engine) = running(&engine) else { return };
        match engine.collect_orphans(engine.options.orphans_after).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "deleted data files that nothing names"),
            Err(error) => tracing::warn!(%error, "data files that nothing names could not all be deleted"),
        }
        drop(engine);
        tokio::time::sleep(ORPHANS_INTERVAL).await;
    }
}

/// The engine, unless it was dropped or shut down, or is known to be fenced: then it has nothing to do any more.
fn running(engine: &Weak<Engine>) -> Option<Arc<Engine>> {
    engine.upgrade().filter(|engine| !engine.closed.load(Ordering::Acquire) && !engine.is_fenced())
}

fn start_flushing(engine: &Arc<Engine>) {
    let (wanted, engine) = (engine.flush_wanted.clone(), Arc::downgrade(engine));
    tokio::spawn(async move {
        loop {
            // Woken by a writer that filled the buffer, or by the clock.
            let _ = tokio::time::timeout(AGE_CHECK_INTERVAL, wanted.notified()).await;
            let Some(engine) = running(&engine) else { return };
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
        let full = self.buffer_memory.waiting_bytes() >= self.options.flush_bytes;
        // What a flush that failed, or was given up, has left.
        let is_left = self.buffer_memory.flushing_bytes() > 0;
        full || is_left || self.oldest_age().is_some_and(|age| age >= self.options.flush_age)
    }

    /// The age of the oldest buffered row.
    fn oldest_age(&self) -> Option<Duration> {
        let oldest = self.counters.oldest_ns.load(Ordering::Relaxed);
        let now = u64::try_from(self.clock.now_ns()).unwrap_or(0);
        (oldest > 0).then(|| Duration::from_nanos(now.saturating_sub(oldest)))
    }
}
