//! Layer 3: the storage engine. It joins line protocol, catalog, log, buffer, files and manifest; it knows
//! neither HTTP nor DataFusion.
//!
//! ```text
//! write   body ─ line_protocol ─▶ batch ─ register columns ─ log (append, fsync) ─ apply ─▶ buffers
//! forward acknowledged rows ─▶ the outbox, where subscriptions are for them
//! flush   freeze all buffers ─ merge ─▶ Parquet files ─ one manifest edit ─ trim the log
//! read    table ─▶ ReadView: schema, chunks, files of one moment
//! warm    after a start: the newest files ─▶ caches, in the background
//! delete  tombstones ─ one manifest edit ─▶ gone from the buffers, hidden in the files
//! compact files ─ merge, without what is deleted ─▶ new files ─ one manifest edit ─▶ the old ones are unreferenced
//! expire  files whose rows have all expired ─ one manifest edit ─▶ unreferenced
//! collect unreferenced files that nobody reads ─▶ deleted
//! follow  edits of another process ─▶ live state, files
//! admin   statement ─ catalog decides ─▶ changes ─ manifest edit ─▶ live state
//! cut     flush ─▶ the manifest's state, whose files hold all that was acknowledged before
//! adopt   files in the store + their description ─ renumbered ─▶ one manifest edit ─▶ a new database
//! ```
//!
//! # What holds the parts together
//!
//! * **State.** The *live* state is what queries see; the *durable* one is the manifest's. They differ only by
//!   tables and columns that writes made since the last flush, and those stand in the log.
//! * **Order.** Writes reach the buffers in the order of the log (`apply`), so that "newer wins" means the same
//!   before and after a crash. Reads see a write only once it is on disk.
//! * **Generations.** A flush takes everything that is buffered. So one sequence says what the files hold, and
//!   the log is replayed from there.
//! * **One server writes.** Whoever opens the store takes over from whoever has it open, and that one has to find out (`fence`).
//! * **One change at a time.** A commit of which nobody knows whether the manifest has it is made again before anything else is
//!   changed (`commit`).
//! * **Gate.** Writes pass the gate together, a change of the catalog or a deletion passes it alone, and so does the moment in
//!   which a flush freezes the buffers.

mod admin;
mod admission;
mod adopt;
mod apply;
mod background;
mod buffer_memory;
mod collect;
mod commit;
mod compact;
mod contents;
mod cut;
mod delete;
mod error;
mod fence;
mod file_edit;
mod flush;
mod follow;
mod options;
mod read_view;
mod recover;
mod retention;
mod role;
mod rows;
mod table;
mod users;
mod warm;
mod window_width;
mod write;

pub use crate::catalog::{PolicyChange, PolicySpec, SubscriptionSpec};
pub use compact::CompactionOptions;
pub use delete::Deletion;
pub use error::{EngineError, WriteError};
pub use follow::FollowStatus;
pub use options::EngineOptions;
pub use read_view::ReadView;
pub use users::RightsChange;
pub use write::{RowsRequest, WriteOutcome, WriteRequest};

use crate::clock::Clock;
use crate::model::file::FileMeta;
use crate::model::ids::{Sequence, TableId};
use crate::model::state::State;
use crate::model::tombstone::Tombstone;
use crate::object::{CacheStatus, Store};
use crate::outbox::OutboxStatus;
use crate::parquet_file::{ParquetFile, ReaderCache};
use ahash::AHashMap;
use apply::ApplyQueue;
use arc_swap::ArcSwap;
use buffer_memory::BufferMemory;
use collect::Unreferenced;
use commit::Unsettled;
use parking_lot::{Mutex, RwLock};
use role::Role;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use table::Table;
use tokio::sync::{Mutex as AsyncMutex, Notify, RwLock as AsyncRwLock};

