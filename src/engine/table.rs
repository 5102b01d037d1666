//! The rows of one table, wherever they are.

use super::buffer_memory::{BufferMemory, TableMemory};
use super::contents::Surveys;
use crate::buffer::{Chunk, TableBuffer};
use crate::model::batch::TableRows;
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::Sequence;
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::time::TimeRange;
use crate::model::tombstone::{Tombstone, deleted_times};
use arrow::error::ArrowError;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Buffers and files of one table. One lock, so that a reader never sees rows twice or not at all while a
/// flush moves them from buffer to file.
#[derive(Debug)]
pub(super) struct Table {
    parts: Mutex<Parts>,
    /// What surveys found, so that they need not look again.
    pub(super) surveys: Surveys,
}

/// What a reader gets.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub(super) info: Arc<TableInfo>,
    /// From old to new, without deleted rows.
    pub(super) chunks: Vec<Arc<Chunk>>,
    pub(super) files: Arc<Vec<Arc<FileMeta>>>,
    /// What is deleted from the files.
    pub(super) tombstones: Arc<Vec<Arc<Tombstone>>>,
}

/// What a flush gets: description, chunks from old to new.
pub(super) type Frozen = (Arc<TableInfo>, Vec<Arc<Chunk>>);

#[derive(Debug)]
struct Parts {
    /// What came since the last flush began.
    buffer: TableBuffer,
    /// What takes no more rows, from old to new; older than `buffer`.
    closed: Vec<TableBuffer>,
    /// How many of those, from the oldest on, are being flushed. More than one after a flush that failed.
    frozen: usize,
    files: Arc<Vec<Arc<FileMeta>>>,
    tombstones: Arc<Vec<Arc<Tombstone>>>,
    /// What the buffers hold, as the engine counts it.
    memory: TableMemory,
}

impl Parts {
    /// Brings the engine's count up to date.
    fn count_memory(&mut self) {
        let bytes = |buffers: &[TableBuffer]| buffers.iter().map(TableBuffer::memory_bytes).sum::<usize>();
        let (flushing, waiting) = self.closed.split_at(self.frozen);
        let (waiting_bytes, flushing_bytes) = (bytes(waiting) + self.buffer.memory_bytes(), bytes(flushing));
        self.memory.set(waiting_bytes, flushing_bytes);
    }

    fn delete_buffered(
        &mut self,
        tombstone: &Arc<Tombstone>,
        schema: &TableSchema,
    ) -> Result<(), ArrowError> {
        let tombstones = [tombstone.clone()];
        let deleted = |series: &str| deleted_times(&tombstones, series);
        for buffer in self.closed.iter_mut().chain([&mut self.buffer]) {
            if buffer.newest_sequence().is_some_and(|newest| newest <= tombstone.through) {
                buffer.delete(schema, &deleted)?;
            }
        }
        Ok(())
    }

    fn replace_files(&mut self, files: Arc<Vec<Arc<FileMeta>>>, spent: &[Arc<Tombstone>]) {
        self.files = files;
        if !spent.is_empty() {
            let left = self.tombstones.iter().filter(|t| !spent.iter().any(|s| s.id == t.id));
            self.tombstones = Arc::new(left.cloned().collect());
        }
    }

    /// The chunks of all buffers, from old to new.
    fn chunks(&mut self, schema: &TableSchema) -> Result<Vec<Arc<Chunk>>, ArrowError> {
        let mut chunks = Vec::new();
        for buffer in self.closed.iter_mut().chain([&mut self.buffer]) {
            chunks.extend_from_slice(buffer.chunks(schema)?);
        }
        Ok(chunks)
    }

    fn set_apart(&mut self) {
        if !self.buffer.is_empty() {
            let full = self.buffer.take();
            self.closed.push(full);
        }
    }
}

impl Table {
    /// A table without rows. Those that come count in `memory`; `chunk_cells_max` as in [`TableBuffer::new`].
    pub(super) fn new(memory: Arc<BufferMemory>, chunk_cells_max: usize) -> Self {
        Self::with_files(memory, chunk_cells_max, Arc::default(), Arc::default())
    }

