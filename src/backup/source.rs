//! Where a backup comes from.

use super::BackupError;
use super::object::Parts;
use crate::clock::Clock;
use crate::manifest::format::{Checkpoint, encode_checkpoint};
use crate::manifest::snapshot;
use crate::object::{Store, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

/// A state and its data files: a running server, or the store of a stopped one.
#[async_trait]
pub trait Source: Send + Sync {
    /// The bytes of a checkpoint ([`crate::manifest::format`]) whose files hold all that was acknowledged before the call.
    ///
    /// # Errors
    /// When the source fails.
    async fn cut(&self) -> Result<Bytes, BackupError>;

    /// The bytes of a data file of a cut, as they come.
    ///
    /// # Errors
    /// [`BackupError::Gone`] when it is not there any more; others when the source fails. The stream's errors are the same ones.
    async fn file(&self, path: &str) -> Result<Parts, BackupError>;
}

/// A store that nobody writes to, or whose last flush is good enough.
#[derive(Clone, Debug)]
pub struct StoreSource {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl StoreSource {
    /// The manifest and the data files of `store`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl Source for StoreSource {
    async fn cut(&self) -> Result<Bytes, BackupError> {
        let snapshot = snapshot::read(&self.store, self.clock.now_ns()).await?;
        if snapshot.stamp.number == 0 {
            return Err(BackupError::NotFound(format!("there is no data in {}", self.store.url())));
        }
        encode(snapshot).await
    }

    async fn file(&self, path: &str) -> Result<Parts, BackupError> {
        let (_, parts) = self.store.read(path).await.map_err(of_file)?;
        Ok(parts.map_err(of_file).boxed())
    }
}

fn of_file(error: StoreError) -> BackupError {
    match error {
        StoreError::NotFound { path } => BackupError::Gone { path },
        other => BackupError::Store(other),
    }
}

/// A large state takes long to encode.
async fn encode(checkpoint: Checkpoint) -> Result<Bytes, BackupError> {
    let encoded = tokio::task::spawn_blocking(move || encode_checkpoint(&checkpoint)).await;
    encoded.map_err(|panic| BackupError::Remote(panic.to_string()))
}
