//! What was deleted, as part of a state; and a state without what has no rows left.

use super::{ApplyError, State, inconsistent, missing, taken};
use crate::model::ids::TableId;
use crate::model::schema::{Column, ColumnKind};
use crate::model::tombstone::Tombstone;
use std::sync::Arc;

impl State {
    /// The tombstones of a table, in the order in which they were made.
    #[must_use]
    pub fn tombstones_of(&self, table: TableId) -> Arc<Vec<Arc<Tombstone>>> {
        self.tombstones.get(&table).cloned().unwrap_or_default()
    }

    /// Every table that [may lack rows](State::may_lack_rows), sorted by id, with its remaining tombstones. All other
    /// tables are known to have rows, and rows with every tag of their schema.
    pub fn tables_with_deletions(&self) -> impl Iterator<Item = (TableId, &Arc<Vec<Arc<Tombstone>>>)> {
        self.tombstones.iter().map(|(table, tombstones)| (*table, tombstones))
    }

    /// Whether a table may have no rows, or none with some tag of its schema, so that the data has to be looked at. That is
    /// so when rows were deleted from it, and when the table or a tag was made for rows that were then not stored.
    #[must_use]
    pub fn may_lack_rows(&self, table: TableId) -> bool {
        self.tombstones.get(&table).is_some()
    }

    /// Hides a table, in a state that is only for reading.
    pub fn hide_table(&mut self, table: TableId) {
        if let Some(info) = self.tables.remove(&table) {
            self.table_names.remove(&(info.policy, info.name.clone()));
        }
    }

    /// Hides the tags of a table that `shown` refuses, in a state that is only for reading.
    pub fn hide_tags(&mut self, table: TableId, shown: impl Fn(&Column) -> bool) {
        if let Some(info) = self.tables.get_mut(&table) {
            let schema = Arc::new(
                info.schema.with_columns_where(|column| column.kind != ColumnKind::Tag || shown(column)),
            );
            Arc::make_mut(info).schema = schema;
        }
    }

    pub(super) fn put_tombstone(&mut self, tombstone: &Arc<Tombstone>) -> Result<(), ApplyError> {
        if tombstone.times.is_empty() {
            return Err(inconsistent("tombstone", &tombstone.id, "it deletes nothing"));
        }
        let tombstones = self.remember_tombstones(tombstone.table)?;
        if tombstones.iter().any(|t| t.id == tombstone.id) {
            return Err(taken("tombstone", &tombstone.id));
        }
        Arc::make_mut(tombstones).push(tombstone.clone());
        Ok(())
    }

    /// A tombstone that is gone already is no error: a flush and a deletion may both find it superfluous.
    pub(super) fn remove_tombstone(&mut self, table: TableId, id: &Arc<str>) {
        if let Some(tombstones) = self.tombstones.get_mut(&table)
            && let Some(at) = tombstones.iter().position(|t| t.id == *id)
        {
            Arc::make_mut(tombstones).remove(at);
        }
    }

    /// The tombstones of a table, none when there were never any.
    pub(super) fn remember_tombstones(
        &mut self,
        table: TableId,
    ) -> Result<&mut Arc<Vec<Arc<Tombstone>>>, ApplyError> {
        if self.tables.get(&table).is_none() {
            return Err(missing("table", table));
        }
        if self.tombstones.get(&table).is_none() {
            self.tombstones.insert(table, Arc::default());
        }
        self.tombstones.get_mut(&table).ok_or_else(|| missing("table", table))
    }
}
