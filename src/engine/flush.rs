//! From buffers to files.

use super::Engine;
use super::commit::{Effect, Flushed};
use super::error::EngineError;
use super::role::Writer;
use super::table::Table;
use super::window_width::WindowWidth;
use crate::buffer::Chunk;
use crate::merge::{Merge, SortedRows, Step};
use crate::model::change::Change;
use crate::model::database::{PolicyInfo, TableInfo};
use crate::model::file::FileMeta;
use crate::model::ids::TableId;
use crate::model::limits::{BATCH_ROWS, FILE_ROWS_MIN};
use crate::model::schema::Column;
use crate::model::series_key;
use crate::model::state::State;
use crate::model::time::{TimeRange, window_of};
use crate::model::tombstone::Tombstone;
use crate::object::layout;
use crate::parquet_file::{FileSpec, FileWriter, WrittenFile};
use ahash::AHashSet;
use arrow::error::ArrowError;
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Level of zstd compression of flushed files: fast; compaction compresses harder.
const ZSTD_LEVEL: i32 = 1;

impl Engine {
    /// Writes all that is buffered to files. When this returns, all writes that were acknowledged before are in
    /// files, and the log no longer holds them.
    ///
    /// # Errors
    /// When a file or the manifest could not be written. Nothing is lost then: the rows stay in buffer and log, and
    /// the next flush tries again.
    pub async fn flush(&self) -> Result<(), EngineError> {
        let writer = self.writer()?;
        // Its files would only be in the way of whoever took over.
        writer.manifest.check_not_fenced()?;
        let _flush = self.flush_lock.lock().await;
        let flushed = self.flush_frozen(writer).await;
        let counter = if flushed.is_ok() { &self.counters.flushes } else { &self.counters.flush_failures };
        counter.fetch_add(1, Ordering::Relaxed);
        flushed
    }

    async fn flush_frozen(&self, writer: &Writer) -> Result<(), EngineError> {
        let Flushed { through, tables, spent } = self.freeze(writer).await?;
        if tables.is_empty() && through == writer.manifest.state().flushed_through() {
            return Ok(());
        }
        let put = Mutex::default();
        let flushes = tables.clone().into_iter().map(|(id, table)| self.flush_table(id, table, &put));
        let written = futures::stream::iter(flushes)
            .buffer_unordered(std::thread::available_parallelism().map_or(1, usize::from))
            .try_collect::<Vec<_>>()
            .await;
        // A deletion may have failed meanwhile.
        let written = match written {
            Ok(written) => self.turn().await.map(|turn| (written, turn)),
            Err(error) => Err(error),
        };
        let (written, turn) = match written {
            Ok(done) => done,
            Err(error) => {
                self.discard(put.into_inner()).await;
                return Err(error);
            }
        };
        let durable = writer.manifest.state();
        let mut changes: Vec<Change> = Vec::new();
        for (info, files) in written.into_iter().flatten() {
            let id = info.id;
            changes.push(Change::PutTable(info));
            if self.live.load().may_lack_rows(id) && !durable.may_lack_rows(id) {
                changes.push(Change::HadTombstones(id));
            }
            changes.extend(files.into_iter().map(|file| Change::AddFile(Arc::new(file))));
        }
        changes.extend(spent.iter().map(|t| Change::RemoveTombstone { table: t.table, id: t.id.clone() }));
        changes.push(Change::Flushed { through, log: Some(writer.wal.id().clone()) });
        let table_count = tables.len();
        self.commit(turn, changes, Effect::Flush(Flushed { through, tables, spent })).await?;
        tracing::info!(tables = table_count, through = through.0, "flushed");
        Ok(())
    }

