//! Parquet files of an export.
//!
//! ```text
//! OUT/nyc/autogen/weather/00000.parquet     database, policy, measurement; characters that file systems do not take as %XX
//! OUT/ddl.txt                               what makes databases and policies, in the form of a text export; written last
//! ```
//!
//! The columns are `time`, the tags and the fields; each says in its metadata which it is and its name
//! ([`crate::encode::described`]). Key-value metadata of the file say what it is of. Rows come in no certain order. Any tool that reads
//! Parquet reads the files; `tidegauge import` reads them back.

use super::selection::Selected;
use crate::cli::error::CliError;
use crate::model::limits::ROW_GROUP_ROWS;
use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The key of the database's name.
pub(in crate::cli) const DATABASE_KEY: &str = "tidegauge.database";
/// The key of the retention policy's name.
pub(in crate::cli) const POLICY_KEY: &str = "tidegauge.retention_policy";
/// The key of the measurement's name.
pub(in crate::cli) const MEASUREMENT_KEY: &str = "tidegauge.measurement";
/// The file of statements.
pub(in crate::cli) const DDL_FILE: &str = "ddl.txt";

/// A file that has grown to so many bytes is followed by another one.
const FILE_BYTES: usize = 256 << 20;

/// A row group ends early when so many bytes of it are held.
const HELD_BYTES_MAX: usize = 64 << 20;

/// Longest part of a path that is made of a name; file systems take 255 bytes.
const NAME_BYTES_MAX: usize = 200;

/// The files of one table. Holds a row group in memory.
pub(super) struct ParquetFiles {
    folder: PathBuf,
    metadata: Vec<KeyValue>,
    /// Files begun so far.
    count: usize,
    writer: Option<ArrowWriter<File>>,
}

impl ParquetFiles {
    /// The files of `table` below `root`. A table without rows gets none.
    pub(super) fn new(root: &Path, table: &Selected<'_>) -> Self {
        let names = [
            (DATABASE_KEY, table.database),
            (POLICY_KEY, table.policy),
            (MEASUREMENT_KEY, table.measurement),
        ];
        let folder = names.iter().fold(root.to_owned(), |folder, (_, name)| folder.join(file_name(name)));
        let metadata = names.iter().map(|(key, name)| KeyValue::new((*key).to_owned(), (*name).to_owned()));
        Self { folder, metadata: metadata.collect(), count: 0, writer: None }
    }

    /// Writes rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), CliError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(batch)?,
        };
        writer.write(batch).map_err(CliError::failed)?;
        if writer.memory_size() >= HELD_BYTES_MAX {
            writer.flush().map_err(CliError::failed)?;
        }
        if writer.bytes_written() < FILE_BYTES {
            self.writer = Some(writer);
            return Ok(());
        }
        writer.close().map(drop).map_err(CliError::failed)
    }

    fn begin(&mut self, batch: &RecordBatch) -> Result<ArrowWriter<File>, CliError> {
        let folder = &self.folder;
        std::fs::create_dir_all(folder)
            .map_err(|source| CliError::file("make the folder", folder, source))?;
        let path = folder.join(format!("{:05}.parquet", self.count));
        self.count += 1;
        let file = File::create_new(&path).map_err(|source| CliError::file("create", &path, source))?;
        let properties = WriterProperties::builder()
            .set_created_by(concat!("tidegauge ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_key_value_metadata(Some(self.metadata.clone()))
            .build();
        ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(CliError::failed)
    }

    /// Completes the last file.
    pub(super) fn finish(self) -> Result<(), CliError> {
        self.writer.map_or(Ok(()), |writer| writer.close().map(drop).map_err(CliError::failed))
    }
}

/// Writes the statements beside the files.
pub(super) fn write_ddl(root: &Path, statements: &[String]) -> Result<(), CliError> {
    let path = root.join(DDL_FILE);
    let text = format!("# DDL\n{}\n# DML\n", statements.join("\n"));
    std::fs::write(&path, text).map_err(|source| CliError::file("write", &path, source))
}

/// A name as a part of a path. A long one is cut and gets its checksum: the file's metadata have it whole.
pub(super) fn file_name(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => out.push(char::from(byte)),
            b'.' if !out.is_empty() => out.push('.'),
            // Writing into a string does not fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    if out.len() > NAME_BYTES_MAX {
        out.truncate(NAME_BYTES_MAX - 9);
        let _ = write!(out, "~{:08x}", crc32c::crc32c(name.as_bytes()));
    }
    out
}
