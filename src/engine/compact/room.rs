//! Whether a disk has room for what a job writes.
//!
//! The files that a job replaces stay until nobody reads them, so what it writes comes on top of them. On a disk that is nearly full it
//! would take the room that the log keeps free, and writes would be refused until the job fails, each time that it is tried. A flush, in
//! contrast, never asks: it is small, it is what that room is kept for, and nothing else makes the log shorter.

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