    /// Ends the current generation: what is buffered now is to be flushed.
    async fn freeze(&self, writer: &Writer) -> Result<Flushed, EngineError> {
        let _closed = self.close_gate().await?;
        let through = writer.wal.rotate();
        self.counters.oldest_ns.store(0, Ordering::Relaxed);
        let spent = spent_tombstones(&self.live.load());
        let concerns = |id: &TableId| spent.iter().any(|t| t.table == *id);
        let tables = self.tables.read();
        let mut frozen: Vec<_> = tables
            .iter()
            .filter(|(id, table)| table.freeze() || concerns(id))
            .map(|(id, table)| (*id, table.clone()))
            .collect();
        frozen.sort_unstable_by_key(|(id, _)| *id);
        Ok(Flushed { through, tables: frozen, spent })
    }

    /// Writes the files of one table and adds their paths to `put`; `None` when it was dropped.
    async fn flush_table(
        &self,
        id: TableId,
        table: Arc<Table>,
        put: &Mutex<Vec<Arc<str>>>,
    ) -> Result<Option<(Arc<TableInfo>, Vec<FileMeta>)>, EngineError> {
        let wrong = |source| EngineError::Rows { table: id.to_string(), source };
        let frozen = table.frozen(|| self.live.load().table_by_id(id).cloned()).map_err(wrong)?;
        let Some((info, chunks)) = frozen else { return Ok(None) };
        let Some(policy) = self.live.load().policy_by_id(info.policy).cloned() else { return Ok(None) };
        let mut metas = Vec::new();
        for window in plan_windows(&chunks, &policy) {
            let (info, chunks) = (info.clone(), chunks.clone());
            let path = layout::new_data_file(info.database, info.policy, info.id, window.start_ns);
            let created_ns = self.clock.now_ns();
            let sizes = Sizes {
                row_group_rows: self.options.row_group_rows,
                batch_cells_max: self.options.chunk_cells_max,
            };
            let encode = move || encode_file(&info, &chunks, window, created_ns, path.into(), sizes);
            let file = tokio::task::spawn_blocking(encode).await;
            let file = file.map_err(|panic| EngineError::Internal(panic.to_string()))?.map_err(wrong)?;
            let Some(WrittenFile { bytes, meta }) = file else { continue };
            put.lock().push(Arc::clone(&meta.path));
            self.store.put_file(&meta.path, [bytes.into()]).await?;
            metas.push(meta);
        }
        Ok(Some((info, metas)))
    }
}

/// The tombstones in `state` that a flush makes superfluous, because no file has rows that they delete. The rows left the
/// buffers when they were deleted, so only the log still has them, and after the flush that part of the log is no longer
/// needed. Tombstones made after `state` have to wait for the next flush.
pub(super) fn spent_tombstones(state: &State) -> Vec<Arc<Tombstone>> {
    let of_tables = state.tables_with_deletions().filter(|(_, tombstones)| !tombstones.is_empty());
    let unneeded = of_tables.flat_map(|(table, tombstones)| {
        let files = state.files_of(table);
        tombstones.iter().filter(move |t| !files.iter().any(|file| t.concerns(file)))
    });
    unneeded.cloned().collect()
}

/// The windows of the files that `chunks` become: the policy's windows, joined with later ones while they hold few
/// rows, so that sparse data of many years does not become a file a day. A joined window is at most an
/// eighth of the policy's duration, so that retention can drop files soon after they expire.
fn plan_windows(chunks: &[Arc<Chunk>], policy: &PolicyInfo) -> Vec<TimeRange> {
    let width = WindowWidth::of(policy);
    let mut joined: Vec<(TimeRange, usize)> = Vec::new();
    for (start_ns, rows) in rows_by_window(chunks, width.min_ns) {
        let window = window_of(start_ns, width.min_ns);
        match joined.last_mut() {
            Some((last, last_rows))
                if last_rows.saturating_add(rows) <= FILE_ROWS_MIN
                    && window.end_ns.saturating_sub(last.start_ns) <= width.max_ns =>
            {
                last.end_ns = window.end_ns;
                *last_rows += rows;
            }
            _ => joined.push((window, rows)),
        }
    }
    joined.into_iter().map(|(window, _)| window).collect()
}

