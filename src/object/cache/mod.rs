//! Bytes of data files in memory and, if wanted, on a local disk, for stores that are far away.
//!
//! ```text
//! ranges ─▶ blocks of 1 MiB ─ in memory? ─▶ yes: a slice of it
//!                                      └──▶ no: on disk? ─▶ yes: read, and kept in memory
//!                                                       └─▶ no: one request for all missing blocks that lie side by side
//! ```
//!
//! | file | what |
//! |---|---|
//! | this one | the memory tier, and the store that reads by way of both |
//! | `disk` | the disk tier |
//! | `block_file` | what the file of a block has |
//! | `lru` | which block is the oldest |
//!
//! Only objects of the data folder are kept: their names are never reused, so that what is kept is never stale. What is written
//! is kept as it is written. The least useful blocks leave first.

mod block_file;
mod disk;
mod lru;
#[cfg(test)]
mod tests;

pub use disk::{DiskCacheOptions, DiskCacheStatus};

use super::layout;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use disk::DiskBlocks;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use moka::sync::Cache;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are kept together.
const BLOCK_BYTES: u64 = 1 << 20;

/// Requests of one read that are under way at the same time.
const REQUESTS_AT_ONCE: usize = 8;

/// What a cache did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStatus {
    /// Blocks that were in memory when they were wanted.
    pub hits: u64,
    /// Blocks that were not.
    pub misses: u64,
    /// Requests for those that were not on disk either.
    pub requests: u64,
    /// Bytes that the requests brought.
    pub bytes_fetched: u64,
    /// Bytes that are kept in memory.
    pub bytes_kept: u64,
    /// The disk tier, where there is one.
    pub disk: Option<DiskCacheStatus>,
}

/// The blocks that are kept, and counts; shared by the store and whoever asks for the counts.
#[derive(Debug)]
pub(super) struct Blocks {
    kept: Cache<(Path, u64), Bytes>,
    disk: Option<DiskBlocks>,
    hits: AtomicU64,
    misses: AtomicU64,
    requests: AtomicU64,
    bytes_fetched: AtomicU64,
}

impl Blocks {
    /// Blocks in memory only.
    pub(super) fn new(bytes_max: u64) -> Arc<Self> {
        Self::over(bytes_max, None)
    }

    /// Blocks in memory, and those of the store at `url` on disk.
    pub(super) fn with_disk(
        bytes_max: u64,
        disk: &DiskCacheOptions,
        url: &str,
    ) -> std::io::Result<Arc<Self>> {
        Ok(Self::over(bytes_max, Some(DiskBlocks::open(disk, url)?)))
    }

    fn over(bytes_max: u64, disk: Option<DiskBlocks>) -> Arc<Self> {
        let weigh = |_: &(Path, u64), block: &Bytes| u32::try_from(block.len()).unwrap_or(u32::MAX);
        Arc::new(Self {
            kept: Cache::builder().weigher(weigh).max_capacity(bytes_max).build(),
            disk,
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
            requests: AtomicU64::default(),
            bytes_fetched: AtomicU64::default(),
        })
    }

