//! The path of a write, from the body of a request, or from rows, to rows that queries see.

use super::Engine;
use super::error::WriteError;
use super::rows::{self, RowLimits};
use crate::catalog;
use crate::line_protocol::{
    Converted, OutsideWindow, Precision, Rejection, WriteOptions, WriteWindow, to_batches,
};
use crate::model::batch::{TableRows, WriteBatch};
use crate::model::change::Change;
use crate::model::database::{PolicyInfo, TableInfo};
use crate::model::ids::{DatabaseId, PolicyId, Sequence};
use crate::model::schema::{ColumnKind, TableSchema};
use crate::model::series_key;
use crate::model::state::State;
use crate::wal::{DurableWait, WalError, batch};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Points to write.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    /// The database's name.
    pub database: String,
    /// The retention policy's name; the database's default when `None`.
    pub policy: Option<String>,
    /// The unit of the timestamps.
    pub precision: Precision,
    /// Line protocol.
    pub body: Bytes,
}

/// Rows to write.
#[derive(Clone, Debug)]
pub struct RowsRequest {
    /// The database's name.
    pub database: String,
    /// The retention policy's name.
    pub policy: String,
    /// The rows. A table may come in several parts; a row without any field is left out.
    pub tables: Vec<TableRows>,
}

/// What became of the points of a write that was taken.
#[derive(Debug, Default)]
pub struct WriteOutcome {
    /// Points that are stored.
    pub points_written: usize,
    /// Lines and points that are not, with reasons, as far as they fit a bound.
    pub rejections: Vec<Rejection>,
    /// Rejections past that bound.
    pub rejections_omitted: usize,
    /// Lines that did not parse.
    pub lines_refused: usize,
    /// Points that parsed and were refused: `dropped=N` in InfluxDB's texts.
    pub points_dropped: usize,
    /// Those of them that lie outside the write window of their retention policy.
    pub outside_window: Option<OutsideWindow>,
    /// The database that the points were meant for.
    pub database: Arc<str>,
    /// The retention policy that the points were meant for.
    pub policy: Arc<str>,
}

/// A batch that was logged, or nothing to log.
struct Logged {
    outcome: WriteOutcome,
    appended: Option<(Sequence, DurableWait)>,
}

impl Engine {
    /// Stores points: when this returns, they are on disk and every query sees them. Goes on to its end when
    /// the caller stops waiting.
    ///
    /// # Errors
    /// When nothing of the request was stored. With `Internal` and `Closed` it may have been, after a crash.
    pub async fn write(self: &Arc<Self>, request: WriteRequest) -> Result<WriteOutcome, WriteError> {
        self.write_by(move |engine| engine.log(&request)).await
    }

    /// Stores rows by the rules for points: those of [`Engine::write`].
    ///
    /// # Errors
    /// As [`Engine::write`].
    pub async fn write_rows(self: &Arc<Self>, request: RowsRequest) -> Result<WriteOutcome, WriteError> {
        self.write_by(move |engine| engine.log_rows(&request)).await
    }

    async fn write_by(
        self: &Arc<Self>,
        log: impl FnOnce(&Self) -> Result<Logged, WriteError> + Send + 'static,
    ) -> Result<WriteOutcome, WriteError> {
        let engine = self.clone();
        let task = tokio::spawn(async move { engine.write_to_end(log).await });
        task.await.unwrap_or_else(|panic| Err(WriteError::Internal(panic.to_string())))
    }

    async fn write_to_end(
        self: Arc<Self>,
        log: impl FnOnce(&Self) -> Result<Logged, WriteError> + Send + 'static,
    ) -> Result<WriteOutcome, WriteError> {
        self.admit()?;
        let _gate = self.gate.read().await;
        let engine = self.clone();
        let logged = tokio::task::spawn_blocking(move || log(&engine)).await;
        let logged = logged.map_err(|panic| WriteError::Internal(panic.to_string()))??;
        if let Some((own, durable)) = logged.appended {
            let written = durable.await;
            let mut applied = Ok(());
            self.apply_queue.settle(
                own,
                written.is_ok(),
                |sequence, batch| {
                    let forwarded = self.rows_to_forward(&batch);
                    match self.apply(sequence, batch) {
                        Ok(()) => self.forward(forwarded),
                        // It may be another write's, whose task only waits for this.
                        Err(error) if sequence == own => applied = Err(error),
                        Err(error) => {
                            tracing::error!(%sequence, %error, "a write of the log cannot be shown")
                        }
                    }
                },
                |batch| self.doubt(batch.policy, batch.tables.iter().map(|rows| &*rows.table)),
            );
            written.map_err(|e| self.write_error(e))?;
            applied?;
            self.apply_queue.wait(own).await;
        }
        let counters = &self.counters;
        let written = logged.outcome.points_written as u64;
        counters.points_written.fetch_add(written, Ordering::Relaxed);
        let rejected = logged.outcome.rejections.len() + logged.outcome.rejections_omitted;
        counters.points_rejected.fetch_add(rejected as u64, Ordering::Relaxed);
        Ok(logged.outcome)
    }

