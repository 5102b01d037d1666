//! All rows of a table at one moment.

use super::Engine;
use super::error::EngineError;
use crate::buffer::Chunk;
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::TableId;
use std::sync::Arc;

/// Schema, chunks and files of a table. Immutable; keeps its chunks in memory while it lives.
#[derive(Clone, Debug)]
pub struct ReadView {
    /// The table with its schema, which has every column of chunks and files.
    pub table: Arc<TableInfo>,
    /// What is buffered, from old to new. All of it is newer than the files.
    pub chunks: Vec<Arc<Chunk>>,
    /// What was flushed, in no certain order; of two files the one with the greater sequences is newer.
    pub files: Arc<Vec<Arc<FileMeta>>>,
}

impl Engine {
    /// The rows of a table as of now: every acknowledged write is in it. `None` when there is no such table.
    /// Sorts what no reader has seen yet, which may take some milliseconds.
    ///
    /// # Errors
    /// When buffered rows cannot be sorted.
    pub fn read_view(&self, table: TableId) -> Result<Option<ReadView>, EngineError> {
        let Some(handle) = self.tables.read().get(&table).cloned() else { return Ok(None) };
        let read = handle.read(|| self.live.load().table_by_id(table).cloned());
        let view = read.map_err(|source| EngineError::Rows { table: table.to_string(), source })?;
        Ok(view.map(|(table, chunks, files)| ReadView { table, chunks, files }))
    }
}
