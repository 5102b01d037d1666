//! What an engine is opened with.

use super::compact::CompactionOptions;
use crate::manifest::{CHECKPOINT_EDITS, COMMIT_BACKOFF};
use crate::model::limits::{CHUNK_CELLS_MAX, ROW_GROUP_ROWS};
use crate::outbox::Outbox;
use crate::wal::WalOptions;
use crate::wal::files::{DiskFiles, LogFiles};
use std::sync::Arc;
use std::time::Duration;

/// Settings of the engine; `tidegauge config` explains each.
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
    /// Bytes of the newest files that are read in the background after a start.
    pub warm_bytes: u64,
    /// Longest string field, in bytes.
    pub string_bytes_max: usize,
    /// Rows of a row group of flushed files, and of compacted ones that are small; from 1 to
    /// [`ROW_GROUP_ROWS_MAX`](crate::model::limits::ROW_GROUP_ROWS_MAX). Tests bring fewer, so that
    /// few rows make many row groups.
    pub row_group_rows: usize,
    /// Cells (rows times fields) of a chunk that the buffer makes of several parts of writes, and of a batch that a flush merges, at most.
    /// Tests bring fewer, so that few rows make several chunks.
    pub chunk_cells_max: usize,
    /// How files are compacted.
    pub compaction: CompactionOptions,
    /// How often is looked for files that have expired or are to be compacted or deleted; never when `None`.
    pub upkeep_interval: Option<Duration>,
    /// How often an engine that only reads looks for what the writer has done; never by itself when `None`.
    pub follow_interval: Option<Duration>,
    /// How long the object of a file is kept after the file left the manifest, for readers in other processes.
    pub delete_after: Duration,
    /// The age from which an object that the manifest does not name is an orphan.
    pub orphans_after: Duration,
    /// The file operations that the log writes with; the simulation brings its own.
    pub log_files: Arc<dyn LogFiles>,
    /// Edits of the manifest between two checkpoints; > 0.
    pub checkpoint_edits: u64,
    /// The wait before the manifest tries an edit a second time; doubled for each further attempt.
    pub commit_backoff: Duration,
    /// Where accepted rows are put that subscriptions are for; they are not handed on when `None`. An engine that only reads needs none.
    pub outbox: Option<Arc<Outbox>>,
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
            warm_bytes: 0,
            row_group_rows: ROW_GROUP_ROWS,
            chunk_cells_max: CHUNK_CELLS_MAX,
            compaction: CompactionOptions::default(),
            upkeep_interval: Some(Duration::from_secs(10)),
            follow_interval: Some(Duration::from_secs(1)),
            delete_after: Duration::from_secs(300),
            orphans_after: Duration::from_secs(86_400),
            string_bytes_max: crate::line_protocol::WriteOptions::STRING_BYTES_MAX,
            log_files: Arc::new(DiskFiles),
            checkpoint_edits: CHECKPOINT_EDITS,
            commit_backoff: COMMIT_BACKOFF,
            outbox: None,
        }
    }
}
