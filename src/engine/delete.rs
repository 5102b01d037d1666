//! Deleting rows.
//!
//! A deletion is a [`Tombstone`] per table, all in one edit of the manifest. It passes the gate alone, so every write was
//! applied wholly before it or gets a later sequence than the one that the tombstone bears. Then
//!
//! * rows in the buffers go at once, also those that are being flushed;
//! * rows in files are left out by whoever reads the files, until the files are written anew;
//! * records of the log that were not flushed are deleted again by the same tombstones when they are replayed.

use super::Engine;
use super::commit::Effect;
use super::error::EngineError;
use super::role::Writer;
use crate::model::change::Change;
use crate::model::ids::TableId;
use crate::model::time::TimeRange;
use crate::model::tombstone::{SeriesFilter, Tombstone};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Rows to delete from one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The table. Nothing happens when it was dropped, unless rows came while that was not known.
    pub table: TableId,
    /// The times of the rows.
    pub times: TimeRange,
    /// Their series.
    pub series: SeriesFilter,
}

impl Engine {
    /// Deletes rows, all or none: when this returns, they are gone for every query and stay so after a crash. Takes as
    /// long as an edit of the manifest and a look through the buffer, however much is deleted.
    ///
    /// # Errors
    /// When the manifest cannot be extended. It may be that the rows are gone then, or go with the next change or start:
    /// all or none.
    pub async fn delete(&self, deletions: &[Deletion]) -> Result<(), EngineError> {
        let writer = self.writer()?;
        if self.closed.load(Ordering::Acquire) {
            return Err(EngineError::Closed);
        }
        let closed = self.close_gate().await?;
        let tombstones = self.tombstones(writer, deletions)?;
        if tombstones.is_empty() {
            return Ok(());
        }
        let (state, durable) = (self.live.load_full(), writer.manifest.state());
        let mut changes = Vec::new();
        for tombstone in &tombstones {
            // A table that writes made since the last flush is not in the manifest yet.
            if let Some(info) = state.table_by_id(tombstone.table)
                && durable.table_by_id(tombstone.table) != Some(info)
            {
                changes.push(Change::PutTable(info.clone()));
            }
            let older = state.tombstones_of(tombstone.table);
            let replaced = older.iter().filter(|older| tombstone.replaces(older));
            changes.extend(
                replaced.map(|older| Change::RemoveTombstone { table: older.table, id: older.id.clone() }),
            );
            changes.push(Change::PutTombstone(tombstone.clone()));
        }
        self.commit_decided(closed, changes, Effect::Deletion(tombstones)).await
    }

    /// The tombstones of `deletions` that may delete something. To be called with the gate closed.
    fn tombstones(
        &self,
        writer: &Writer,
        deletions: &[Deletion],
    ) -> Result<Vec<Arc<Tombstone>>, EngineError> {
        let state = self.live.load();
        let through = writer.wal.last_sequence();
        // Rows of a write that failed with the log are not here, and may come with the next start.
        let may_be_in_log = writer.wal.has_failed();
        let mut tombstones = Vec::new();
        for Deletion { table, times, series } in deletions {
            let table = self.successor(*table);
            let Some(info) = state.table_by_id(table) else { continue };
            let wrong = |source| EngineError::Rows { table: table.to_string(), source };
            let is_here = self.table_handle(table).may_have(*times, &info.schema).map_err(wrong)?;
            if series.is_none() || !(is_here || may_be_in_log) {
                continue;
            }
            tombstones.push(Arc::new(Tombstone {
                id: uuid::Uuid::new_v4().to_string().into(),
                table,
                times: *times,
                series: series.clone(),
                through,
            }));
        }
        Ok(tombstones)
    }

    /// The table that has the rows of this one, whose id was looked up before it was known to be dropped.
    fn successor(&self, mut table: TableId) -> TableId {
        let successors = self.successors.lock();
        while let Some(next) = successors.get(&table) {
            table = *next;
        }
        table
    }
}