    /// Parses a body and queues it for the log.
    fn log(&self, request: &WriteRequest) -> Result<Logged, WriteError> {
        let mut options = WriteOptions::new(request.precision, self.clock.now_ns());
        options.string_bytes_max = self.options.string_bytes_max;
        loop {
            let state = self.live.load_full();
            let target = catalog::resolve_write_target(&state, &request.database, request.policy.as_deref())?;
            let (database, policy) = (target.database.id, target.policy.id);
            let duration_ns = target.policy.duration_ns;
            options.oldest_ns =
                (duration_ns > 0).then(|| options.default_time_ns.saturating_sub(duration_ns));
            options.window = write_window(&target.policy, options.default_time_ns);
            let schema_of = |table: &str| state.table(policy, table).map(|t| t.schema.clone());
            let converted = to_batches(&request.body, &options, schema_of);
            if self.register(database, policy, &converted.tables)? == Registered::Conflict {
                continue; // another write fixed a field's type meanwhile: judge the points anew
            }
            let mut logged = self.append(database, policy, converted)?;
            logged.outcome.database = target.database.name.clone();
            logged.outcome.policy = target.policy.name.clone();
            return Ok(logged);
        }
    }

    /// Judges rows and queues them for the log.
    fn log_rows(&self, request: &RowsRequest) -> Result<Logged, WriteError> {
        let internal = |error: arrow::error::ArrowError| WriteError::Internal(error.to_string());
        loop {
            let state = self.live.load_full();
            let target = catalog::resolve_write_target(&state, &request.database, Some(&request.policy))?;
            let (database, policy) = (target.database.id, target.policy.id);
            let duration_ns = target.policy.duration_ns;
            let now_ns = self.clock.now_ns();
            let limits = RowLimits {
                oldest_ns: (duration_ns > 0).then(|| now_ns.saturating_sub(duration_ns)),
                window: write_window(&target.policy, now_ns),
                string_bytes_max: self.options.string_bytes_max,
            };
            let schema_of = |table: &str| state.table(policy, table).map(|t| t.schema.clone());
            let judged = rows::judge(&request.tables, limits, schema_of).map_err(internal)?;
            if self.register(database, policy, &judged.tables)? == Registered::Conflict {
                continue; // as in `log`, or two parts of a table disagree: the second is judged by the first
            }
            let mut logged = self.append(database, policy, judged)?;
            logged.outcome.database = target.database.name.clone();
            logged.outcome.policy = target.policy.name.clone();
            return Ok(logged);
        }
    }

    fn append(
        &self,
        database: DatabaseId,
        policy: PolicyId,
        converted: Converted,
    ) -> Result<Logged, WriteError> {
        let outcome = WriteOutcome {
            points_written: converted.points_accepted,
            rejections: converted.rejections,
            rejections_omitted: converted.rejections_omitted,
            lines_refused: converted.lines_refused,
            points_dropped: converted.points_dropped,
            outside_window: converted.outside_window,
            ..WriteOutcome::default()
        };
        if converted.tables.is_empty() {
            return Ok(Logged { outcome, appended: None });
        }
        let batch = WriteBatch { database, policy, tables: converted.tables };
        let payload = batch::encode(&batch);
        let writer = self.writer().map_err(|_| WriteError::ReadOnly)?;
        let append = || writer.wal.append(payload).map(|a| (a.sequence, a.durable));
        let tables: Vec<Arc<str>> = batch.tables.iter().map(|rows| rows.table.clone()).collect();
        let appended = self.apply_queue.enter(batch, append).map_err(|e| {
            self.doubt(policy, tables.iter().map(|table| &**table));
            self.write_error(e)
        })?;
        Ok(Logged { outcome, appended: Some(appended) })
    }

