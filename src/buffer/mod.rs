//! Layer 2: the rows that were acknowledged and not yet flushed, of one table.
//!
//! ```text
//! push(rows) ─▶ pending: as written, in order of sequence
//!                  │ seal: when a reader comes, or 64 Ki rows wait
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
//! Deleted rows leave the buffer at once. So what readers and flushes find here needs no tombstone, and chunks from
//! before and after a deletion may be merged.
//!
//! The buffer does not know the log, files or other tables, and takes no lock: its owner does.

mod chunk;

pub use chunk::Chunk;

use crate::merge::{FieldSlot, Merge, SortedRows, Step, seal};
use crate::model::batch::TableRows;
use crate::model::ids::Sequence;
use crate::model::limits::CHUNK_MERGE_ROWS_MAX;
use crate::model::schema::TableSchema;
use crate::model::time::TimeRange;
use arrow::error::ArrowError;
use std::sync::Arc;

/// The buffered rows of one table.
#[derive(Debug, Default)]
pub struct TableBuffer {
    pending: Vec<(Sequence, Arc<TableRows>)>,
    pending_rows: usize,
    chunks: Vec<Arc<Chunk>>,
}

impl TableBuffer {
    /// Adds rows. Sequences do not fall from call to call.
    pub fn push(&mut self, sequence: Sequence, rows: Arc<TableRows>) {
        assert!(
            self.newest_sequence().is_none_or(|newest| newest <= sequence),
            "rows reach the buffer in the order of the log"
        );
        self.pending_rows += rows.row_count();
        self.pending.push((sequence, rows));
    }

    /// The newest write in here.
    #[must_use]
    pub fn newest_sequence(&self) -> Option<Sequence> {
        let sealed = self.chunks.last().map(|c| c.sequence_max);
        self.pending.last().map(|(s, _)| *s).or(sealed)
    }

    /// Rows that wait to be sealed.
    #[must_use]
    pub fn pending_row_count(&self) -> usize {
        self.pending_rows
    }

    /// Whether nothing is buffered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.chunks.is_empty()
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
    ///
    /// # Errors
    /// As [`TableBuffer::chunks`].
    pub fn seal(&mut self, schema: &TableSchema) -> Result<(), ArrowError> {
        let (Some((sequence_min, _)), Some((sequence_max, _))) = (self.pending.first(), self.pending.last())
        else {
            return Ok(());
        };
        let batches: Vec<&TableRows> = self.pending.iter().map(|(_, rows)| &**rows).collect();
        if let Some(stray) = batches.iter().flat_map(|b| &b.fields).find(|f| schema.field(&f.name).is_none())
        {
            return Err(ArrowError::SchemaError(format!(
                "field {:?} is not in the table's schema",
                stray.name
            )));
        }
        let fields =
            schema.fields().filter(|f| batches.iter().any(|b| b.fields.iter().any(|c| c.name == f.name)));
        let (slots, names): (Vec<_>, Vec<_>) = fields
            .map(|f| {
                let slot = FieldSlot { name: f.name.clone(), data_type: f.arrow_field().data_type().clone() };
                (slot, f.stored_name.clone())
            })
            .unzip();
        let rows = seal(&batches, &slots)?;
        let chunk = Chunk::new(rows, names, *sequence_min, *sequence_max);
        self.chunks.push(Arc::new(chunk));
        self.pending.clear();
        self.pending_rows = 0;
        self.merge_small_chunks()
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
        Ok(())
    }

    /// Merges the newest chunks while the last is not much smaller than the one before it.
    fn merge_small_chunks(&mut self) -> Result<(), ArrowError> {
        while let [.., older, newer] = &self.chunks[..] {
            let (a, b) = (older.rows().row_count(), newer.rows().row_count());
            if a >= 2 * b || a + b > CHUNK_MERGE_ROWS_MAX {
                break;
            }
            let merged = Arc::new(merge_chunks(older, newer)?);
            self.chunks.truncate(self.chunks.len() - 2);
            self.chunks.push(merged);
        }
        Ok(())
    }
}

/// One chunk with the rows of both; `newer` wins.
fn merge_chunks(older: &Chunk, newer: &Chunk) -> Result<Chunk, ArrowError> {
    let mut names: Vec<Arc<str>> = older.field_names().to_vec();
    names.extend(newer.field_names().iter().filter(|n| !older.field_names().contains(n)).cloned());
    let types: Vec<_> =
        names.iter().filter_map(|n| older.field_type(n).or_else(|| newer.field_type(n))).collect();
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
