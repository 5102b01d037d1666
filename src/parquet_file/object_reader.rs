//! One object as the source of bytes that the `parquet` crate reads from.

use super::checksums::BodyChecksums;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read with the footer at once: enough for footer and page index of a file of a few row groups.
const FOOTER_BYTES_HINT: usize = 256 * 1024;

/// An object of known size.
#[derive(Clone, Debug)]
pub(super) struct ObjectReader {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) path: Path,
    pub(super) size_bytes: u64,
    /// What the bytes before the footer are checked by. `None` before the footer is read, and for files without.
    pub(super) checksums: Option<Arc<BodyChecksums>>,
    /// Bytes read since they were last asked for; shared by clones.
    pub(super) bytes_read: Arc<AtomicU64>,
}

impl ObjectReader {
    fn count(&self, ranges: &[Range<u64>]) {
        let bytes = ranges.iter().map(|range| range.end - range.start).sum();
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes of each range, as the store gives them.
    async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.count(ranges);
        // A single range is read by this call as well, because the cache serves only this one.
        Ok(self.store.get_ranges(&self.path, ranges).await?)
    }

    /// The bytes of a range from the store itself, past the cache. To be asked for when the bytes that came before are not
    /// what was written.
    pub(super) async fn read_again(&self, range: Range<u64>) -> Result<Bytes> {
        self.count(std::slice::from_ref(&range));
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        Ok(self.store.get_opts(&self.path, options).await?.bytes().await?)
    }

    /// The bytes of each range, checked: whole blocks are read and cut.
    pub(super) async fn read_checked(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(checksums) = &self.checksums else { return self.read(ranges).await };
        if let Some(outside) = ranges.iter().find(|range| !checksums.covers(range)) {
            return Err(ParquetError::General(format!("it has no column chunk at bytes {outside:?}")));
        }
        let blocks = joined(ranges.iter().map(|range| checksums.blocks_around(range)).collect());
        let mut read = self.read(&blocks).await?;
        for (range, bytes) in blocks.iter().zip(&mut read) {
            if checksums.check(range.start, bytes).is_err() {
                *bytes = self.read_again(range.clone()).await?;
                checksums.check(range.start, bytes).map_err(ParquetError::General)?;
            }
        }
        let cut = |range: &Range<u64>| {
            let at = blocks.partition_point(|block| block.start <= range.start).checked_sub(1)?;
            let offset = |position: u64| usize::try_from(position - blocks[at].start).ok();
            let (start, end) = (offset(range.start)?, offset(range.end)?);
            (end <= read[at].len()).then(|| read[at].slice(start..end))
        };
        let missing = || ParquetError::General("the store gave fewer bytes than it was asked for".to_owned());
        ranges.iter().map(|range| cut(range).ok_or_else(missing)).collect()
    }
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { Ok(self.read_checked(&[range]).await?.pop().unwrap_or_default()) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.read_checked(&ranges).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let mut reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_BYTES_HINT));
            if let Some(options) = options {
                reader = reader
                    .with_column_index_policy(options.column_index_policy())
                    .with_offset_index_policy(options.offset_index_policy());
            }
            let size_bytes = self.size_bytes;
            Ok(Arc::new(reader.load_and_finish(self, size_bytes).await?))
        }
        .boxed()
    }
}

/// The ranges in order, those that overlap or touch as one.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
