//! Opening and closing an engine.

use super::error::{EngineError, WriteError};
use super::options::EngineOptions;
use super::role::{Role, Writer};
use super::write::Registered;
use super::{Engine, Parts};
use crate::clock::Clock;
use crate::manifest::{Candidate, Manifest, ManifestOptions};
use crate::model::batch::WriteBatch;
use crate::model::change::Change;
use crate::model::ids::{DatabaseId, PolicyId, Sequence};
use crate::model::state::State;
use crate::model::tombstone::Tombstone;
use crate::object::Store;
use crate::wal::{self, Damage, FlushedLog, Wal, WalOptions};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Engine {
    /// Opens the database on `store` with the log that `options` names, and replays what was not flushed.
    ///
    /// # Errors
    /// When the manifest or the log cannot be read.
    pub async fn open(
        options: EngineOptions,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, EngineError> {
        let manifest_options = ManifestOptions {
            clock: clock.clone(),
            checkpoint_edits: options.checkpoint_edits,
            commit_backoff: options.commit_backoff,
        };
        // Taking the manifest over fences whoever has it open. A start by mistake must find out before that another server runs here,
        // and one that refuses to start must leave that server what it has.
        let held = wal::hold(&options.wal.directory)?;
        let candidate = Candidate::read(store.clone(), manifest_options).await?;
        Self::check_whose_log(&options, &store, candidate.state()).await?;
        let (manifest, state) = candidate.take_over().await?;
        drop(held);
        let opened =
            tokio::task::spawn_blocking(move || Self::replay(options, store, clock, manifest, state)).await;
        let engine = Arc::new(opened.map_err(|panic| EngineError::Internal(panic.to_string()))??);
        engine.go_on_from_own_log().await?;
        // Not before the log is replayed: its rows were handed on when they were written.
        engine.follow_subscriptions();
        super::background::start(&engine);
        Ok(engine)
    }

    /// Refuses a log that the store does not go on from: with records where the store is new, any where the server is strict.
    async fn check_whose_log(
        options: &EngineOptions,
        store: &Store,
        state: &State,
    ) -> Result<(), EngineError> {
        let log =
            WalOptions { flushed_log: FlushedLog::of(state, store.is_in_memory()), ..options.wal.clone() };
        let checked = tokio::task::spawn_blocking(move || wal::refuse_foreign(&log)).await;
        Ok(checked.map_err(|panic| EngineError::Internal(panic.to_string()))??)
    }

    fn replay(
        options: EngineOptions,
        store: Store,
        clock: Arc<dyn Clock>,
        manifest: Manifest,
        mut state: State,
    ) -> Result<Self, EngineError> {
        // The log hands batches over while it opens, so they are collected into the parts that take them.
        let flushed_through = state.flushed_through();
        let mut deletions: Vec<Arc<Tombstone>> =
            state.tables_with_deletions().flat_map(|(_, tombstones)| tombstones.iter().cloned()).collect();
        deletions.sort_by_key(|tombstone| tombstone.through);
        // New rows must get greater sequences than everything that was deleted, dropped or put into files. The last record
        // of the log does not ensure that: later sequences may have been refused, the log may be lost, and a database may
        // have been adopted whose sequences the log never had.
        let last_deletion = deletions.last().map_or(Sequence::ZERO, |tombstone| tombstone.through);
        let last_in_files = state.files().map(|file| file.sequence_max).max().unwrap_or(Sequence::ZERO);
        let sequence_floor = last_deletion.max(state.last_dropped_through()).max(last_in_files);
        let flushed_log = FlushedLog::of(&state, store.is_in_memory());
        let wal_options = WalOptions { sequence_floor, flushed_log, ..options.wal.clone() };
        let mut batches: Vec<(Sequence, WriteBatch)> = Vec::new();
        let (strict, next_policy) = (wal_options.strict, state.next_policy_id());
        let mut unknown: Vec<(Sequence, DatabaseId, PolicyId)> = Vec::new();
        let (wal, mut recovery) =
            Wal::open_with(wal_options, options.log_files.clone(), flushed_through, |sequence, batch| {
                // A policy is in the manifest before anything is written to it.
                if batch.policy < next_policy {
                    batches.push((sequence, batch));
                } else if strict {
                    return Err(EngineError::OlderStore { policy: batch.policy });
                } else {
                    unknown.push((sequence, batch.database, batch.policy));
                }
                Ok(())
            })?;
        recovery.damage.extend(Self::leave_out_unknown(&mut state, &wal, &unknown)?);
        for damage in &recovery.damage {
            tracing::error!(
                %damage,
                "a part of the write-ahead log cannot be used and was moved to quarantine; tidegauge export --quarantined writes the \
                 points that can be read of it"
            );
        }
        for (first, last) in &recovery.missing {
            tracing::error!(first = first.0, last = last.0, "records are missing from the write-ahead log");
        }
        if !recovery.is_complete() {
            tracing::error!(
                damaged_parts = recovery.damage.len(),
                missing_records = recovery.missing_count(),
                "not all that was acknowledged could be read back; what could is served"
            );
        }
        let last_sequence = wal.last_sequence();
        let role = Role::Writer(Box::new(Writer { manifest, wal, recovery }));
        let engine = Self::assemble(options, Parts { store, clock, state, role, last_sequence });
        let replayed = batches.len();
        let mut deletions = deletions.into_iter().peekable();
        for (sequence, batch) in batches {
            while let Some(tombstone) = deletions.next_if(|t| t.through < sequence) {
                engine.replay_deletion(&tombstone)?;
            }
            engine.replay_batch(sequence, batch)?;
        }
        deletions.try_for_each(|tombstone| engine.replay_deletion(&tombstone))?;
        tracing::info!(batches = replayed, after = flushed_through.0, "replayed the write-ahead log");
        Ok(engine)
    }

    /// Copies records of retention policies that the store never had to the quarantine folder. The log itself keeps them
    /// until the next flush, and may be replayed once more before that. So their database and policy ids are marked as
    /// used: given out anew, they would make these records look like those of another database.
    fn leave_out_unknown(
        state: &mut State,
        wal: &Wal,
        unknown: &[(Sequence, DatabaseId, PolicyId)],
    ) -> Result<Vec<Damage>, EngineError> {
        let Some((first, ..)) = unknown.first() else { return Ok(Vec::new()) };
        tracing::error!(
            first = first.0,
            records = unknown.len(),
            "records of the write-ahead log are of retention policies that the store never had: it is an older store than the \
             log's, and they are left out"
        );
        let records: Vec<Sequence> = unknown.iter().map(|(sequence, ..)| *sequence).collect();
        let reason =
            "are of retention policies that the store never had: it is an older store than the log's";
        let put_aside = wal.put_aside(&records, reason)?;
        let databases = unknown.iter().map(|(_, database, _)| DatabaseId(database.0.saturating_add(1)));
        let policies = unknown.iter().map(|(.., policy)| PolicyId(policy.0.saturating_add(1)));
        let next_ids = Change::NextIds {
            database: databases.max().unwrap_or_default(),
            policy: policies.max().unwrap_or_default(),
            table: state.next_table_id(),
        };
        state.apply(&next_ids).map_err(|e| EngineError::Internal(e.to_string()))?;
        Ok(put_aside)
    }

    /// Brings a batch of the log into the buffers, without what was dropped after it.
    fn replay_batch(&self, sequence: Sequence, mut batch: WriteBatch) -> Result<(), EngineError> {
        let state = self.live.load();
        if state.policy_by_id(batch.policy).is_none() {
            return Ok(()); // dropped with all its tables; identifiers are never reused
        }
        batch.tables.retain(|rows| state.dropped_through(batch.policy, &rows.table) < sequence);
        let internal = |e: WriteError| EngineError::Internal(format!("replaying record {sequence}: {e}"));
        match self.register(batch.database, batch.policy, &batch.tables).map_err(internal)? {
            Registered::All => self.apply(sequence, batch).map_err(internal),
            Registered::Conflict => Err(EngineError::Internal(format!(
                "replaying record {sequence}: a field has another type than the manifest says"
            ))),
        }
    }

    /// Deletes the rows that were replayed so far.
    fn replay_deletion(&self, tombstone: &Arc<Tombstone>) -> Result<(), EngineError> {
        let state = self.live.load();
        let (Some(info), Some(table)) =
            (state.table_by_id(tombstone.table), self.tables.read().get(&tombstone.table).cloned())
        else {
            return Ok(());
        };
        let wrong = |source| EngineError::Rows { table: info.id.to_string(), source };
        table.delete_buffered(tombstone, &info.schema).map_err(wrong)
    }

    /// Ends the engine: takes no more writes, waits for those under way, and flushes.
    ///
    /// # Errors
    /// When the flush failed. Nothing is lost: the log is replayed at the next start.
    pub async fn shutdown(&self) -> Result<(), EngineError> {
        self.closed.store(true, Ordering::Release);
        let Role::Writer(writer) = &self.role else { return Ok(()) };
        self.flush_wanted.notify_one();
        let flushed = self.flush().await;
        // A compaction sees that the engine is closed, and gives up.
        drop(self.compact_lock.lock().await);
        let closed = writer.wal.close();
        writer.manifest.close().await;
        flushed?;
        Ok(closed?)
    }
}