/// A running engine. Made by [`Engine::open`] or [`Engine::open_read_only`]; ended by [`Engine::shutdown`].
#[derive(Debug)]
pub struct Engine {
    options: EngineOptions,
    clock: Arc<dyn Clock>,
    store: Store,
    role: Role,
    /// What queries see. Replaced under `live_lock` only.
    live: ArcSwap<State>,
    live_lock: Mutex<()>,
    tables: RwLock<AHashMap<TableId, Arc<Table>>>,
    /// Of the rows of all tables.
    buffer_memory: Arc<BufferMemory>,
    apply_queue: ApplyQueue,
    gate: AsyncRwLock<()>,
    /// Held by whoever changes the manifest. The lock order is gate, then this one.
    unsettled: AsyncMutex<Option<Unsettled>>,
    /// Tables that took over from a dropped one: while the store had not said whether the drop succeeded, new rows went to
    /// a second table of the same name. Maps the id of the dropped table to that of the second.
    successors: Mutex<AHashMap<TableId, TableId>>,
    /// Held by everything that changes the list of files: a flush, the end of a compaction, and changes that remove tables.
    flush_lock: AsyncMutex<()>,
    /// Held by a compaction from planning to its end.
    compact_lock: AsyncMutex<()>,
    unreferenced: Unreferenced,
    /// Held while an orphan is deleted, and while a file that may be old enough to pass for an orphan is added to the
    /// manifest. Taken before all other locks.
    orphans_lock: AsyncMutex<()>,
    flush_wanted: Arc<Notify>,
    closed: AtomicBool,
    reader_cache: ReaderCache,
    counters: Counters,
}

/// What an engine is put together from.
struct Parts {
    store: Store,
    clock: Arc<dyn Clock>,
    /// What queries see at first.
    state: State,
    role: Role,
    /// The last record of the log, if there is one.
    last_sequence: Sequence,
}

#[derive(Debug, Default)]
struct Counters {
    points_written: AtomicU64,
    points_rejected: AtomicU64,
    flushes: AtomicU64,
    flush_failures: AtomicU64,
    compactions: AtomicU64,
    compaction_failures: AtomicU64,
    /// Counted while a merge goes on.
    compaction_bytes: AtomicU64,
    files_deleted: AtomicU64,
    /// When the oldest buffered row came, in nanoseconds since the epoch; 0 without rows.
    oldest_ns: AtomicU64,
}

/// What operators ask about a running engine.
#[derive(Clone, Debug)]
pub struct EngineStatus {
    /// Memory of acknowledged rows that are not in files yet.
    pub buffer_bytes: usize,
    /// Size of the write-ahead log.
    pub wal_bytes: u64,
    /// Points acknowledged since the start.
    pub points_written: u64,
    /// Points refused since the start.
    pub points_rejected: u64,
    /// Flushes that succeeded since the start.
    pub flushes: u64,
    /// Flushes that failed since the start; what they had to write stays in log and buffer.
    pub flush_failures: u64,
    /// Merges of files that succeeded since the start.
    pub compactions: u64,
    /// Merges of files that failed since the start; the files are as they were.
    pub compaction_failures: u64,
    /// Bytes that merges of files have written since the start, those of unfinished and failed ones included.
    pub compaction_bytes: u64,
    /// Data files that were deleted from the store since the start.
    pub files_deleted: u64,
    /// Data files that are on the store, named by nothing, because they may be read still.
    pub files_unreferenced: usize,
    /// Data files.
    pub file_count: usize,
    /// Bytes of data files.
    pub file_bytes: u64,
    /// The cache of the object store, where there is one.
    pub store_cache: Option<CacheStatus>,
    /// Databases.
    pub database_count: usize,
    /// Tables.
    pub table_count: usize,
    /// Why no write is taken, if so.
    pub writes_refused: Option<String>,
    /// What start-up found in the log that is damaged, or that the store does not go on from, if anything.
    pub wal_damage: Vec<String>,
    /// How many acknowledged records start-up looked for in the log and did not find.
    pub wal_records_missing: u64,
    /// The damaged objects of the manifest that start-up could do without, if any.
    pub manifest_damage: Vec<String>,
    /// How far the manifest is followed, by an engine that only reads.
    pub follows: Option<FollowStatus>,
    /// What became of rows that subscriptions are for.
    pub outbox: OutboxStatus,
}