/// The number of rows by a timestamp in their window of `width` ns, in order of time.
fn rows_by_window(chunks: &[Arc<Chunk>], width: i64) -> BTreeMap<i64, usize> {
    let mut windows = BTreeMap::new();
    for rows in chunks.iter().map(|c| c.rows()) {
        for run in 0..rows.runs.len() {
            let mut times = &rows.times_ns[rows.run_rows(run)];
            while let Some(first) = times.first() {
                let window = window_of(*first, width);
                let inside = times.partition_point(|t| *t < window.end_ns).max(1);
                *windows.entry(window.start_ns).or_insert(0) += inside;
                times = &times[inside..];
            }
        }
    }
    windows
}

/// In what portions a file is written.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    row_group_rows: usize,
    /// Of a batch that is merged.
    batch_cells_max: usize,
}

/// The Parquet file of the rows within `window`, merged from all chunks.
fn encode_file(
    info: &TableInfo,
    chunks: &[Arc<Chunk>],
    window: TimeRange,
    created_ns: i64,
    path: Arc<str>,
    sizes: Sizes,
) -> Result<Option<WrittenFile>, ArrowError> {
    let chunks: Vec<&Arc<Chunk>> = chunks.iter().filter(|c| c.time_range().overlaps(&window)).collect();
    let written: AHashSet<&str> =
        chunks.iter().flat_map(|chunk| chunk.field_names()).map(|name| &**name).collect();
    let fields: Vec<Column> =
        info.schema.fields().filter(|field| written.contains(&*field.stored_name)).cloned().collect();
    let names: Vec<Arc<str>> = fields.iter().map(|f| f.stored_name.clone()).collect();
    let types: Vec<_> = fields.iter().map(|f| f.arrow_field().data_type().clone()).collect();
    // Fields that a chunk lacks are added last, so that they are not copied.
    let sources = chunks.iter().map(|chunk| Ok(chunk.within(window)?.project(&names, &types)));
    let sources = sources.collect::<Result<Vec<SortedRows>, ArrowError>>()?;
    let sequences = chunks.iter().map(|c| (c.sequence_min, c.sequence_max));
    let sequences = sequences.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));

    let tags = tags_of(info, &sources);
    let mut writer = FileWriter::new(FileSpec {
        path,
        table: info.id,
        window,
        sequences: sequences.unwrap_or_default(),
        level: 0,
        purged: Vec::new(),
        created_ns,
        columns: tags.into_iter().chain(fields).collect(),
        row_group_rows: sizes.row_group_rows,
        zstd_level: ZSTD_LEVEL,
    });
    // A row of the result has every field. Of thousands a batch has fewer rows.
    let batch_rows = (sizes.batch_cells_max / types.len().max(1)).clamp(1, BATCH_ROWS);
    let mut merge = Merge::new(types, sources.len(), batch_rows);
    for (source, rows) in sources.into_iter().enumerate() {
        merge.push(source, rows);
        merge.finish(source);
    }
    loop {
        match merge.step()? {
            Step::Rows(rows) => writer.write(&rows)?,
            Step::Done => return Ok(writer.finish()?),
            Step::Need(source) => {
                return Err(ArrowError::ComputeError(format!(
                    "source {source} ended before it was finished"
                )));
            }
        }
    }
}

/// The tags of the table that some row bears.
fn tags_of(info: &TableInfo, sources: &[SortedRows]) -> Vec<Column> {
    let runs = sources.iter().flat_map(|rows| &rows.runs);
    let mut keys = BTreeSet::new();
    for (key, _) in runs.flat_map(|run| series_key::decode(&run.key)) {
        if !keys.contains(key.as_ref()) {
            keys.insert(key.into_owned());
        }
    }
    info.schema.tags().filter(|tag| keys.contains(tag.name.as_ref())).cloned().collect()
}
