//! Making changes durable and then visible, also when the store does not say whether it has them.
//!
//! ```text
//! changes ─ manifest ─▶ known to be made ─▶ live state, buffers, files
//!               │
//!               └─ failed: made or not? ─▶ unsettled ─ the same again, before any other change ─▶ known to be made
//! ```
//!
//! What is durable and not visible must not go on for long: the next flush would mix rows that a tombstone of the
//! manifest deletes with rows that came later, and the next deletion would not know of files that the manifest has. So an
//! unsettled commit is made again until it is known, and until then nothing else is changed. Writes go on; rows that come
//! after it are kept apart from those that it concerns.

use super::Engine;
use super::error::EngineError;
use super::file_edit::FileEdit;
use super::table::Table;
use crate::manifest::CommitError;
use crate::model::change::Change;
use crate::model::database::TableInfo;
use crate::model::ids::{Sequence, TableId};
use crate::model::schema::TableSchema;
use crate::model::state::State;
use crate::model::tombstone::Tombstone;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{MutexGuard, RwLockWriteGuard};

/// What a commit does besides changing the state.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// Tables go with all or their older rows, or come with their files.
    Catalog,
    /// Rows go.
    Deletion(Vec<Arc<Tombstone>>),
    /// Rows have gone from buffers to files.
    Flush(Flushed),
    /// Files have taken the places of others, and tombstones are spent.
    Files(Vec<FileEdit>, Vec<Arc<Tombstone>>),
}

/// What a flush has done.
#[derive(Clone, Debug)]
pub(super) struct Flushed {
    /// The last record of the log in it.
    pub(super) through: Sequence,
    /// The tables whose rows it has written, or whose tombstones are spent.
    pub(super) tables: Vec<(TableId, Arc<Table>)>,
    /// The tombstones that nothing is left of.
    pub(super) spent: Vec<Arc<Tombstone>>,
}

/// A commit of which it is not known whether it was made, or which was made and is not visible yet.
#[derive(Debug)]
pub(super) struct Unsettled {
    changes: Vec<Change>,
    effect: Effect,
    is_durable: bool,
}

/// The turn to change something: nothing is unsettled, and nobody else changes anything while it is held.
#[derive(Debug)]
pub(super) struct Turn<'a>(MutexGuard<'a, Option<Unsettled>>);

/// The right to decide on what is there by now: no write comes while it is held, and nobody else changes anything.
#[derive(Debug)]
pub(super) struct Closed<'a> {
    pub(super) gate: RwLockWriteGuard<'a, ()>,
    pub(super) turn: Turn<'a>,
}

impl Engine {
    /// Makes changes durable and visible, while writes go on unless the caller holds the gate. Changes that remove rows or tables are
    /// made by [`Engine::commit_decided`].
    ///
    /// # Errors
    /// When it may be that the changes were made, or come to be, or that they do not fit.
    pub(super) async fn commit(
        &self,
        Turn(mut unsettled): Turn<'_>,
        changes: Vec<Change>,
        effect: Effect,
    ) -> Result<(), EngineError> {
        self.writer()?;
        self.set_apart(&effect, &changes);
        // Noted before it is sent: whoever waits for this may stop waiting.
        *unsettled = Some(Unsettled { changes, effect, is_durable: false });
        self.send_unsettled(&mut unsettled).await?;
        match unsettled.take() {
            Some(Unsettled { changes, effect, .. }) => self.take_effect(&changes, effect),
            None => Ok(()),
        }
    }

    /// As [`Engine::commit`], for what was decided with the gate closed. Writes wait while it is decided and when it takes effect, not
    /// for the store in between: what they bring is kept apart.
    ///
    /// # Errors
    /// As [`Engine::commit`].
    pub(super) async fn commit_decided(
        &self,
        Closed { gate, turn: Turn(mut unsettled) }: Closed<'_>,
        changes: Vec<Change>,
        effect: Effect,
    ) -> Result<(), EngineError> {
        self.writer()?;
        self.set_apart(&effect, &changes);
        *unsettled = Some(Unsettled { changes, effect, is_durable: false });
        drop(gate);
        self.send_unsettled(&mut unsettled).await?;
        drop(unsettled);
        self.show_durable().await
    }

