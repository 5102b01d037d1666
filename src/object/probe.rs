//! The check at start-up that a store can be used: reachable, writable, readable, and honest about
//! create-if-absent. Some S3-compatible stores ignore `If-None-Match` and overwrite; the manifest would
//! lose edits there, so they are refused before any data is entrusted to them.

use super::{Creation, Store, StoreError, layout};
use bytes::Bytes;
use std::time::Duration;

/// Longest time that the probe may take. Retries of single requests end well before.
const PROBE_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) async fn probe(store: &Store) -> Result<(), StoreError> {
    let path = layout::new_probe();
    match tokio::time::timeout(PROBE_TIMEOUT, probe_object(store, &path)).await {
        Ok(result) => result,
        Err(elapsed) => Err(StoreError::Failed { action: "probe", path, source: Box::new(elapsed) }),
    }
}

async fn probe_object(store: &Store, path: &str) -> Result<(), StoreError> {
    let first = Bytes::from_static(b"tidegauge probe: first\n");
    let second = Bytes::from_static(b"tidegauge probe: second\n");
    // The name is new, so an object that is there already stems from an attempt whose answer was lost.
    store.create(path, first.clone()).await?;
    let again = store.create(path, second).await;
    let found = store.get(path).await;
    store.delete(path).await?;
    if again? == Creation::AlreadyExists && found? == first {
        Ok(())
    } else {
        Err(StoreError::NoConditionalCreate { url: store.url().into() })
    }
}
