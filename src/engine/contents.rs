//! What tables hold, for those who do not ask for rows: whether there are any, with which tags, and in which windows of time.
//!
//! Where nothing was deleted, catalog and manifest know it. After a deletion, files that it may have left rows of are read:
//! series keys and times only, and no further than it takes. What was found of a file is kept until another
//! deletion concerns it.

use super::Engine;
use super::error::EngineError;
use super::table::{Contents, Table};
use crate::merge::SortedRows;
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::{PolicyId, TableId};
use crate::model::series_key;
use crate::model::shard::Shard;
use crate::model::state::State;
use crate::model::time::TimeRange;
use crate::model::tombstone::{Tombstone, concerning, deleted_times};
use ahash::AHashMap;
use futures::TryStreamExt;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What surveys of a table found, for as long as it is true.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    /// Deletions so far, each counted before readers see it.
    deletions: AtomicU64,
    /// How many of them there were, plus one, when the table was last known to have rows and every tag of its schema. Writes
    /// do not change that.
    complete_at: AtomicU64,
    /// What is left of files under tombstones, by path.
    files: Mutex<AHashMap<Arc<str>, Arc<Survey>>>,
}

impl Surveys {
    /// Says that rows are about to be deleted.
    pub(super) fn invalidate(&self) {
        self.deletions.fetch_add(1, Ordering::AcqRel);
    }

    fn is_complete(&self) -> bool {
        self.complete_at.load(Ordering::Acquire) == self.deletions.load(Ordering::Acquire) + 1
    }
}

/// What tombstones leave of a file.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The tombstones that were regarded.
    tombstones: Vec<Arc<str>>,
    has_rows: bool,
    /// The names of the tags of rows that are left.
    tags: BTreeSet<Arc<str>>,
}

