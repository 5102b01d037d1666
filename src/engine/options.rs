//! What an engine is opened with.

use crate::wal::WalOptions;
use std::time::Duration;

/// Settings of the engine; the configuration page documents each.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How the write-ahead log is kept.
    pub wal: WalOptions,
    /// A flush starts when the buffer holds this many bytes.
    pub flush_bytes: usize,
    /// A flush starts when the oldest buffered row is this old.
    pub flush_age: Duration,
    /// Writes are refused while the buffer, what is being flushed included, holds this many bytes.
    pub buffer_bytes_max: usize,
    /// What a refused writer is told to wait.
    pub retry_after: Duration,
    /// Memory for footers and series lists of files.
    pub reader_cache_bytes: u64,
    /// Longest string field, in bytes.
    pub string_bytes_max: usize,
}

impl EngineOptions {
    /// The defaults, with the log in `wal_directory`.
    #[must_use]
    pub fn new(wal_directory: impl Into<std::path::PathBuf>) -> Self {
        Self {
            wal: WalOptions::new(wal_directory),
            flush_bytes: 256 << 20,
            flush_age: Duration::from_secs(600),
            buffer_bytes_max: 1 << 30,
            retry_after: Duration::from_secs(1),
            reader_cache_bytes: 256 << 20,
            string_bytes_max: crate::line_protocol::WriteOptions::STRING_BYTES_MAX,
        }
    }
}
