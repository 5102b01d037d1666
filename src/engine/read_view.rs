//! All rows of a table at one moment.

use super::Engine;
use super::error::EngineError;
use super::retention::expired_before;
use super::table::Contents;
use crate::buffer::Chunk;
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::TableId;
use crate::model::tombstone::Tombstone;
use std::sync::Arc;

/// Schema, chunks, files and tombstones of a table. Immutable; keeps its chunks in memory while it lives.
#[derive(Clone, Debug)]
pub struct ReadView {
    /// The table with its schema, which has every column of chunks and files.
    pub table: Arc<TableInfo>,
    /// What is buffered, from old to new, which their sequences alone do not tell: parts of one write may lie in several. All of it is
    /// newer than the files.
    pub chunks: Vec<Arc<Chunk>>,
    /// What was flushed, in no certain order; of two files the one with the greater sequences is newer.
    pub files: Arc<Vec<Arc<FileMeta>>>,
    /// What is deleted from the files, by [`concerning`](crate::model::tombstone::concerning) a file or not. Rows are to be
    /// left out before a file is merged with newer ones.
    pub tombstones: Arc<Vec<Arc<Tombstone>>>,
    /// Rows before this time have expired: they are to be left out. `None` when rows are kept for ever.
    pub expired_before_ns: Option<i64>,
}

impl ReadView {
    /// Rows of chunks and files, those that are deleted or written over included.
    #[must_use]
    pub fn row_count_max(&self) -> u64 {
        let chunks = self.chunks.iter().map(|chunk| chunk.rows().row_count() as u64);
        chunks.chain(self.files.iter().map(|file| file.row_count)).sum()
    }
}

impl Engine {
    /// About how many cells [`Engine::read_view`] would have to sort and merge first. `None` where it would have to wait for somebody who
    /// does something with the table's rows. Tells it without waiting.
    #[must_use]
    pub fn unsealed_cells(&self, table: &TableInfo) -> Option<usize> {
        let handle = self.tables.try_read()?.get(&table.id).cloned();
        let row_count = handle.map_or(Some(0), |handle| handle.unsealed_row_count())?;
        Some(row_count.saturating_mul(table.schema.columns().len()))
    }

    /// The rows of a table as of now: every acknowledged write is in it. `None` when there is no such table.
    /// Sorts what no reader has seen yet, which may take some milliseconds.
    ///
    /// # Errors
    /// When buffered rows cannot be sorted.
    pub fn read_view(&self, table: TableId) -> Result<Option<ReadView>, EngineError> {
        let Some(handle) = self.tables.read().get(&table).cloned() else { return Ok(None) };
        let read = handle.read(|| self.live.load().table_by_id(table).cloned());
        let read = read.map_err(|source| EngineError::Rows { table: table.to_string(), source })?;
        let Some(Contents { info, mut chunks, mut files, tombstones }) = read else { return Ok(None) };
        let policy = self.live.load().policy_by_id(info.policy).cloned();
        let expired_before_ns = policy.and_then(|policy| expired_before(&policy, self.clock.now_ns()));
        if let Some(before_ns) = expired_before_ns {
            chunks.retain(|chunk| chunk.time_range().end_ns > before_ns);
            if files.iter().any(|file| file.time_range.end_ns <= before_ns) {
                files = Arc::new(files.iter().filter(|f| f.time_range.end_ns > before_ns).cloned().collect());
            }
        }
        Ok(Some(ReadView { table: info, chunks, files, tombstones, expired_before_ns }))
    }
}
