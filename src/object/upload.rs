//! A data file that is written part by part, so that it never lies in memory as a whole.

use super::StoreError;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use std::sync::Arc;

/// Bytes of one part; S3 takes no smaller ones but the last, and no more than 10,000 parts.
const PART_BYTES: usize = 8 << 20;

/// Parts that are under way at the same time.
const PARTS_AT_ONCE: usize = 2;

/// An object that does not exist before [`Upload::finish`]. What [`Upload::abort`] or a crash leaves behind is no object: a
/// local folder removes it at a later start, and buckets are told to by a rule for incomplete uploads. One that fails or is dropped
/// leaves nothing in a local folder.
#[derive(Debug)]
pub struct Upload {
    store: Arc<dyn ObjectStore>,
    path: String,
    /// What has not made a part yet.
    waiting: Vec<u8>,
    parts: Option<WriteMultipart>,
}

impl Upload {
    /// Bytes that one holds: the parts that are under way, and what is to become the next.
    pub const HELD_BYTES_MAX: usize = (PARTS_AT_ONCE + 1) * PART_BYTES;

    pub(super) fn new(store: Arc<dyn ObjectStore>, path: &str) -> Self {
        Self { store, path: path.to_owned(), waiting: Vec::new(), parts: None }
    }

    /// Appends bytes; waits while as many parts are under way as may be.
    ///
    /// # Errors
    /// When a part could not be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < PART_BYTES {
            return Ok(());
        }
        let failed = |source| StoreError::new("write", &self.path, source);
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => {
                let upload = self.store.put_multipart(&Path::from(self.path.as_str())).await;
                none.insert(WriteMultipart::new_with_chunk_size(upload.map_err(failed)?, PART_BYTES))
            }
        };
        parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(failed)?;
        parts.put(Bytes::from(std::mem::take(&mut self.waiting)));
        Ok(())
    }

    /// Makes the object.
    ///
    /// # Errors
    /// When that failed; the object may have been written nevertheless.
    pub async fn finish(self) -> Result<(), StoreError> {
        let failed = |source| StoreError::new("write", &self.path, source);
        let waiting = Bytes::from(self.waiting);
        match self.parts {
            None => {
                let payload = PutPayload::from_bytes(waiting);
                self.store.put(&Path::from(self.path.as_str()), payload).await.map_err(failed)?;
            }
            Some(mut parts) => {
                parts.put(waiting);
                parts.finish().await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Gives the upload up.
    ///
    /// # Errors
    /// When the store could not be told so.
    pub async fn abort(self) -> Result<(), StoreError> {
        let Some(parts) = self.parts else { return Ok(()) };
        parts.abort().await.map_err(|source| StoreError::new("give up", &self.path, source))
    }
}
