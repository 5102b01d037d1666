//! Whether writes are taken.

use super::Engine;
use super::error::{EngineError, WriteError};
use super::role::Role;
use std::sync::atomic::Ordering;

impl Engine {
    /// Refuses a write early when it could not be taken. A write that is accepted after another server took over would be
    /// lost: only the log of this engine would have it, and the store now goes on from the log of the other one.
    pub(super) fn admit(&self) -> Result<(), WriteError> {
        let writer = self.writer().map_err(|_| WriteError::ReadOnly)?;
        if self.closed.load(Ordering::Acquire) {
            return Err(WriteError::Closed("it is shutting down".to_owned()));
        }
        writer.manifest.check_not_fenced().map_err(|fenced| WriteError::Closed(fenced.to_string()))?;
        if self.buffer_memory.bytes() >= self.options.buffer_bytes_max {
            self.flush_wanted.notify_one();
            return Err(WriteError::Overloaded { retry_after: self.options.retry_after });
        }
        Ok(())
    }

    /// Why no write is taken for now or at all, if so.
    pub(super) fn writes_refused(&self) -> Option<String> {
        if self.closed.load(Ordering::Acquire) {
            return Some("the engine is shutting down".to_owned());
        }
        let Role::Writer(writer) = &self.role else { return Some(EngineError::ReadOnly.to_string()) };
        if let Err(fenced) = writer.manifest.check_not_fenced() {
            return Some(fenced.to_string());
        }
        if let Some(failure) = writer.wal.failure() {
            return Some(failure.to_string());
        }
        (!writer.wal.is_writable()).then(|| "the disk is full or below its low-water mark".to_owned())
    }
}