    /// A table whose rows are in files.
    pub(super) fn with_files(
        memory: Arc<BufferMemory>,
        chunk_cells_max: usize,
        files: Arc<Vec<Arc<FileMeta>>>,
        tombstones: Arc<Vec<Arc<Tombstone>>>,
    ) -> Self {
        let parts = Parts {
            buffer: TableBuffer::new(chunk_cells_max),
            closed: Vec::new(),
            frozen: 0,
            files,
            tombstones,
            memory: TableMemory::new(memory),
        };
        Self { parts: Mutex::new(parts), surveys: Surveys::default() }
    }

    /// Does something with the buffers. What they hold after it is counted before anyone else comes to them.
    fn with_buffers<T>(&self, act: impl FnOnce(&mut Parts) -> T) -> T {
        let mut parts = self.parts.lock();
        let done = act(&mut parts);
        parts.count_memory();
        done
    }

    /// Takes rows in; sorts what waits when it has become much.
    pub(super) fn push(
        &self,
        sequence: Sequence,
        rows: TableRows,
        schema: &TableSchema,
    ) -> Result<(), ArrowError> {
        self.with_buffers(|parts| {
            parts.buffer.push(sequence, Arc::new(rows));
            parts.buffer.seal_full(schema)
        })
    }

    /// All that the table holds. `describe` is called with
    /// the rows locked: columns are registered before rows that bear them arrive, so what it gives then
    /// has every column of the rows.
    pub(super) fn read(
        &self,
        describe: impl FnOnce() -> Option<Arc<TableInfo>>,
    ) -> Result<Option<Contents>, ArrowError> {
        self.with_buffers(|parts| {
            let Some(info) = describe() else { return Ok(None) };
            let chunks = parts.chunks(&info.schema)?;
            let (files, tombstones) = (parts.files.clone(), parts.tombstones.clone());
            Ok(Some(Contents { info, chunks, files, tombstones }))
        })
    }

    /// The rows that [`Table::read`] is about to sort and merge. `None` while somebody does something with them, which may take long.
    pub(super) fn unsealed_row_count(&self) -> Option<usize> {
        let parts = self.parts.try_lock()?;
        Some(parts.closed.iter().chain([&parts.buffer]).map(TableBuffer::unsealed_row_count).sum())
    }

    /// Makes all that is buffered part of the next flush. Whether there is anything to flush.
    pub(super) fn freeze(&self) -> bool {
        self.with_buffers(|parts| {
            parts.set_apart();
            parts.frozen = parts.closed.len();
            parts.frozen > 0
        })
    }

    /// Keeps the rows that are here apart from those that will come.
    pub(super) fn set_apart(&self) {
        self.parts.lock().set_apart();
    }

    /// Takes back that the newest rows were set apart, unless others have come.
    pub(super) fn rejoin(&self) {
        let mut parts = self.parts.lock();
        if parts.buffer.is_empty()
            && parts.closed.len() > parts.frozen
            && let Some(newest) = parts.closed.pop()
        {
            parts.buffer = newest;
        }
    }

    /// A new table of the rows that came after `through` and were kept apart from earlier ones; `None` without any. The
    /// rows are copied, not moved, so that readers of this table miss none until they see the new one.
    pub(super) fn newer_than(&self, through: Sequence) -> Option<Self> {
        let (closed, buffer, newer) = self.with_buffers(|parts| {
            let is_newer = |buffer: &TableBuffer| buffer.newest_sequence().is_some_and(|s| s > through);
            let first = parts.closed.iter().position(is_newer).unwrap_or(parts.closed.len());
            let closed = parts.closed[first..].to_vec();
            let empty = TableBuffer::new(parts.buffer.cells_max());
            let buffer = if is_newer(&parts.buffer) { parts.buffer.clone() } else { empty };
            let newer = Self::new(parts.memory.sum().clone(), buffer.cells_max());
            (closed, buffer, newer)
        });
        if closed.is_empty() && buffer.is_empty() {
            return None;
        }
        newer.with_buffers(|parts| (parts.closed, parts.buffer) = (closed, buffer));
        Some(newer)
    }