impl Engine {
    /// Catalog and tables as of now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.live.load_full()
    }

    /// The clock that the engine runs by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Whether the data files lie on this machine.
    #[must_use]
    pub fn has_local_files(&self) -> bool {
        self.store.is_local()
    }

    /// Opens a data file for reading.
    ///
    /// # Errors
    /// When its footer cannot be read.
    pub async fn open_file(
        &self,
        meta: Arc<FileMeta>,
    ) -> Result<ParquetFile, crate::parquet_file::FileError> {
        let path = object_store::path::Path::from(meta.path.as_ref());
        ParquetFile::open(meta, self.store.object_store(), path, &self.reader_cache).await
    }

    /// Figures for operators.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        let state = self.live.load();
        let counters = &self.counters;
        let (writer, follows) = match &self.role {
            Role::Writer(writer) => (Some(writer), None),
            Role::Reader(reader) => (None, Some(reader.status())),
        };
        let recovery = writer.map(|writer| &writer.recovery);
        EngineStatus {
            buffer_bytes: self.buffer_memory.bytes(),
            wal_bytes: writer.map_or(0, |writer| writer.wal.size_bytes()),
            points_written: counters.points_written.load(Ordering::Relaxed),
            points_rejected: counters.points_rejected.load(Ordering::Relaxed),
            flushes: counters.flushes.load(Ordering::Relaxed),
            flush_failures: counters.flush_failures.load(Ordering::Relaxed),
            compactions: counters.compactions.load(Ordering::Relaxed),
            compaction_failures: counters.compaction_failures.load(Ordering::Relaxed),
            compaction_bytes: counters.compaction_bytes.load(Ordering::Relaxed),
            files_deleted: counters.files_deleted.load(Ordering::Relaxed),
            files_unreferenced: self.unreferenced.count(),
            file_count: state.files().count(),
            file_bytes: state.files().map(|f| f.size_bytes).sum(),
            store_cache: self.store.cache_status(),
            database_count: state.databases().count(),
            table_count: state.tables().count(),
            writes_refused: self.writes_refused(),
            wal_damage: recovery
                .map_or_else(Vec::new, |r| r.damage.iter().map(ToString::to_string).collect()),
            wal_records_missing: recovery.map_or(0, |recovery| recovery.missing_count()),
            manifest_damage: match &self.role {
                Role::Writer(writer) => writer.manifest.damage().to_vec(),
                Role::Reader(reader) => reader.damage(),
            },
            follows,
            outbox: self.options.outbox.as_ref().map_or_else(OutboxStatus::default, |outbox| outbox.status()),
        }
    }

    /// An engine without buffered rows, over the tables of the state.
    fn assemble(options: EngineOptions, parts: Parts) -> Self {
        let Parts { store, clock, state, role, last_sequence } = parts;
        let (buffer_memory, cells_max) = (Arc::new(BufferMemory::default()), options.chunk_cells_max);
        let tables = state.tables().map(|t| {
            let (files, tombstones) = (state.files_of(t.id), state.tombstones_of(t.id));
            (t.id, Arc::new(Table::with_files(buffer_memory.clone(), cells_max, files, tombstones)))
        });
        Self {
            tables: RwLock::new(tables.collect()),
            buffer_memory,
            reader_cache: ReaderCache::new(options.reader_cache_bytes),
            apply_queue: ApplyQueue::new(last_sequence),
            live: ArcSwap::from_pointee(state),
            live_lock: Mutex::default(),
            gate: AsyncRwLock::default(),
            unsettled: AsyncMutex::default(),
            successors: Mutex::default(),
            flush_lock: AsyncMutex::default(),
            compact_lock: AsyncMutex::default(),
            unreferenced: Unreferenced::default(),
            orphans_lock: AsyncMutex::default(),
            flush_wanted: Arc::new(Notify::new()),
            closed: AtomicBool::new(false),
            counters: Counters::default(),
            options,
            clock,
            store,
            role,
        }
    }

    /// The table's buffers and files, made when they are not there yet.
    fn table_handle(&self, id: TableId) -> Arc<Table> {
        if let Some(table) = self.tables.read().get(&id) {
            return table.clone();
        }
        let new = || Arc::new(Table::new(self.buffer_memory.clone(), self.options.chunk_cells_max));
        self.tables.write().entry(id).or_insert_with(new).clone()
    }

    /// A table whose rows are in files.
    fn table_with(&self, files: Arc<Vec<Arc<FileMeta>>>, tombstones: Arc<Vec<Arc<Tombstone>>>) -> Table {
        Table::with_files(self.buffer_memory.clone(), self.options.chunk_cells_max, files, tombstones)
    }
}

#[cfg(test)]
mod tests;
