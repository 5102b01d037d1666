//! Layer 2: the rows that were acknowledged and not yet flushed, of one table.
//!
//! ```text
//! push(rows) ─▶ pending: as written, in order of sequence
//!                  │ seal: when a reader comes, or as many wait as a chunk takes
//!                  ▼
//!               chunks: sorted, free of duplicates, immutable, shared by readers
//!                  │ take
//!                  ▼
//!               flush
//! ```
//!
//! Rows are sorted once, not once per query: what a reader seals, the next reader finds. Small chunks are
//! merged into one of about their joint size when they pile up, so that a reader after every write costs
//! each row a logarithmic number of copies, and never more than that.
//!
//! A chunk has a value or null for each of its fields in every row. So rows that have few of many fields become several chunks, each of
//! bounded size ([`CHUNK_CELLS_MAX`](crate::model::limits::CHUNK_CELLS_MAX), unless the buffer's owner names another bound), in the order of
//! their arrival: of two chunks the later one has the newer rows.
//!
//! Deleted rows leave the buffer at once. So what readers and flushes find here needs no tombstone, and chunks from
//! before and after a deletion may be merged.
//!
//! The buffer does not know the log, files or other tables, and takes no lock: its owner does.

mod chunk;
mod pending;

pub use chunk::Chunk;

use crate::merge::{Merge, SortedRows, Step};
use crate::model::batch::TableRows;
use crate::model::ids::Sequence;
use crate::model::limits::{CHUNK_BYTES_MAX, CHUNK_MERGE_ROWS_MAX};
use crate::model::schema::TableSchema;
use crate::model::time::TimeRange;
use ahash::AHashSet;
use arrow::error::ArrowError;
use pending::Pending;
use std::collections::VecDeque;
use std::sync::Arc;

/// The buffered rows of one table. A clone shares them.
#[derive(Clone, Debug)]
pub struct TableBuffer {
    /// Most cells of a chunk that is made of several parts or chunks.
    cells_max: usize,
    /// Newer than `chunks`. Each becomes a chunk; the last may take more rows until then.
    pending: VecDeque<Pending>,
    /// From old to new.
    chunks: Vec<Arc<Chunk>>,
    /// The memory of `chunks`.
    chunk_bytes: usize,
}

impl TableBuffer {
    /// No rows yet. What becomes one chunk of several parts or chunks has at most `cells_max` cells, its rows times its fields.
    #[must_use]
    pub fn new(cells_max: usize) -> Self {
        Self { cells_max, pending: VecDeque::new(), chunks: Vec::new(), chunk_bytes: 0 }
    }

    /// The bound that the buffer was made with.
    #[must_use]
    pub fn cells_max(&self) -> usize {
        self.cells_max
    }

