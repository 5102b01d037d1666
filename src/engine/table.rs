//! The rows of one table, wherever they are.

use crate::buffer::{Chunk, TableBuffer};
use crate::model::batch::TableRows;
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::Sequence;
use crate::model::limits::PENDING_ROWS_MAX;
use crate::model::schema::TableSchema;
use arrow::error::ArrowError;
use parking_lot::Mutex;
use std::sync::Arc;

/// Buffers and files of one table. One lock, so that a reader never sees rows twice or not at all while a
/// flush moves them from buffer to file.
#[derive(Debug, Default)]
pub(super) struct Table {
    parts: Mutex<Parts>,
}

/// What a reader gets: description, chunks from old to new, files.
pub(super) type Contents = (Arc<TableInfo>, Vec<Arc<Chunk>>, Arc<Vec<Arc<FileMeta>>>);

/// What a flush gets: description, chunks from old to new.
pub(super) type Frozen = (Arc<TableInfo>, Vec<Arc<Chunk>>);

#[derive(Debug, Default)]
struct Parts {
    /// What came since the last flush began.
    buffer: TableBuffer,
    /// What is being flushed, from old to new; older than `buffer`. More than one after a flush that failed.
    flushing: Vec<TableBuffer>,
    files: Arc<Vec<Arc<FileMeta>>>,
}

impl Parts {
    fn flushing_chunks(&mut self, schema: &TableSchema) -> Result<Vec<Arc<Chunk>>, ArrowError> {
        let mut chunks = Vec::new();
        for buffer in &mut self.flushing {
            chunks.extend_from_slice(buffer.chunks(schema)?);
        }
        Ok(chunks)
    }
}

impl Table {
    pub(super) fn with_files(files: Arc<Vec<Arc<FileMeta>>>) -> Self {
        Self { parts: Mutex::new(Parts { files, ..Parts::default() }) }
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

    /// The table's description, all its chunks from old to new, and all its files. `describe` is called with
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
        Ok(Some((info, chunks, parts.files.clone())))
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

    /// Lets go of what was flushed, since it is in `files` now.
    pub(super) fn flushed(&self, files: Arc<Vec<Arc<FileMeta>>>) {
        let mut parts = self.parts.lock();
        parts.flushing.clear();
        parts.files = files;
    }
}
