//! Sorted rows of one window, cut into files between series.

use crate::engine::error::EngineError;
use crate::merge::SortedRows;
use crate::model::database::TableInfo;
use crate::model::file::FileMeta;
use crate::model::ids::TableId;
use crate::object::{Store, Upload, layout};
use crate::parquet_file::{FileSpec, FileWriter, WrittenFile};
use arrow::error::ArrowError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The files of one window, each written while its rows come.
pub(super) struct Output<'a> {
    store: &'a Store,
    table: &'a TableInfo,
    /// Counts the bytes that are written.
    written_bytes: &'a AtomicU64,
    /// What all files have in common; their paths differ.
    spec: FileSpec,
    file_bytes: u64,
    file: Option<OpenFile>,
}

struct OpenFile {
    writer: FileWriter,
    upload: Upload,
    last_series: Arc<str>,
}

impl<'a> Output<'a> {
    /// Files as `spec` says, apart from the path, of about `file_bytes` bytes.
    pub(super) fn new(
        store: &'a Store,
        table: &'a TableInfo,
        written_bytes: &'a AtomicU64,
        spec: FileSpec,
        file_bytes: u64,
    ) -> Self {
        Self { store, table, written_bytes, spec, file_bytes, file: None }
    }

    /// The table that the rows belong to.
    pub(super) fn table(&self) -> TableId {
        self.table.id
    }

    /// Appends rows, which come after all before. What is complete thereby goes to `written`.
    pub(super) async fn write(
        &mut self,
        rows: &SortedRows,
        written: &mut Vec<FileMeta>,
    ) -> Result<(), EngineError> {
        let row_count = rows.row_count();
        // A file that is large enough takes only the rest of its last series.
        let continued = match &self.file {
            None => 0,
            Some(file) if (file.writer.size_bytes() as u64) < self.file_bytes => row_count,
            Some(file) if rows.runs.first().is_some_and(|run| run.key == file.last_series) => {
                rows.run_rows(0).end
            }
            Some(_) => 0,
        };
        if continued > 0 {
            self.append(&rows.slice(0..continued)).await?;
        }
        if continued < row_count {
            self.finish(written).await?;
            self.append(&rows.slice(continued..row_count)).await?;
        }
        Ok(())
    }

    async fn append(&mut self, rows: &SortedRows) -> Result<(), EngineError> {
        let file = self.file.get_or_insert_with(|| {
            let (table, start_ns) = (self.table, self.spec.window.start_ns);
            let path = layout::new_data_file(table.database, table.policy, table.id, start_ns);
            let upload = self.store.upload(&path);
            let writer = FileWriter::new(FileSpec { path: path.into(), ..self.spec.clone() });
            OpenFile { writer, upload, last_series: Arc::default() }
        });
        let table = self.table;
        file.writer.write(rows).map_err(|error| wrong(table, error.into()))?;
        if let Some(run) = rows.runs.last() {
            file.last_series = run.key.clone();
        }
        let bytes = file.writer.take_bytes();
        self.written_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(file.upload.write(&bytes).await?)
    }

    /// Completes the last file.
    pub(super) async fn finish(&mut self, written: &mut Vec<FileMeta>) -> Result<(), EngineError> {
        let Some(OpenFile { writer, mut upload, .. }) = self.file.take() else { return Ok(()) };
        let file = writer.finish().map_err(|error| wrong(self.table, error.into()))?;
        let Some(WrittenFile { bytes, meta }) = file else { return Ok(()) };
        self.written_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if let Err(error) = upload.write(&bytes).await {
            give_up(upload).await;
            return Err(error.into());
        }
        // It may be there also when this fails.
        written.push(meta);
        Ok(upload.finish().await?)
    }

    /// Gives up the file that is not complete.
    pub(super) async fn abort(self) {
        if let Some(file) = self.file {
            give_up(file.upload).await;
        }
    }
}

async fn give_up(upload: Upload) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "an upload that was given up may have left something behind");
    }
}

fn wrong(table: &TableInfo, source: ArrowError) -> EngineError {
    EngineError::Rows { table: table.id.to_string(), source }
}
