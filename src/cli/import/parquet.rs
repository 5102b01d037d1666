//! Parquet files that `tidegauge export` wrote, as statements and batches of lines.
//!
//! ```text
//! PATH/ddl.txt ─▶ statements          PATH/**/*.parquet ─ row by row ─▶ line protocol for the target that the file names
//! ```

use super::Items;
use super::source::{BATCH_BYTES, Batch, Item, Source};
use crate::cli::client::Target;
use crate::cli::error::CliError;
use crate::cli::export::{DATABASE_KEY, DDL_FILE, MEASUREMENT_KEY, POLICY_KEY};
use crate::cli::progress::{self, Unit};
use crate::cli::write::TargetArgs;
use crate::encode::line_protocol::LineEncoder;
use arrow::array::RecordBatch;
use indicatif::ProgressBar;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// What every Parquet file begins with.
const MAGIC: [u8; 4] = *b"PAR1";

/// Folders below the one that is imported: database, policy and measurement, and some that people put around them.
const DEPTH_MAX: usize = 8;

/// A folder of files, or one file.
pub(super) struct ParquetSource {
    ddl: Option<Source<BufReader<File>>>,
    files: VecDeque<PathBuf>,
    open: Option<OpenFile>,
    target: TargetArgs,
    batch_lines: usize,
    bar: ProgressBar,
    /// Lines that are made and not handed out: of a batch that was too long for one request.
    waiting: VecDeque<Item>,
}

/// A file that is being read.
struct OpenFile {
    path: PathBuf,
    target: Target,
    encoder: LineEncoder,
    batches: ParquetRecordBatchReader,
    /// Rows read so far.
    row: u64,
}

/// Whether `path` is a folder, or a file that begins like Parquet.
pub(super) fn is_parquet(path: &Path) -> Result<bool, CliError> {
    if path == Path::new("-") {
        return Ok(false);
    }
    let failed = |source| CliError::file("open", path, source);
    let metadata = path.metadata().map_err(failed)?;
    if metadata.is_dir() || !metadata.is_file() || metadata.len() < MAGIC.len() as u64 {
        return Ok(metadata.is_dir());
    }
    let mut start = [0; MAGIC.len()];
    File::open(path).map_err(failed)?.read_exact(&mut start).map_err(failed)?;
    Ok(start == MAGIC)
}

impl ParquetSource {
    /// Finds the files; the bar gets the number of their rows.
    pub(super) fn open(
        path: &Path,
        target: TargetArgs,
        batch_lines: usize,
        bar: &ProgressBar,
    ) -> Result<Self, CliError> {
        let files = Found::below(path)?.files(path)?;
        let mut row_count = 0;
        for file in &files {
            let rows = builder(file)?.metadata().file_metadata().num_rows();
            row_count += u64::try_from(rows).unwrap_or(0);
        }
        progress::show(bar, Unit::Points, row_count);
        let ddl_path = path.join(DDL_FILE);
        // They make the databases that the files name, and are of no use for another one.
        let has_ddl = target.database.is_none() && path.is_dir() && ddl_path.is_file();
        let ddl = if has_ddl {
            let file = File::open(&ddl_path).map_err(|source| CliError::file("open", &ddl_path, source))?;
            Some(Source::new(BufReader::new(file), target.clone(), batch_lines))
        } else {
            None
        };
        let (open, waiting) = (None, VecDeque::new());
        Ok(Self { ddl, files: files.into(), open, target, batch_lines, bar: bar.clone(), waiting })
    }

    /// Makes the lines of a batch of rows wait.
    fn enqueue(&mut self, rows: &RecordBatch) -> Result<(), CliError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut parts = vec![rows.clone()];
        while let Some(part) = parts.pop() {
            let (mut text, row_count) = (Vec::new(), part.num_rows());
            let count = open.encoder.encode(&part, &mut text).map_err(|error| wrong(&open.path, error))?;
            if text.len() > BATCH_BYTES && row_count > 1 {
                let half = row_count / 2;
                parts.push(part.slice(half, row_count - half));
                parts.push(part.slice(0, half));
                continue;
            }
            let line_first = open.row + 1;
            open.row += row_count as u64;
            if count.lines > 0 {
                self.waiting.push_back(Item::Batch(Batch {
                    target: open.target.clone(),
                    text: text.into(),
                    line_first,
                    line_last: open.row,
                    point_count: count.lines,
                    is_ordered: false,
                }));
            }
        }
        self.bar.inc(rows.num_rows() as u64);
        Ok(())
    }
}