    /// Those columns of `schema` that buffered rows have.
    pub(super) fn schema_in_use(&self, schema: &TableSchema) -> Result<TableSchema, ArrowError> {
        let chunks = self.with_buffers(|parts| parts.chunks(schema))?;
        let tags: BTreeSet<&str> = chunks.iter().flat_map(|c| c.tags()).map(AsRef::as_ref).collect();
        let fields: BTreeSet<&str> = chunks.iter().flat_map(|c| c.field_names()).map(AsRef::as_ref).collect();
        Ok(schema.with_columns_where(|column| match column.kind {
            ColumnKind::Tag => tags.contains(&*column.name),
            ColumnKind::Field(_) => fields.contains(&*column.stored_name),
        }))
    }

    /// The table's description and the chunks to flush, from old to new; `describe` as in [`Table::read`].
    pub(super) fn frozen(
        &self,
        describe: impl FnOnce() -> Option<Arc<TableInfo>>,
    ) -> Result<Option<Frozen>, ArrowError> {
        self.with_buffers(|parts| {
            let Some(info) = describe() else { return Ok(None) };
            let mut chunks = Vec::new();
            for buffer in &mut parts.closed[..parts.frozen] {
                chunks.extend_from_slice(buffer.chunks(&info.schema)?);
            }
            Ok(Some((info, chunks)))
        })
    }

    /// Lets go of what was flushed, since it is in `files` now, and of the tombstones that nothing is left of.
    pub(super) fn flushed(&self, files: Arc<Vec<Arc<FileMeta>>>, spent: &[Arc<Tombstone>]) {
        self.with_buffers(|parts| {
            let frozen = std::mem::take(&mut parts.frozen);
            parts.closed.drain(..frozen);
            parts.replace_files(files, spent);
        });
    }

    /// Takes the files and tombstones that another process has made of the table.
    pub(super) fn show(&self, files: Arc<Vec<Arc<FileMeta>>>, tombstones: Arc<Vec<Arc<Tombstone>>>) {
        let mut parts = self.parts.lock();
        if Arc::ptr_eq(&parts.files, &files) && Arc::ptr_eq(&parts.tombstones, &tombstones) {
            return;
        }
        self.surveys.invalidate();
        (parts.files, parts.tombstones) = (files, tombstones);
    }

    /// Takes a new list of files, and lets go of the tombstones that nothing is left of.
    pub(super) fn replace_files(&self, files: Arc<Vec<Arc<FileMeta>>>, spent: &[Arc<Tombstone>]) {
        let mut parts = self.parts.lock();
        self.surveys.invalidate();
        parts.replace_files(files, spent);
    }

    /// Whether rows with times in `times` may be here.
    pub(super) fn may_have(&self, times: TimeRange, schema: &TableSchema) -> Result<bool, ArrowError> {
        self.with_buffers(|parts| {
            let in_files = parts.files.iter().any(|f| f.time_range.overlaps(&times));
            let in_buffers = parts.chunks(schema)?.iter().any(|c| c.time_range().overlaps(&times));
            Ok(in_files || in_buffers)
        })
    }

    /// Deletes rows: those that are buffered go, those in files are hidden from readers.
    pub(super) fn delete(&self, tombstone: &Arc<Tombstone>, schema: &TableSchema) -> Result<(), ArrowError> {
        self.with_buffers(|parts| {
            self.surveys.invalidate();
            let tombstones = Arc::make_mut(&mut parts.tombstones);
            tombstones.retain(|older| !tombstone.replaces(older));
            tombstones.push(tombstone.clone());
            parts.delete_buffered(tombstone, schema)
        })
    }

    /// Deletes buffered rows, by a tombstone that readers know already.
    pub(super) fn delete_buffered(
        &self,
        tombstone: &Arc<Tombstone>,
        schema: &TableSchema,
    ) -> Result<(), ArrowError> {
        self.with_buffers(|parts| parts.delete_buffered(tombstone, schema))
    }
}

#[cfg(test)]
mod tests;