    /// Makes sure that the live state has every table and column of `tables`.
    pub(super) fn register(
        &self,
        database: DatabaseId,
        policy: PolicyId,
        tables: &[TableRows],
    ) -> Result<Registered, WriteError> {
        let internal = |e: &dyn std::fmt::Display| WriteError::Internal(e.to_string());
        for rows in tables {
            let tags = tag_keys(rows);
            let columns = || {
                let tags = tags.iter().map(|tag| (tag.as_ref(), ColumnKind::Tag));
                tags.chain(rows.fields.iter().map(|f| (f.name.as_ref(), ColumnKind::Field(f.field_type()))))
            };
            let widened = |state: &State| match state.table(policy, &rows.table) {
                Some(table) => table.schema.with_columns(columns()).map(|s| s.map(|s| (table.id, s))),
                None => TableSchema::default()
                    .with_columns(columns())
                    .map(|s| Some((state.next_table_id(), s.unwrap_or_default()))),
            };
            match widened(&self.live.load()) {
                Err(_) => return Ok(Registered::Conflict),
                Ok(None) => continue,
                Ok(Some(_)) => {}
            }
            let _lock = self.live_lock.lock();
            let mut state = State::clone(&self.live.load());
            let (id, schema) = match widened(&state) {
                Err(_) => return Ok(Registered::Conflict),
                Ok(None) => continue,
                Ok(Some(new)) => new,
            };
            let info = TableInfo { id, database, policy, name: rows.table.clone(), schema: Arc::new(schema) };
            state.apply(&Change::PutTable(Arc::new(info))).map_err(|e| internal(&e))?;
            self.table_handle(id);
            self.live.store(Arc::new(state));
        }
        Ok(Registered::All)
    }

    /// Notes that tables may have been made, or got tags, for rows that were then not stored. Whether a table has rows, and
    /// rows with each of its tags, has to be looked up from now on.
    fn doubt<'a>(&self, policy: PolicyId, tables: impl Iterator<Item = &'a str>) {
        let _lock = self.live_lock.lock();
        let mut state = State::clone(&self.live.load());
        for table in tables {
            let Some(id) = state.table(policy, table).map(|info| info.id) else { continue };
            // It cannot fail: the table is there.
            if state.apply(&Change::HadTombstones(id)).is_ok() {
                self.table_handle(id).surveys.invalidate();
            }
        }
        self.live.store(Arc::new(state));
    }

    /// Makes a durable batch visible to queries. The rows of a table that fails do not keep those of others from it: the next flush
    /// lets the log go of all.
    pub(super) fn apply(&self, sequence: Sequence, batch: WriteBatch) -> Result<(), WriteError> {
        let now = u64::try_from(self.clock.now_ns()).unwrap_or(1).max(1);
        let _ = self.counters.oldest_ns.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let state = self.live.load();
        let mut applied = Ok(());
        for rows in batch.tables {
            let Some(info) = state.table(batch.policy, &rows.table) else {
                let lost = format!("table {:?} vanished under its rows", rows.table);
                applied = applied.and(Err(WriteError::Internal(lost)));
                continue;
            };
            let pushed = self.table_handle(info.id).push(sequence, rows, &info.schema);
            if self.buffer_memory.waiting_bytes() >= self.options.flush_bytes {
                self.flush_wanted.notify_one();
            }
            let pushed = pushed.map_err(|e| WriteError::Internal(format!("table {:?}: {e}", info.name)));
            applied = applied.and(pushed);
        }
        applied
    }

    /// A copy of the rows of a batch, where subscriptions are for them. The values of fields are shared.
    fn rows_to_forward(&self, batch: &WriteBatch) -> Option<(PolicyId, Vec<TableRows>)> {
        let outbox = self.options.outbox.as_ref()?;
        outbox.takes(batch.policy).then(|| (batch.policy, batch.tables.clone()))
    }

    /// Puts rows into the outbox. It is done in the order of the log, and does not wait.
    fn forward(&self, rows: Option<(PolicyId, Vec<TableRows>)>) {
        if let (Some(outbox), Some((policy, tables))) = (&self.options.outbox, rows) {
            outbox.push(policy, tables);
        }
    }

    fn write_error(&self, error: WalError) -> WriteError {
        let retry_after = self.options.retry_after;
        match error {
            WalError::DiskFull => WriteError::DiskFull { retry_after },
            WalError::QueueFull | WalError::NoDescriptors => WriteError::Overloaded { retry_after },
            other => WriteError::Closed(other.to_string()),
        }
    }
}

/// The times of points that a policy takes at `now_ns`.
fn write_window(policy: &PolicyInfo, now_ns: i64) -> WriteWindow {
    let limit = |limit_ns: i64, bound_ns: i64| (limit_ns > 0).then_some(bound_ns);
    WriteWindow {
        oldest_ns: limit(policy.past_limit_ns, now_ns.saturating_sub(policy.past_limit_ns)),
        newest_ns: limit(policy.future_limit_ns, now_ns.saturating_add(policy.future_limit_ns)),
    }
}

/// Whether columns could be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    All,
    /// A field has got another type since the schema was looked up.
    Conflict,
}

/// The keys of all tags of these rows.
fn tag_keys(rows: &TableRows) -> BTreeSet<Arc<str>> {
    let mut keys: BTreeSet<Arc<str>> = BTreeSet::new();
    for (key, _) in rows.series.iter().flat_map(|series| series_key::decode(series)) {
        if !keys.contains(&*key) {
            keys.insert(key.as_ref().into());
        }
    }
    keys
}
