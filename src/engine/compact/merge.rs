//! One job: the rows of some files, window by window, into new files.

use super::TableJob;
use super::output::Output;
use super::pace::{Pace, Stopwatch};
use super::row_groups::row_group_rows;
use super::source::{Fields, Reading, Source, sources_of};
use crate::engine::Engine;
use crate::engine::error::EngineError;
use crate::merge::{Merge, Step};
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::Sequence;
use crate::model::limits::BATCH_ROWS;
use crate::model::schema::Column;
use crate::model::time::TimeRange;
use crate::model::tombstone::{Tombstone, concerning, deleted_times};
use crate::parquet_file::FileSpec;
use ahash::AHashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Level of zstd compression: these files are written once and read often.
const ZSTD_LEVEL: i32 = 3;

impl Engine {
    /// Writes the files of a job. They are on the store when this returns, and nothing names them yet; after an error none is left.
    /// Memory: a row group of each source, and one of output. An age of files is about one source.
    pub(super) async fn merge_files(&self, job: &TableJob, pace: Pace) -> Result<Vec<FileMeta>, EngineError> {
        let mut stopwatch = pace.start();
        if let Some(file) = self.nothing_deleted(job, &mut stopwatch).await? {
            stopwatch.end().await;
            return Ok(vec![file]);
        }
        self.check_room(job)?;
        let mut written = Vec::new();
        let merged = self.merge_windows(job, &mut stopwatch, &mut written).await;
        match merged {
            Ok(()) => {
                // Rests even after a tiny job: thousands of them may follow one another, and together they are a lot of
                // work.
                stopwatch.end().await;
                Ok(written)
            }
            Err(error) => {
                self.discard(written.into_iter().map(|file| file.path).collect()).await;
                Err(error)
            }
        }
    }

    /// The entry of a file that is to be written without deleted rows but has none: the file can stay as it is.
    async fn nothing_deleted(
        &self,
        TableJob { tombstones, job, .. }: &TableJob,
        stopwatch: &mut Stopwatch,
    ) -> Result<Option<FileMeta>, EngineError> {
        let ([meta], [_]) = (&job.inputs[..], &job.windows[..]) else { return Ok(None) };
        let concerning = concerning(tombstones, meta);
        let file = self.open_file(meta.clone()).await?;
        for group in 0..file.row_group_count() {
            let series = file.series(group).await?;
            if series.iter().any(|run| !deleted_times(&concerning, &run.key).is_empty()) {
                return Ok(None);
            }
            stopwatch.rest().await;
        }
        Ok(Some(FileMeta { purged: purged(tombstones, &job.inputs), ..FileMeta::clone(meta) }))
    }

    async fn merge_windows(
        &self,
        TableJob { table, tombstones, job }: &TableJob,
        stopwatch: &mut Stopwatch,
        written: &mut Vec<FileMeta>,
    ) -> Result<(), EngineError> {
        let columns = columns_of(table, &job.inputs);
        let (tags, fields): (Vec<_>, Vec<_>) = columns.into_iter().partition(|c| c.field_type().is_none());
        let read: Fields =
            fields.iter().map(|f| (f.stored_name.clone(), f.arrow_field().data_type().clone())).collect();
        let spec = FileSpec {
            path: Arc::default(),
            table: table.id,
            window: TimeRange::ALL,
            sequences: sequences(&job.inputs),
            level: job.level,
            purged: purged(tombstones, &job.inputs),
            created_ns: job.inputs.iter().map(|file| file.created_ns).max().unwrap_or(0),
            row_group_rows: row_group_rows(&job.inputs, fields.len(), self.options.row_group_rows),
            columns: tags.into_iter().chain(fields).collect(),
            zstd_level: ZSTD_LEVEL,
        };
        for window in &job.windows {
            let reading = Reading { engine: self, tombstones, window: *window, fields: read.clone() };
            let sources = sources_of(&job.inputs, &reading);
            let spec = FileSpec { window: *window, ..spec.clone() };
            let (written_bytes, file_bytes) =
                (&self.counters.compaction_bytes, self.options.compaction.file_bytes);
            let mut output = Output::new(&self.store, table, written_bytes, spec, file_bytes);
            let types = read.iter().map(|(_, data_type)| data_type.clone()).collect();
            let merge = Merge::new(types, sources.len(), BATCH_ROWS);
            let merged = match self.merge_into(merge, sources, &mut output, written, stopwatch).await {
                Ok(()) => output.finish(written).await,
                Err(error) => Err(error),
            };
            if let Err(error) = merged {
                output.abort().await;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn merge_into(
        &self,
        mut merge: Merge,
        mut sources: Vec<Source<'_>>,
        output: &mut Output<'_>,
        written: &mut Vec<FileMeta>,
        stopwatch: &mut Stopwatch,
    ) -> Result<(), EngineError> {
        let table = output.table();
        let wrong = |source| EngineError::Rows { table: table.to_string(), source };
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Err(EngineError::Closed);
            }
            match merge.step().map_err(wrong)? {
                Step::Done => return Ok(()),
                Step::Need(source) => match sources[source].next_rows().await? {
                    Some(rows) => merge.push(source, rows),
                    None => merge.finish(source),
                },
                Step::Rows(rows) => output.write(&rows, written).await?,
            }
            stopwatch.rest().await;
        }
    }
}

/// The columns of the table that some of the files have.
fn columns_of(table: &TableInfo, files: &[Arc<FileMeta>]) -> Vec<Column> {
    let written: AHashSet<&str> = files.iter().flat_map(|file| &file.columns).map(|name| &**name).collect();
    let columns = table.schema.columns().iter();
    columns.filter(|column| written.contains(&*column.stored_name)).cloned().collect()
}

/// The oldest and the newest write of any of the files.
fn sequences(inputs: &[Arc<FileMeta>]) -> (Sequence, Sequence) {
    let oldest = inputs.iter().map(|file| file.sequence_min).min().unwrap_or_default();
    let newest = inputs.iter().map(|file| file.sequence_max).max().unwrap_or_default();
    (oldest, newest)
}

/// The tombstones that would seem to concern the new files, but were applied to each input already and have nothing left to
/// delete.
fn purged(tombstones: &[Arc<Tombstone>], inputs: &[Arc<FileMeta>]) -> Vec<Arc<str>> {
    let newest = sequences(inputs).1;
    let is_purged = |tombstone: &&Arc<Tombstone>| {
        newest <= tombstone.through && inputs.iter().any(|file| tombstone.times.overlaps(&file.time_range))
    };
    tombstones.iter().filter(is_purged).map(|tombstone| tombstone.id.clone()).collect()
}
