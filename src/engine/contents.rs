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
use crate::parquet_file::ParquetFile;
use ahash::AHashMap;
use futures::TryStreamExt;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What surveys of a table found. Kept until a deletion may have made it untrue.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    /// Deletions so far, each counted before readers see it.
    deletions: AtomicU64,
    /// The value of `deletions`, plus one, when the table was last found to have rows and every tag of its schema; 0 =
    /// never. Writes cannot make that untrue, deletions can.
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

impl Survey {
    /// Whether a row of this series would tell nothing new.
    fn knows(&self, series: &str) -> bool {
        self.has_rows && series_key::decode(series).all(|(tag, _)| self.tags.contains(&*tag))
    }

    /// Takes in that a row of this series is left.
    fn add(&mut self, series: &str) {
        self.has_rows = true;
        for (tag, _) in series_key::decode(series) {
            if !self.tags.contains(&*tag) {
                self.tags.insert(tag.as_ref().into());
            }
        }
    }
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

    /// Whether [`Engine::visible_state`] is known without looking into any table.
    #[must_use]
    pub fn knows_visible_state(&self) -> bool {
        let (live, tables) = (self.live.load(), self.tables.read());
        let is_complete =
            |table: TableId| tables.get(&table).is_some_and(|handle| handle.surveys.is_complete());
        live.tables_with_deletions().all(|(table, _)| is_complete(table))
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
        let opened = self.open_file(file.clone()).await?;
        for group in 0..opened.row_group_count() {
            let series = opened.series(group).await?;
            // The rows of series of which only their times tell whether some are left.
            let mut undecided: Vec<Range<usize>> = Vec::new();
            let mut start = 0;
            for run in series.iter() {
                let rows = start..run.end_row as usize;
                start = rows.end;
                if survey.knows(&run.key) {
                    continue;
                }
                let deleted = deleted_times(tombstones, &run.key);
                if deleted.is_empty() {
                    survey.add(&run.key);
                } else if !deleted.iter().any(|times| times.covers(&file.time_range)) {
                    match undecided.last_mut() {
                        Some(last) if last.end == rows.start => last.end = rows.end,
                        _ => undecided.push(rows),
                    }
                }
            }
            for rows in rows_left(info.id, &opened, group, undecided, tombstones).await? {
                rows.runs.iter().for_each(|run| survey.add(&run.key));
            }
            if survey.has_rows && survey.tags.is_superset(&possible) {
                break;
            }
        }
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
                let opened = self.open_file(file.clone()).await?;
                for group in 0..opened.row_group_count() {
                    let all = std::iter::once(0..opened.row_group_row_count(group)).collect();
                    for rows in rows_left(info.id, &opened, group, all, &tombstones).await? {
                        add_shards(&mut shards, policy.id, policy.shard_duration_ns, &rows);
                    }
                }
            }
        }
        Ok(shards.into_iter().collect())
    }

    fn contents(&self, id: TableId, table: &Table) -> Result<Option<Contents>, EngineError> {
        let contents = table.read(|| self.live.load().table_by_id(id).cloned());
        contents.map_err(|source| EngineError::Rows { table: id.to_string(), source })
    }
}

/// Of the rows of `selection` in a row group, those that are left, without fields. At most as many as a row group has.
async fn rows_left(
    table: TableId,
    file: &ParquetFile,
    group: usize,
    selection: Vec<Range<usize>>,
    tombstones: &[Arc<Tombstone>],
) -> Result<Vec<SortedRows>, EngineError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let series = file.series(group).await?;
    let rows = file.rows(group, series, selection, TimeRange::ALL, Arc::default())?;
    let rows: Vec<SortedRows> = rows.try_collect().await?;
    let wrong = |source| EngineError::Rows { table: table.to_string(), source };
    let left = rows.iter().map(|rows| rows.without(|key| deleted_times(tombstones, key)).map_err(wrong));
    left.collect()
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