    /// Finds out what became of a commit that failed. Not to be called with the gate closed.
    ///
    /// # Errors
    /// When the manifest still fails.
    pub(super) async fn settle(&self) -> Result<(), EngineError> {
        let mut unsettled = self.unsettled.lock().await;
        if unsettled.is_none() {
            return Ok(());
        }
        self.send_unsettled(&mut unsettled).await?;
        drop(unsettled);
        self.show_durable().await
    }

    /// Sends what is not known to be durable.
    async fn send_unsettled(&self, unsettled: &mut Option<Unsettled>) -> Result<(), EngineError> {
        let Some(sent) = unsettled.as_mut().filter(|sent| !sent.is_durable) else { return Ok(()) };
        match self.send(&sent.changes).await {
            Ok(()) => {
                sent.is_durable = true;
                Ok(())
            }
            Err(error) => {
                if !matches!(error, EngineError::Manifest(_)) {
                    *unsettled = None;
                }
                Err(error)
            }
        }
    }

    /// Makes an unsettled commit that is known to be durable visible. The lock order is gate, then `unsettled`; but
    /// `unsettled` may be held by another change that waits for the store. Writes must not wait for that with it, so the
    /// gate is opened again while this waits.
    pub(super) async fn show_durable(&self) -> Result<(), EngineError> {
        loop {
            let gate = self.gate.write().await;
            if let Ok(mut unsettled) = self.unsettled.try_lock() {
                return match unsettled.take_if(|sent| sent.is_durable) {
                    Some(Unsettled { changes, effect, .. }) => self.take_effect(&changes, effect),
                    None => Ok(()),
                };
            }
            drop(gate);
            if !self.unsettled.lock().await.as_ref().is_some_and(|sent| sent.is_durable) {
                return Ok(());
            }
        }
    }

