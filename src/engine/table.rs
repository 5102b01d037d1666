//! The rows of one table, wherever they are.

use super::contents::Surveys;
use crate::buffer::{Chunk, TableBuffer};
use crate::model::batch::TableRows;
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::Sequence;
use crate::model::limits::PENDING_ROWS_MAX;
use crate::model::schema::TableSchema;
use crate::model::time::TimeRange;
use crate::model::tombstone::{Tombstone, deleted_times};
use arrow::error::ArrowError;
use parking_lot::Mutex;
use std::sync::Arc;

/// Buffers and files of one table. One lock, so that a reader never sees rows twice or not at all while a
/// flush moves them from buffer to file.
#[derive(Debug, Default)]
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

#[derive(Debug, Default)]
struct Parts {
    /// What came since the last flush began.
    buffer: TableBuffer,
    /// What is being flushed, from old to new; older than `buffer`. More than one after a flush that failed.
    flushing: Vec<TableBuffer>,
    files: Arc<Vec<Arc<FileMeta>>>,
    tombstones: Arc<Vec<Arc<Tombstone>>>,
}

impl Parts {
    fn delete_buffered(
        &mut self,
        tombstone: &Arc<Tombstone>,
        schema: &TableSchema,
    ) -> Result<(), ArrowError> {
        let tombstones = [tombstone.clone()];
        let deleted = |series: &str| deleted_times(&tombstones, series);
        for buffer in self.flushing.iter_mut().chain([&mut self.buffer]) {
            buffer.delete(schema, &deleted)?;
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

    fn flushing_chunks(&mut self, schema: &TableSchema) -> Result<Vec<Arc<Chunk>>, ArrowError> {
        let mut chunks = Vec::new();
        for buffer in &mut self.flushing {
            chunks.extend_from_slice(buffer.chunks(schema)?);
        }
        Ok(chunks)
    }
}

impl Table {
    pub(super) fn with_files(files: Arc<Vec<Arc<FileMeta>>>, tombstones: Arc<Vec<Arc<Tombstone>>>) -> Self {
        let parts = Parts { files, tombstones, ..Parts::default() };
        Self { parts: Mutex::new(parts), ..Self::default() }
    }

    /// Takes rows in; sorts what waits when it has become much.
    pub(super) fn push(
        &self,
        sequence: Sequence,
        rows: TableRows,
        schema: &TableSchema,
    ) -> Result<(), ArrowError> {
        let mut parts = self.parts.lock();
        parts.buffer.push(sequence, Arc::new(rows));
        if parts.buffer.pending_row_count() >= PENDING_ROWS_MAX {
            parts.buffer.seal(schema)?;
        }
        Ok(())
    }

    /// All that the table holds. `describe` is called with
    /// the rows locked: columns are registered before rows that bear them arrive, so what it gives then
    /// has every column of the rows.
    pub(super) fn read(
        &self,
        describe: impl FnOnce() -> Option<Arc<TableInfo>>,
    ) -> Result<Option<Contents>, ArrowError> {
        let mut parts = self.parts.lock();
        let Some(info) = describe() else { return Ok(None) };
        let mut chunks = parts.flushing_chunks(&info.schema)?;
        chunks.extend_from_slice(parts.buffer.chunks(&info.schema)?);
        let (files, tombstones) = (parts.files.clone(), parts.tombstones.clone());
        Ok(Some(Contents { info, chunks, files, tombstones }))
    }

    /// Makes all that is buffered part of the next flush. Whether there is anything to flush.
    pub(super) fn freeze(&self) -> bool {
        let mut parts = self.parts.lock();
        if !parts.buffer.is_empty() {
            let frozen = std::mem::take(&mut parts.buffer);
            parts.flushing.push(frozen);
        }
        !parts.flushing.is_empty()
    }

    /// The table's description and the chunks to flush, from old to new; `describe` as in [`Table::read`].
    pub(super) fn frozen(
        &self,
        describe: impl FnOnce() -> Option<Arc<TableInfo>>,
    ) -> Result<Option<Frozen>, ArrowError> {
        let mut parts = self.parts.lock();
        let Some(info) = describe() else { return Ok(None) };
        let chunks = parts.flushing_chunks(&info.schema)?;
        Ok(Some((info, chunks)))
    }

    /// Lets go of what was flushed, since it is in `files` now, and of the tombstones that nothing is left of.
    pub(super) fn flushed(&self, files: Arc<Vec<Arc<FileMeta>>>, spent: &[Arc<Tombstone>]) {
        let mut parts = self.parts.lock();
        parts.flushing.clear();
        parts.replace_files(files, spent);
    }

    /// Takes a new list of files, and lets go of the tombstones that nothing is left of.
    pub(super) fn replace_files(&self, files: Arc<Vec<Arc<FileMeta>>>, spent: &[Arc<Tombstone>]) {
        let mut parts = self.parts.lock();
        self.surveys.invalidate();
        parts.replace_files(files, spent);
    }

    /// Whether rows with times in `times` may be here.
    pub(super) fn may_have(&self, times: TimeRange, schema: &TableSchema) -> Result<bool, ArrowError> {
        let mut parts = self.parts.lock();
        let in_files = parts.files.iter().any(|f| f.time_range.overlaps(&times));
        let in_flushing = parts.flushing_chunks(schema)?.iter().any(|c| c.time_range().overlaps(&times));
        let in_buffer = parts.buffer.chunks(schema)?.iter().any(|c| c.time_range().overlaps(&times));
        Ok(in_files || in_flushing || in_buffer)
    }

    /// Deletes rows: those that are buffered go, those in files are hidden from readers.
    pub(super) fn delete(&self, tombstone: &Arc<Tombstone>, schema: &TableSchema) -> Result<(), ArrowError> {
        let mut parts = self.parts.lock();
        self.surveys.invalidate();
        let tombstones = Arc::make_mut(&mut parts.tombstones);
        tombstones.retain(|older| !tombstone.replaces(older));
        tombstones.push(tombstone.clone());
        parts.delete_buffered(tombstone, schema)
    }

    /// Deletes buffered rows, by a tombstone that readers know already.
    pub(super) fn delete_buffered(
        &self,
        tombstone: &Arc<Tombstone>,
        schema: &TableSchema,
    ) -> Result<(), ArrowError> {
        self.parts.lock().delete_buffered(tombstone, schema)
    }
}
