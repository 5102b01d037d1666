//! What can go wrong with the log: each variant is a different decision for the caller.

use super::batch::BatchError;
use crate::model::ids::Sequence;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// An error of the write-ahead log. Cheap to clone, because one failed write answers many waiters.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WalError {
    /// The disk is full or below its low-water mark. Nothing of the append is in the log; try again later.
    #[error("write-ahead log: the disk is full or below its low-water mark")]
    DiskFull,
    /// More waits to be written than the queue may hold. Nothing was queued; try again soon.
    #[error("write-ahead log: too many writes are waiting for the disk")]
    QueueFull,
    /// Too many files are open to begin a segment. Nothing of the append is in the log; try again later.
    #[error("write-ahead log: too many files are open to begin another segment")]
    NoDescriptors,
    /// The payload is longer than a record can be.
    #[error("write-ahead log: a record of {bytes} bytes exceeds the limit of {limit} bytes")]
    RecordTooLarge {
        /// The payload's length.
        bytes: usize,
        /// The longest payload.
        limit: usize,
    },
    /// A write or an fsync failed. What the disk holds is unknown, so the log takes no more appends
    /// until the process is restarted.
    #[error("write-ahead log: stopped after {attempted} failed: {source}")]
    Failed {
        /// What was attempted on what.
        attempted: Arc<str>,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The log was closed.
    #[error("write-ahead log: closed")]
    Closed,
    /// Another process has the folder open.
    #[error("write-ahead log: {} is in use by another process; only one server may use a data folder at a time", .0.display())]
    InUse(PathBuf),
    /// Damage was found and the strict setting forbids to start with it. Nothing was changed.
    #[error("write-ahead log: {} is damaged at byte {offset}: {reason}; strict mode refuses to start", file.display())]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where the damage starts.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The store goes on from another log, and the strict setting forbids to put the records of this one aside. Nothing was changed.
    #[error("write-ahead log: {}: {reason}; strict mode refuses to start", file.display())]
    Foreign {
        /// A segment with records.
        file: PathBuf,
        /// Which records these are, and which log the store goes on from.
        reason: String,
    },
    /// Nothing was ever written to the store, and the log has records: they are another store's. Nothing was changed.
    #[error(
        "write-ahead log: {}: {reason}. Start with the store that the log belongs to: is the address right? Or move the folder {} away to \
         begin anew; `tidegauge export --quarantined` with its path reads it",
        file.display(),
        directory.display()
    )]
    NewStore {
        /// A segment with records.
        file: PathBuf,
        /// Which records these are, and of which log.
        reason: String,
        /// The folder of the log.
        directory: PathBuf,
    },
    /// A segment or record was written by a newer program.
    #[error("write-ahead log: {} was written by a newer version: {reason}", file.display())]
    Unsupported {
        /// The segment.
        file: PathBuf,
        /// Which version was found.
        reason: String,
    },
    /// A file operation outside of appending failed (opening, recovering, trimming).
    #[error("write-ahead log: {attempted} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        attempted: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The caller refused a record during recovery.
    #[error("write-ahead log: record {sequence} could not be applied: {source}")]
    Replay {
        /// The record.
        sequence: Sequence,
        /// Why.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Bytes are no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl WalError {
    /// Whether the same append may succeed later without a restart.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::DiskFull | Self::QueueFull | Self::NoDescriptors)
    }

    pub(super) fn io(attempted: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { attempted, path: path.into(), source: Arc::new(source) }
    }
}
