//! What a backup needs: a state whose files hold all that was acknowledged, and the bytes of these files.
//!
//! The state is a prefix of the log: it has every write up to one record, whole, and none after it. Its files are never
//! changed; one that compaction or retention has removed since may be collected, so a reader of files has to be ready to find
//! one missing and to take a newer cut.

use super::Engine;
use super::error::EngineError;
use crate::manifest::format::Checkpoint;
use crate::object::StoreError;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::sync::atomic::Ordering;

impl Engine {
    /// Flushes, and gives the state that the manifest has then.
    ///
    /// # Errors
    /// As [`Engine::flush`].
    pub async fn cut(&self) -> Result<Checkpoint, EngineError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(EngineError::Closed);
        }
        let writer = self.writer()?;
        self.flush().await?;
        Ok(writer.manifest.snapshot().await)
    }

    /// The size of a data file, and its bytes as they come.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there (any more), or when the store fails.
    pub async fn data_file(
        &self,
        path: &str,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, StoreError>>), StoreError> {
        self.store.read(path).await
    }
}