impl Engine {
    /// The catalog as the data shows it: without the tables that all rows were deleted from, and without the tags that no row
    /// bears any more. Fields stay, as in InfluxDB 1.x. Not for deciding changes.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn visible_state(&self) -> Result<Arc<State>, EngineError> {
        let live = self.live.load_full();
        if live.tables_with_deletions().next().is_none() {
            return Ok(live);
        }
        let mut visible = State::clone(&live);
        for (table, _) in live.tables_with_deletions() {
            let Some(info) = live.table_by_id(table) else { continue };
            let handle = self.tables.read().get(&table).cloned();
            if handle.is_some_and(|handle| handle.surveys.is_complete()) {
                continue;
            }
            let left = self.survey_table(info).await?;
            if !left.has_rows {
                visible.hide_table(table);
            } else if info.schema.tags().any(|tag| !left.tags.contains(&tag.name)) {
                visible.hide_tags(table, |tag| left.tags.contains(&tag.name));
            }
        }
        Ok(Arc::new(visible))
    }

    async fn survey_table(&self, info: &Arc<TableInfo>) -> Result<Survey, EngineError> {
        let Some(table) = self.tables.read().get(&info.id).cloned() else { return Ok(Survey::default()) };
        let deletions = table.surveys.deletions.load(Ordering::Acquire);
        let Some(contents) = self.contents(info.id, &table)? else { return Ok(Survey::default()) };
        let mut found = Survey::default();
        for chunk in &contents.chunks {
            found.has_rows |= chunk.rows().row_count() > 0;
            found.tags.extend(chunk.tags().iter().cloned());
        }
        for file in contents.files.iter() {
            if found.has_rows && info.schema.tags().all(|tag| found.tags.contains(&tag.name)) {
                break;
            }
            let tombstones = concerning(&contents.tombstones, file);
            if tombstones.is_empty() {
                found.has_rows = true;
                found.tags.extend(tags_of(info, file));
            } else if !tombstones.iter().any(|tombstone| tombstone.covers(file)) {
                let survey = self.survey_file(&table, info, file, &tombstones).await?;
                found.has_rows |= survey.has_rows;
                found.tags.extend(survey.tags.iter().cloned());
            }
        }
        if found.has_rows && info.schema.tags().all(|tag| found.tags.contains(&tag.name)) {
            table.surveys.complete_at.store(deletions + 1, Ordering::Release);
        }
        let mut surveys = table.surveys.files.lock();
        if surveys.len() > contents.files.len() {
            surveys.retain(|path, _| contents.files.iter().any(|file| file.path == *path));
        }
        Ok(found)
    }

    async fn survey_file(
        &self,
        table: &Table,
        info: &TableInfo,
        file: &Arc<FileMeta>,
        tombstones: &[Arc<Tombstone>],
    ) -> Result<Arc<Survey>, EngineError> {
        let regarded: Vec<Arc<str>> = tombstones.iter().map(|tombstone| tombstone.id.clone()).collect();
        if let Some(known) = table.surveys.files.lock().get(&file.path)
            && known.tombstones == regarded
        {
            return Ok(known.clone());
        }
        let mut survey = Survey { tombstones: regarded, ..Survey::default() };
        let possible: BTreeSet<Arc<str>> = tags_of(info, file).collect();
        self.visit_rows(info.id, file, tombstones, |rows| {
            for (tag, _) in rows.runs.iter().flat_map(|run| series_key::decode(&run.key)) {
                if !survey.tags.contains(&*tag) {
                    survey.tags.insert(tag.as_ref().into());
                }
            }
            survey.has_rows = true;
            if survey.tags.is_superset(&possible) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .await?;
        let survey = Arc::new(survey);
        table.surveys.files.lock().insert(file.path.clone(), survey.clone());
        Ok(survey)
    }

    /// The shards of a policy that hold rows, in order of time.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn shards(&self, policy: PolicyId) -> Result<Vec<Shard>, EngineError> {
        let live = self.live.load_full();
        let Some(policy) = live.policy_by_id(policy) else { return Ok(Vec::new()) };
        let mut shards: BTreeSet<Shard> = BTreeSet::new();
        for info in live.tables_of(policy.id) {
            let Some(table) = self.tables.read().get(&info.id).cloned() else { continue };
            let Some(contents) = self.contents(info.id, &table)? else { continue };
            for chunk in &contents.chunks {
                add_shards(&mut shards, policy.id, policy.shard_duration_ns, chunk.rows());
            }
            for file in contents.files.iter() {
                let shard = Shard::of_time(policy.id, policy.shard_duration_ns, file.time_range.start_ns);
                let tombstones = concerning(&contents.tombstones, file);
                if shards.contains(&shard) && shard.times.covers(&file.time_range)
                    || tombstones.iter().any(|tombstone| tombstone.covers(file))
                {
                    continue;
                }
                if tombstones.is_empty() && shard.times.covers(&file.time_range) {
                    shards.insert(shard);
                    continue;
                }
                self.visit_rows(info.id, file, &tombstones, |rows| {
                    add_shards(&mut shards, policy.id, policy.shard_duration_ns, rows);
                    ControlFlow::Continue(())
                })
                .await?;
            }
        }
        Ok(shards.into_iter().collect())
    }

    fn contents(&self, id: TableId, table: &Table) -> Result<Option<Contents>, EngineError> {
        let contents = table.read(|| self.live.load().table_by_id(id).cloned());
        contents.map_err(|source| EngineError::Rows { table: id.to_string(), source })
    }

    /// Shows the rows of a file that are left, without fields, to `visit`, until it has seen enough.
    async fn visit_rows(
        &self,
        table: TableId,
        file: &Arc<FileMeta>,
        tombstones: &[Arc<Tombstone>],
        mut visit: impl FnMut(&SortedRows) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let file = self.open_file(file.clone()).await?;
        let wrong = |source| EngineError::Rows { table: table.to_string(), source };
        for group in 0..file.row_group_count() {
            let all = 0..file.row_group_row_count(group);
            let series = file.series(group).await?;
            let mut rows = Box::pin(file.rows(group, series, vec![all], TimeRange::ALL, Arc::default())?);
            while let Some(rows) = rows.try_next().await? {
                let rows = rows.without(|key| deleted_times(tombstones, key)).map_err(wrong)?;
                if rows.row_count() > 0 && visit(&rows).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The names of the tags that some row of a file bears, deleted or not.
fn tags_of<'a>(info: &'a TableInfo, file: &'a FileMeta) -> impl Iterator<Item = Arc<str>> + 'a {
    info.schema.tags().filter(move |tag| file.columns.contains(&tag.stored_name)).map(|tag| tag.name.clone())
}

/// Adds the shards that hold the times of `rows`.
fn add_shards(shards: &mut BTreeSet<Shard>, policy: PolicyId, width_ns: i64, rows: &SortedRows) {
    for run in 0..rows.runs.len() {
        let mut times = &rows.times_ns[rows.run_rows(run)];
        while let Some(first) = times.first() {
            let shard = Shard::of_time(policy, width_ns, *first);
            let inside = times.partition_point(|time| *time < shard.times.end_ns).max(1);
            shards.insert(shard);
            times = &times[inside..];
        }
    }
}