    /// Waits for the turn to change something, and settles what is not. Not to be called with the gate closed.
    ///
    /// # Errors
    /// As [`Engine::settle`].
    pub(super) async fn turn(&self) -> Result<Turn<'_>, EngineError> {
        loop {
            self.settle().await?;
            let unsettled = self.unsettled.lock().await;
            if unsettled.is_none() {
                return Ok(Turn(unsettled));
            }
        }
    }

    /// Closes the gate at a moment when nothing is unsettled. While another change waits for the store, writes go on.
    ///
    /// # Errors
    /// As [`Engine::settle`].
    pub(super) async fn close_gate(&self) -> Result<Closed<'_>, EngineError> {
        loop {
            self.settle().await?;
            let gate = self.gate.write().await;
            match self.unsettled.try_lock() {
                Ok(unsettled) if unsettled.is_none() => return Ok(Closed { gate, turn: Turn(unsettled) }),
                _ => {}
            }
        }
    }

    async fn send(&self, changes: &[Change]) -> Result<(), EngineError> {
        match self.writer()?.manifest.commit(changes.to_vec(), |_| Ok::<_, Infallible>(())).await {
            Ok(_) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error.into()),
            Err(CommitError::Conflict(conflict)) => Err(EngineError::Internal(conflict.to_string())),
            Err(CommitError::Refused(never)) => match never {},
        }
    }

    /// Keeps the rows that `effect` concerns apart from those that will come.
    fn set_apart(&self, effect: &Effect, changes: &[Change]) {
        let tables: Vec<TableId> = match effect {
            Effect::Catalog => dropped_tables(changes).map(|(table, _)| table).collect(),
            Effect::Deletion(tombstones) => tombstones.iter().map(|tombstone| tombstone.table).collect(),
            Effect::Flush(_) | Effect::Files(..) => Vec::new(),
        };
        for table in tables {
            self.table_handle(table).set_apart();
        }
    }

    fn take_effect(&self, changes: &[Change], effect: Effect) -> Result<(), EngineError> {
        let internal = |e: &dyn std::fmt::Display| EngineError::Internal(e.to_string());
        let before = self.live.load_full();
        let successors = match &effect {
            Effect::Catalog => self.successors_of_dropped(&before, changes),
            Effect::Deletion(_) | Effect::Flush(_) | Effect::Files(..) => Vec::new(),
        };
        {
            let _lock = self.live_lock.lock();
            let mut live = self.live.load().with_changes(changes).map_err(|e| internal(&e))?;
            // Shown at once: rows that were acknowledged are in one table or the other.
            for successor in successors {
                self.add_successor(&mut live, successor)?;
            }
            if matches!(effect, Effect::Catalog) {
                self.add_tables(&live);
            }
            self.live.store(Arc::new(live));
        }
        match effect {
            Effect::Catalog => {
                self.follow_subscriptions();
                let state = self.live.load();
                self.tables.write().retain(|id, _| state.table_by_id(*id).is_some());
                for table in before.tables().filter(|table| state.table_by_id(table.id).is_none()) {
                    self.unreferenced.add(before.files_of(table.id).iter(), self.clock.now_ns());
                }
            }
            Effect::Deletion(tombstones) => {
                for tombstone in &tombstones {
                    let Some(info) = before.table_by_id(tombstone.table) else { continue };
                    let table = self.table_handle(info.id);
                    let deleted = table.delete(tombstone, &info.schema);
                    deleted.map_err(|source| EngineError::Rows { table: info.id.to_string(), source })?;
                    table.rejoin();
                }
            }
            Effect::Flush(Flushed { through, tables, spent }) => {
                let state = self.live.load();
                for (id, table) in &tables {
                    table.flushed(state.files_of(*id), &spent);
                }
                // The flush is made. What is left of the log goes with the next one, and a start knows that it is not needed.
                if let Err(error) = self.writer()?.wal.trim(through) {
                    tracing::warn!(%error, "a part of the log that is flushed cannot be deleted yet");
                }
            }
            Effect::Files(edits, spent) => self.show_files(&edits, &spent),
        }
        Ok(())
    }

    /// Has the files of the tables of a state that are not known yet, before the state is shown: who finds a table in the catalog finds its
    /// rows.
    fn add_tables(&self, state: &State) {
        let mut tables = self.tables.write();
        for info in state.tables() {
            tables.entry(info.id).or_insert_with(|| {
                let (files, tombstones) = (state.files_of(info.id), state.tombstones_of(info.id));
                Arc::new(self.table_with(files, tombstones))
            });
        }
    }

    /// Opens and ends the queues of subscriptions that have come or gone.
    pub(super) fn follow_subscriptions(&self) {
        if let Some(outbox) = &self.options.outbox {
            outbox.follow(&self.live.load());
        }
    }

    /// Rows that came while nobody knew whether their table was dropped become rows of a new one with the columns that they have, as
    /// they do when the log is replayed.
    fn successors_of_dropped(&self, before: &State, changes: &[Change]) -> Vec<Successor> {
        let mut successors = Vec::new();
        for (table, through) in dropped_tables(changes) {
            let Some(info) = before.table_by_id(table) else { continue };
            let Some(rows) = self.table_handle(table).newer_than(through) else { continue };
            let schema = rows.schema_in_use(&info.schema).map_or_else(
                |error| {
                    // Then no flush succeeds that would let the log go of them.
                    tracing::error!(%table, %error, "rows that came while their table was dropped cannot be sorted");
                    info.schema.clone()
                },
                Arc::new,
            );
            successors.push(Successor { dropped: info.clone(), schema, rows: Arc::new(rows) });
        }
        successors
    }

    /// Adds the table to a state, and its rows to those that are found once the state is shown.
    fn add_successor(
        &self,
        state: &mut State,
        Successor { dropped, schema, rows }: Successor,
    ) -> Result<(), EngineError> {
        let id = state.next_table_id();
        let again = TableInfo { id, schema, ..TableInfo::clone(&dropped) };
        let put = state.apply(&Change::PutTable(Arc::new(again)));
        put.map_err(|e| EngineError::Internal(e.to_string()))?;
        self.tables.write().insert(id, rows);
        self.successors.lock().insert(dropped.id, id);
        Ok(())
    }
}

/// The table of rows that came while nobody knew whether theirs was dropped.
struct Successor {
    dropped: Arc<TableInfo>,
    schema: Arc<TableSchema>,
    rows: Arc<Table>,
}

/// The tables that are dropped by themselves, up to which record.
fn dropped_tables(changes: &[Change]) -> impl Iterator<Item = (TableId, Sequence)> {
    changes.iter().filter_map(|change| match change {
        Change::DropTable { table, through } => Some((*table, *through)),
        _ => None,
    })
}