    pub(super) fn status(&self) -> CacheStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStatus {
            hits: count(&self.hits),
            misses: count(&self.misses),
            requests: count(&self.requests),
            bytes_fetched: count(&self.bytes_fetched),
            bytes_kept: self.kept.weighted_size(),
            disk: self.disk.as_ref().map(DiskBlocks::status),
        }
    }

    /// The size of the memory tier.
    pub(super) fn bytes_max(&self) -> u64 {
        self.kept.policy().max_capacity().unwrap_or(0)
    }

    /// Keeps bytes that begin at `offset`, the start of a block. A block that is not complete is kept only when it is the last of
    /// the object.
    fn keep(&self, path: &Path, offset: u64, bytes: &Bytes, is_end: bool) {
        if !offset.is_multiple_of(BLOCK_BYTES) {
            return;
        }
        for (block, start) in (offset / BLOCK_BYTES..).zip((0..bytes.len()).step_by(BLOCK_BYTES as usize)) {
            let end = bytes.len().min(start + BLOCK_BYTES as usize);
            if is_end || (end - start) as u64 == BLOCK_BYTES {
                // A slice of its own, else a small block would keep a large buffer alive.
                let bytes = Bytes::copy_from_slice(&bytes[start..end]);
                if let Some(disk) = &self.disk {
                    disk.keep(path.as_ref(), block, &bytes);
                }
                self.remember(path, block, bytes);
            }
        }
    }

    /// Keeps a block in memory, unless the memory tier has no bytes: the cache would hold the block all the same until it
    /// is next tidied up.
    fn remember(&self, path: &Path, number: u64, block: Bytes) {
        if self.bytes_max() != 0 {
            self.kept.insert((path.clone(), number), block);
        }
    }

    /// Those of `numbers` that are on disk.
    async fn on_disk(&self, path: &Path, numbers: &[u64]) -> Vec<(u64, Bytes)> {
        let Some(disk) = &self.disk else { return Vec::new() };
        let reads = numbers.iter().map(|number| {
            let number = *number;
            async move { (number, disk.get(path.as_ref(), number).await) }
        });
        let reads: Vec<_> = reads.collect();
        let read = futures::stream::iter(reads).buffer_unordered(REQUESTS_AT_ONCE);
        let found = read.filter_map(|(number, block)| std::future::ready(block.map(|block| (number, block))));
        found.collect().await
    }

    /// Lets go of blocks that may not be what the store has.
    fn doubt(&self, path: &Path, numbers: Range<u64>) {
        for number in numbers {
            self.kept.invalidate(&(path.clone(), number));
        }
        if let Some(disk) = &self.disk {
            disk.forget(path.as_ref());
        }
    }

    /// Lets go of the blocks of an object that is deleted. Those in memory age: their number is not known.
    fn forget(&self, path: &Path) {
        if let Some(disk) = &self.disk {
            disk.forget(path.as_ref());
        }
    }
}

/// A store whose data files are read by way of [`Blocks`].
#[derive(Debug)]
pub(super) struct CachedStore {
    pub(super) inner: Arc<dyn ObjectStore>,
    pub(super) blocks: Arc<Blocks>,
}

impl std::fmt::Display for CachedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, cached", self.inner)
    }
}

fn is_kept(path: &Path) -> bool {
    path.parts().next().is_some_and(|first| first.as_ref() == layout::DATA_FOLDER)
}

impl CachedStore {
    /// These blocks of an object, by number.
    async fn blocks(&self, path: &Path, numbers: BTreeSet<u64>) -> Result<BTreeMap<u64, Bytes>> {
        let blocks = &self.blocks;
        let in_memory = |number: &u64| Some((*number, blocks.kept.get(&(path.clone(), *number))?));
        let mut found: BTreeMap<u64, Bytes> = numbers.iter().filter_map(in_memory).collect();
        blocks.hits.fetch_add(found.len() as u64, Ordering::Relaxed);
        blocks.misses.fetch_add((numbers.len() - found.len()) as u64, Ordering::Relaxed);
        let absent: Vec<u64> = numbers.iter().filter(|number| !found.contains_key(number)).copied().collect();
        for (number, block) in blocks.on_disk(path, &absent).await {
            blocks.remember(path, number, block.clone());
            found.insert(number, block);
        }
        let mut missing: Vec<Range<u64>> = Vec::new();
        for number in absent.into_iter().filter(|number| !found.contains_key(number)) {
            match missing.last_mut() {
                Some(run) if run.end == number => run.end += 1,
                _ => missing.push(number..number + 1),
            }
        }
        let fetched: Vec<Vec<(u64, Bytes)>> = futures::stream::iter(missing)
            .map(|run| self.fetch(path, run))
            .buffered(REQUESTS_AT_ONCE)
            .try_collect()
            .await?;
        found.extend(fetched.into_iter().flatten());
        Ok(found)
    }

