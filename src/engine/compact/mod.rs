//! Writing files anew: fewer, larger, without overlaps and without deleted rows.
//!
//! ```text
//! manifest's entries ─ plan ─▶ jobs ─ merge, by window ─▶ new files ─ one edit: new in, old out ─▶ old ones unreferenced
//! ```
//!
//! Where there are thousands of tables there are thousands of small jobs, and an edit takes a round trip to the store and a place in the
//! log. So jobs that are finished wait a moment for others, and one edit has the files of all of them.
//!
//! A crash before the edit leaves new objects that nothing names, one after it old ones; `collect` deletes either. Reads and
//! writes go on meanwhile: a reader holds the entries of its view, and their objects stay until it lets go.
//!
//! A deletion may come while a job runs. Its tombstone is newer than all rows of the job, so it concerns the new file too.

mod merge;
mod output;
mod pace;
mod plan;
mod room;
mod row_groups;
mod source;
#[cfg(test)]
mod tests;

use super::Engine;
use super::error::EngineError;
use super::file_edit::FileEdit;
use super::window_width::WindowWidth;
use crate::model::database::TableInfo;
use crate::model::tombstone::Tombstone;
use futures::StreamExt;
use pace::Pace;
use plan::{Job, Rules};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Jobs of one edit: few enough that it stays small, and that no more work is lost when it cannot be made.
const JOBS_PER_EDIT_MAX: usize = 100;

/// How compaction goes about its work.
#[derive(Clone, Debug)]
pub struct CompactionOptions {
    /// Whether the engine compacts by itself.
    pub enabled: bool,
    /// Files of a window are merged into one once nothing came to them for so long.
    pub quiet: Duration,
    /// The size that files should have, in bytes.
    pub file_bytes: u64,
    /// Jobs at the same time, each on one thread.
    pub jobs: usize,
    /// The share of its time that each of these threads works.
    pub work_share: f64,
    /// How long a job that is finished waits for others, so that one edit of the manifest has the files of all. A large one may take
    /// minutes, and readers profit from the small ones at once.
    pub edit_wait: Duration,
}

impl Default for CompactionOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            quiet: Duration::from_secs(900),
            file_bytes: 256 << 20,
            jobs: 1,
            work_share: 0.5,
            edit_wait: Duration::from_secs(1),
        }
    }
}

/// A job with what it needs to know.
struct TableJob {
    table: Arc<TableInfo>,
    tombstones: Arc<Vec<Arc<Tombstone>>>,
    job: Job,
}

impl Engine {
    /// Compacts all that is not compact, at full speed, as if no more rows were to come.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the manifest not be extended. Nothing is lost then, and it can be tried again.
    pub async fn compact(self: &Arc<Self>) -> Result<(), EngineError> {
        self.drop_dead_files().await?;
        while self.compact_due(Duration::ZERO, Pace::full()).await? > 0 {}
        Ok(())
    }

    /// Does the jobs that are due, by and by, as the engine does by itself while its upkeep runs; tells how many these were.
    ///
    /// # Errors
    /// As [`Engine::compact`].
    pub async fn compact_gently(self: &Arc<Self>) -> Result<usize, EngineError> {
        let options = &self.options.compaction;
        self.compact_due(options.quiet, Pace::new(options.work_share)).await
    }

    async fn compact_due(self: &Arc<Self>, quiet: Duration, pace: Pace) -> Result<usize, EngineError> {
        let _compaction = self.compact_lock.lock().await;
        let jobs = self.jobs_due(quiet);
        let count = jobs.len();
        let options = &self.options.compaction;
        let merges = jobs.into_iter().map(|job| self.clone().merge_one(job, pace));
        let merges = futures::stream::iter(merges).buffer_unordered(options.jobs.max(1));
        let mut batches =
            pin!(tokio_stream::StreamExt::chunks_timeout(merges, JOBS_PER_EDIT_MAX, options.edit_wait));
        // One that fails does not keep the others from being done.
        let mut done = Ok(());
        while let Some(merged) = batches.next().await {
            done = first_failure(done, self.show_merged(merged).await);
        }
        done.map(|()| count)
    }

    fn jobs_due(&self, quiet: Duration) -> Vec<TableJob> {
        let state = self.live.load_full();
        let now_ns = self.clock.now_ns();
        let mut jobs = Vec::new();
        for table in state.tables() {
            let (files, tombstones) = (state.files_of(table.id), state.tombstones_of(table.id));
            if files.len() < 2 && tombstones.is_empty() {
                continue;
            }
            let Some(policy) = state.policy_by_id(table.policy) else { continue };
            let rules = Rules {
                now_ns,
                quiet_ns: i64::try_from(quiet.as_nanos()).unwrap_or(i64::MAX),
                file_bytes: self.options.compaction.file_bytes,
                width: WindowWidth::of(policy),
            };
            let of_table = plan::plan(&files, &tombstones, &rules);
            jobs.extend(of_table.into_iter().map(|job| TableJob {
                table: table.clone(),
                tombstones: tombstones.clone(),
                job,
            }));
        }
        jobs
    }

    /// Writes the files of a job, on a thread of its own, so that its work keeps no request waiting.
    async fn merge_one(self: Arc<Self>, job: TableJob, pace: Pace) -> Result<FileEdit, EngineError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(EngineError::Closed);
        }
        let runtime = tokio::runtime::Handle::current();
        let (table, removed) = (job.table.id, job.job.inputs.clone());
        let merge = move || runtime.block_on(async move { self.merge_files(&job, pace).await });
        let merged = tokio::task::spawn_blocking(merge).await;
        let added = merged.map_err(|panic| EngineError::Internal(panic.to_string())).flatten()?;
        tracing::debug!(table = table.0, from = removed.len(), to = added.len(), "files merged");
        Ok(FileEdit { table, removed, added })
    }

    /// Puts the files of jobs in the places of the old ones, all by one edit, and counts what became of the jobs; those that wait for room
    /// have not failed. The first error is told.
    async fn show_merged(&self, merged: Vec<Result<FileEdit, EngineError>>) -> Result<(), EngineError> {
        let mut outcome = Ok(());
        let mut edits = Vec::new();
        for result in merged {
            match result {
                Ok(edit) => edits.push(edit),
                Err(error) => {
                    let has_failed = !matches!(error, EngineError::Closed | EngineError::NoRoom { .. });
                    self.counters.compaction_failures.fetch_add(u64::from(has_failed), Ordering::Relaxed);
                    outcome = first_failure(outcome, Err(error));
                }
            }
        }
        if edits.is_empty() {
            return outcome;
        }
        let jobs = edits.len();
        let from: usize = edits.iter().map(|edit| edit.removed.len()).sum();
        let to: usize = edits.iter().map(|edit| edit.added.len()).sum();
        let replaced = self.edit_files(edits).await;
        let counter =
            if replaced.is_ok() { &self.counters.compactions } else { &self.counters.compaction_failures };
        counter.fetch_add(jobs as u64, Ordering::Relaxed);
        first_failure(outcome, replaced.inspect(|()| tracing::info!(jobs, from, to, "files compacted")))
    }
}

/// The first error; that there is no room is told only when nothing else is wrong.
fn first_failure(before: Result<(), EngineError>, next: Result<(), EngineError>) -> Result<(), EngineError> {
    match (before, next) {
        (Ok(()) | Err(EngineError::NoRoom { .. }), Err(error)) => Err(error),
        (before, _) => before,
    }
}
