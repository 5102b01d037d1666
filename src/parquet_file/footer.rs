//! The end of a file: page indexes and footer, read and checked at once.

use super::checksums::{self, BodyChecksums};
use super::object_reader::ObjectReader;
use super::read::FileError;
use crate::model::file::FileMeta;
use crate::model::schema::SERIES_COLUMN;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use std::sync::Arc;

/// What a reader has to know of a file before it reads rows.
#[derive(Clone, Debug)]
pub(super) struct Footer {
    /// Footer and page indexes.
    pub(super) metadata: ArrowReaderMetadata,
    /// The checksums of what comes before, if the file has them.
    pub(super) checksums: Option<Arc<BodyChecksums>>,
}

impl Footer {
    /// Reads the footer of the object of `reader`.
    ///
    /// # Errors
    /// When it cannot be read, is not what was written, or does not have the rows that `meta` says.
    pub(super) async fn load(meta: &FileMeta, mut reader: ObjectReader) -> Result<Self, FileError> {
        let wrong = |source| FileError::Parquet { path: meta.path.clone(), source };
        let damaged = |reason| FileError::Damaged { path: meta.path.clone(), reason };
        let (metadata, checksums) = match meta.end {
            Some(end) => {
                let start = checksums::body_bytes(meta, end).map_err(damaged)?;
                let mut bytes = reader.get_bytes(start..meta.size_bytes).await.map_err(wrong)?;
                if checksums::check_end(end, start, &bytes).is_err() {
                    bytes = reader.read_again(start..meta.size_bytes).await.map_err(wrong)?;
                    checksums::check_end(end, start, &bytes).map_err(damaged)?;
                }
                let mut parser =
                    ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
                parser.try_parse_sized(&bytes, meta.size_bytes).map_err(wrong)?;
                let metadata = Arc::new(parser.finish().map_err(wrong)?);
                let checksums = body_checksums(&metadata, start)
                    .ok_or_else(|| damaged("its footer lacks the checksums of its rows".to_owned()))?;
                let metadata = ArrowReaderMetadata::try_new(metadata, options()).map_err(wrong)?;
                (metadata, Some(Arc::new(checksums)))
            }
            None => (ArrowReaderMetadata::load_async(&mut reader, options()).await.map_err(wrong)?, None),
        };
        let row_count: i64 = metadata.metadata().row_groups().iter().map(|g| g.num_rows()).sum();
        if u64::try_from(row_count) != Ok(meta.row_count) {
            return Err(damaged(format!("it has {row_count} rows instead of {}", meta.row_count)));
        }
        if metadata.schema().fields().first().is_none_or(|f| f.name() != SERIES_COLUMN) {
            return Err(damaged(format!("its first column is not {SERIES_COLUMN:?}")));
        }
        Ok(Self { metadata: with_series_views(&metadata).map_err(wrong)?, checksums })
    }
}

fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional)
}

fn body_checksums(metadata: &ParquetMetaData, body_bytes: u64) -> Option<BodyChecksums> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    let entry = entries.iter().find(|entry| entry.key == checksums::METADATA_KEY)?;
    BodyChecksums::decode(entry.value.as_deref()?, body_bytes)
}

/// Series keys as views: equal neighbours share their bytes, so that runs are found without comparing them.
fn with_series_views(metadata: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    let fields = metadata.schema().fields().iter().enumerate().map(|(i, field)| match i {
        0 => Arc::new(Field::new(field.name(), DataType::Utf8View, field.is_nullable())),
        _ => field.clone(),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options().with_schema(schema))
}

/// Checks every byte of a data file against its entry in the manifest. A file that was written without checksums
/// passes.
///
/// # Errors
/// When it has other bytes than were written.
pub fn check_bytes(meta: &FileMeta, bytes: &[u8]) -> Result<(), FileError> {
    let damaged = |reason| FileError::Damaged { path: meta.path.clone(), reason };
    let wrong = |source| FileError::Parquet { path: meta.path.clone(), source };
    if bytes.len() as u64 != meta.size_bytes {
        return Err(damaged(format!("it has {} bytes instead of {}", bytes.len(), meta.size_bytes)));
    }
    let Some(end) = meta.end else { return Ok(()) };
    let start = checksums::body_bytes(meta, end).map_err(damaged)?;
    let (body, footer) = bytes.split_at(usize::try_from(start).unwrap_or(0));
    checksums::check_end(end, start, footer).map_err(damaged)?;
    let mut parser = ParquetMetaDataReader::new();
    parser.try_parse_sized(&bytes::Bytes::copy_from_slice(footer), meta.size_bytes).map_err(wrong)?;
    let checksums = body_checksums(&parser.finish().map_err(wrong)?, start)
        .ok_or_else(|| damaged("its footer lacks the checksums of its rows".to_owned()))?;
    checksums.check(0, body).map_err(damaged)
}