impl Items for ParquetSource {
    fn next_item(&mut self) -> Result<Option<Item>, CliError> {
        if let Some(ddl) = &mut self.ddl {
            match ddl.next_item()? {
                Some(item) => return Ok(Some(item)),
                None => self.ddl = None,
            }
        }
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(Some(item));
            }
            let Some(open) = &mut self.open else {
                let Some(path) = self.files.pop_front() else { return Ok(None) };
                self.open = Some(OpenFile::new(path, &self.target, self.batch_lines)?);
                continue;
            };
            match open.batches.next() {
                Some(batch) => {
                    let batch = batch.map_err(|error| wrong(&open.path, error))?;
                    self.enqueue(&batch)?;
                }
                None => self.open = None,
            }
        }
    }
}

impl OpenFile {
    fn new(path: PathBuf, target: &TargetArgs, batch_lines: usize) -> Result<Self, CliError> {
        let builder = builder(&path)?;
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let entry = |key: &str| entries?.iter().find(|entry| entry.key == key)?.value.clone();
        let not_ours = || {
            let text =
                "it says nothing of a measurement; only files that `tidegauge export` wrote are imported";
            wrong(&path, text)
        };
        let measurement = entry(MEASUREMENT_KEY).ok_or_else(not_ours)?;
        let database = target.database.clone().or_else(|| entry(DATABASE_KEY)).ok_or_else(not_ours)?;
        // A policy of the file's database means nothing in another one.
        let of_file = if target.database.is_none() { entry(POLICY_KEY) } else { None };
        let policy = target.policy.clone().or(of_file);
        let encoder =
            LineEncoder::new(&measurement, builder.schema()).map_err(|error| wrong(&path, error))?;
        let batches = builder.with_batch_size(batch_lines).build().map_err(|error| wrong(&path, error))?;
        let target = Target { database, policy, precision: Some("ns".to_owned()) };
        Ok(Self { path, target, encoder, batches, row: 0 })
    }
}

fn builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, CliError> {
    let file = File::open(path).map_err(|source| CliError::file("open", path, source))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(path, error))
}

fn wrong(path: &Path, error: impl std::fmt::Display) -> CliError {
    CliError::failed(format!("{}: {error}", path.display()))
}

/// What lies in a folder and those below.
#[derive(Debug, Default)]
pub(super) struct Found {
    files: Vec<PathBuf>,
    /// A folder that was not looked into.
    too_deep: Option<PathBuf>,
}

impl Found {
    /// Looks for the Parquet files of a folder and those below; a file is itself one.
    pub(super) fn below(path: &Path) -> Result<Self, CliError> {
        let mut found = Self::default();
        found.collect(path, DEPTH_MAX)?;
        found.files.sort();
        Ok(found)
    }

    fn collect(&mut self, path: &Path, depth: usize) -> Result<(), CliError> {
        if !path.is_dir() {
            self.files.push(path.to_owned());
            return Ok(());
        }
        if depth == 0 {
            self.too_deep.get_or_insert_with(|| path.to_owned());
            return Ok(());
        }
        let failed = |source| CliError::file("read", path, source);
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            if entry.is_dir() || entry.extension().is_some_and(|extension| extension == "parquet") {
                self.collect(&entry, depth - 1)?;
            }
        }
        Ok(())
    }

    /// The files that were found, all that there are.
    pub(super) fn files(self, path: &Path) -> Result<Vec<PathBuf>, CliError> {
        let path = path.display();
        if self.files.is_empty() {
            return Err(CliError::failed(format!(
                "there is no Parquet file in the folder {path}; a file of line protocol is named itself"
            )));
        }
        match self.too_deep {
            None => Ok(self.files),
            Some(folder) => Err(CliError::failed(format!(
                "{} lies too deep below {path}: name a folder nearer to it",
                folder.display()
            ))),
        }
    }
}