    /// Hands all rows over; this one is empty then.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let empty = Self::new(self.cells_max);
        std::mem::replace(self, empty)
    }

    /// Adds rows. Sequences do not fall from call to call.
    pub fn push(&mut self, sequence: Sequence, rows: Arc<TableRows>) {
        assert!(
            self.newest_sequence().is_none_or(|newest| newest <= sequence),
            "rows reach the buffer in the order of the log"
        );
        match self.pending.back_mut() {
            Some(last) if last.has_room_for(&rows) => last.push(sequence, rows),
            _ => self.pending.push_back(Pending::new(self.cells_max, sequence, rows)),
        }
    }

    /// The newest write in here.
    #[must_use]
    pub fn newest_sequence(&self) -> Option<Sequence> {
        let sealed = self.chunks.last().map(|c| c.sequence_max);
        self.pending.back().map(Pending::sequence_max).or(sealed)
    }

    /// The memory that all rows hold, in bytes. Rows that wait count as what they will hold when they are sealed, if that is more.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.chunk_bytes + self.pending.iter().map(Pending::memory_bytes).sum::<usize>()
    }

    /// Whether nothing is buffered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.chunks.is_empty()
    }

    /// The rows that [`TableBuffer::chunks`] is about to sort, with those of the chunks that they would be merged with: what it takes is in
    /// proportion to them.
    #[must_use]
    pub fn unsealed_row_count(&self) -> usize {
        let mut row_count: usize = self.pending.iter().map(Pending::row_count).sum();
        if row_count == 0 {
            return 0;
        }
        for older in self.chunks.iter().rev().map(|chunk| chunk.rows().row_count()) {
            if older >= 2 * row_count || older + row_count > CHUNK_MERGE_ROWS_MAX {
                break;
            }
            row_count += older;
        }
        row_count
    }

    /// All rows as chunks, from old to new. Seals what is pending; `schema` must have every field of it.
    ///
    /// # Errors
    /// When a column does not have the type that `schema` says; nothing is lost then.
    pub fn chunks(&mut self, schema: &TableSchema) -> Result<&[Arc<Chunk>], ArrowError> {
        self.seal(schema)?;
        Ok(&self.chunks)
    }

    /// Seals what is pending; see [`TableBuffer::chunks`].
    fn seal(&mut self, schema: &TableSchema) -> Result<(), ArrowError> {
        self.seal_oldest(self.pending.len(), schema)
    }

    /// Seals those pending rows that fill their chunk; `schema` as in [`TableBuffer::chunks`].
    ///
    /// # Errors
    /// As [`TableBuffer::chunks`].
    pub fn seal_full(&mut self, schema: &TableSchema) -> Result<(), ArrowError> {
        let takes_more = self.pending.back().is_some_and(|last| !last.is_full());
        self.seal_oldest(self.pending.len() - usize::from(takes_more), schema)
    }

    /// Makes chunks of the `count` oldest that are pending. Those before one that fails stay sealed.
    fn seal_oldest(&mut self, count: usize, schema: &TableSchema) -> Result<(), ArrowError> {
        for _ in 0..count {
            let Some(oldest) = self.pending.front() else { break };
            let chunk = oldest.seal(schema)?;
            self.pending.pop_front();
            self.chunk_bytes += chunk.memory_bytes();
            self.chunks.push(Arc::new(chunk));
            self.merge_small_chunks()?;
        }
        Ok(())
    }

    /// Lets go of rows. `deleted_times` gives the times at which rows of a series key are deleted. Chunks that have none of
    /// them stay as they are, others are copied; `schema` as in [`TableBuffer::chunks`].
    ///
    /// # Errors
    /// As [`TableBuffer::chunks`]; the rows are all still there then.
    pub fn delete(
        &mut self,
        schema: &TableSchema,
        deleted_times: &dyn Fn(&str) -> Vec<TimeRange>,
    ) -> Result<(), ArrowError> {
        self.seal(schema)?;
        let left = self.chunks.iter().map(|chunk| {
            let rows = chunk.rows().without(deleted_times)?;
            Ok(match rows.row_count() {
                count if count == chunk.rows().row_count() => Some(chunk.clone()),
                0 => None,
                _ => {
                    let names = chunk.field_names().to_vec();
                    Some(Arc::new(Chunk::new(rows, names, chunk.sequence_min, chunk.sequence_max)))
                }
            })
        });
        let left = left.collect::<Result<Vec<Option<Arc<Chunk>>>, ArrowError>>()?;
        self.chunks = left.into_iter().flatten().collect();
        self.chunk_bytes = self.chunks.iter().map(|chunk| chunk.memory_bytes()).sum();
        Ok(())
    }

    /// Merges the newest chunks while the last is not much smaller than the one before it.
    fn merge_small_chunks(&mut self) -> Result<(), ArrowError> {
        while let [.., older, newer] = &self.chunks[..] {
            let is_small = older.rows().row_count() < 2 * newer.rows().row_count();
            if !is_small || !fit_one_chunk(older, newer, self.cells_max) {
                break;
            }
            let merged = Arc::new(merge_chunks(older, newer)?);
            let parts_bytes = older.memory_bytes() + newer.memory_bytes();
            self.chunk_bytes = self.chunk_bytes - parts_bytes + merged.memory_bytes();
            self.chunks.truncate(self.chunks.len() - 2);
            self.chunks.push(merged);
        }
        Ok(())
    }
}

/// Whether the rows of both are not too many for one chunk, nor too sparse or too long.
fn fit_one_chunk(older: &Chunk, newer: &Chunk, cells_max: usize) -> bool {
    let row_count = older.rows().row_count() + newer.rows().row_count();
    row_count <= CHUNK_MERGE_ROWS_MAX
        && older.memory_bytes().saturating_add(newer.memory_bytes()) <= CHUNK_BYTES_MAX
        && row_count.saturating_mul(field_names_of(older, newer).len()) <= cells_max
}

/// The names of the fields of both, those of `older` first.
fn field_names_of(older: &Chunk, newer: &Chunk) -> Vec<Arc<str>> {
    let known: AHashSet<&Arc<str>> = older.field_names().iter().collect();
    let added = newer.field_names().iter().filter(|name| !known.contains(name));
    older.field_names().iter().chain(added).cloned().collect()
}

/// One chunk with the rows of both; `newer` wins.
fn merge_chunks(older: &Chunk, newer: &Chunk) -> Result<Chunk, ArrowError> {
    let names = field_names_of(older, newer);
    let (of_older, of_newer) = (older.fields_by_name(), newer.fields_by_name());
    let column = |name: &Arc<str>| of_older.get(&**name).or_else(|| of_newer.get(&**name));
    let types: Vec<_> = names.iter().filter_map(column).map(|column| column.data_type().clone()).collect();
    let row_count = older.rows().row_count() + newer.rows().row_count();
    let mut merge = Merge::new(types.clone(), 2, row_count.max(1));
    for (source, chunk) in [older, newer].into_iter().enumerate() {
        merge.push(source, chunk.project(&names, &types));
        merge.finish(source);
    }
    let rows = match merge.step()? {
        Step::Rows(rows) => rows,
        Step::Done | Step::Need(_) => SortedRows { runs: vec![], times_ns: vec![].into(), fields: vec![] },
    };
    Ok(Chunk::new(rows, names, older.sequence_min, newer.sequence_max))
}

#[cfg(test)]
mod tests;