    /// Blocks that lie side by side, from the store. Those past the end of the object are left out.
    async fn fetch(&self, path: &Path, numbers: Range<u64>) -> Result<Vec<(u64, Bytes)>> {
        let (start, end) = (numbers.start * BLOCK_BYTES, numbers.end * BLOCK_BYTES);
        let options = GetOptions { range: Some(GetRange::Bounded(start..end)), ..GetOptions::default() };
        let bytes = self.inner.get_opts(path, options).await?.bytes().await?;
        let blocks = &self.blocks;
        blocks.requests.fetch_add(1, Ordering::Relaxed);
        blocks.bytes_fetched.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        // A store gives less than was asked for only at the end of the object.
        blocks.keep(path, start, &bytes, true);
        Ok(numbers.zip(bytes.chunks(BLOCK_BYTES as usize).map(|block| bytes.slice_ref(block))).collect())
    }
}

/// The numbers of the blocks that hold a range.
fn numbers_of(range: &Range<u64>) -> Range<u64> {
    range.start / BLOCK_BYTES..range.end.div_ceil(BLOCK_BYTES)
}

/// The bytes of a range; fewer where blocks are missing or end early, which is past the end of the object.
fn cut(blocks: &BTreeMap<u64, Bytes>, range: &Range<u64>) -> Bytes {
    let within = |(number, block): (&u64, &Bytes)| {
        let at = |offset: u64| {
            let within = offset.saturating_sub(number * BLOCK_BYTES);
            usize::try_from(within).unwrap_or(usize::MAX).min(block.len())
        };
        block.slice(at(range.start)..at(range.end))
    };
    let mut parts = blocks.range(numbers_of(range)).map(within);
    match (parts.next(), parts.next()) {
        (None, _) => Bytes::new(),
        (Some(only), None) => only,
        (Some(first), Some(second)) => {
            let mut joined = BytesMut::from(first);
            joined.extend_from_slice(&second);
            parts.for_each(|part| joined.extend_from_slice(&part));
            joined.freeze()
        }
    }
}

#[async_trait]
impl ObjectStore for CachedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let bytes = is_kept(location).then(|| Bytes::from(payload.clone()));
        let result = self.inner.put_opts(location, payload, opts).await?;
        if let Some(bytes) = bytes {
            self.blocks.keep(location, 0, &bytes, true);
        }
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        if !is_kept(location) {
            return Ok(inner);
        }
        Ok(Box::new(CachedUpload { inner, blocks: self.blocks.clone(), path: location.clone(), offset: 0 }))
    }

    /// Reads past the cache. A range of a data file is read in this way only when what the cache has of it turned out to be
    /// wrong, so its blocks are forgotten.
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if let Some(GetRange::Bounded(range)) = &options.range
            && is_kept(location)
        {
            self.blocks.doubt(location, numbers_of(range));
        }
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if !is_kept(location) {
            return self.inner.get_ranges(location, ranges).await;
        }
        let wanted = ranges.iter().filter(|range| !range.is_empty());
        let blocks = self.blocks(location, wanted.flat_map(numbers_of).collect()).await?;
        Ok(ranges
            .iter()
            .map(|range| if range.is_empty() { Bytes::new() } else { cut(&blocks, range) })
            .collect())
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let blocks = self.blocks.clone();
        self.inner.delete_stream(locations).inspect_ok(move |path| blocks.forget(path)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// Keeps what is uploaded.
#[derive(Debug)]
struct CachedUpload {
    inner: Box<dyn MultipartUpload>,
    blocks: Arc<Blocks>,
    path: Path,
    offset: u64,
}

#[async_trait]
impl MultipartUpload for CachedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let bytes = Bytes::from(data.clone());
        // Whether it is the last part is not known; the rest of the last block is read when it is wanted.
        self.blocks.keep(&self.path, self.offset, &bytes, false);
        self.offset += bytes.len() as u64;
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
