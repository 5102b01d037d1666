//! Whether a disk has room for what a job writes.
//!
//! The files that a job replaces stay until nobody reads them, so a job needs space for its output beside them. On a disk
//! that is nearly full it would use up the space that is kept free for the log; writes would be refused until the job
//! fails, and again each time it is retried. A flush never asks: it is small, that space is kept for it too, and nothing
//! else makes the log shorter.

use super::TableJob;
use crate::engine::Engine;
use crate::engine::error::EngineError;

impl Engine {
    /// Refuses a job for which a local store has no room beside what is kept free. One that removes deleted rows is always tried:
    /// it may be what makes room.
    pub(super) fn check_room(&self, TableJob { tombstones, job, .. }: &TableJob) -> Result<(), EngineError> {
        let Some(root) = self.store.root() else { return Ok(()) };
        if job.inputs.iter().any(|file| tombstones.iter().any(|tombstone| tombstone.concerns(file))) {
            return Ok(());
        }
        // A disk that does not say counts as having room: the write itself will tell.
        let Ok(free_bytes) = self.options.log_files.free_bytes(root) else { return Ok(()) };
        let read_bytes: u64 = job.inputs.iter().map(|file| file.size_bytes).sum();
        let wanted_bytes = read_bytes.saturating_add(self.options.wal.disk_low_water_bytes);
        if free_bytes >= wanted_bytes {
            Ok(())
        } else {
            Err(EngineError::NoRoom { free_bytes, wanted_bytes })
        }
    }
}
