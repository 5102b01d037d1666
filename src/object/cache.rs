//! Bytes of data files in memory, for stores that are far away.
//!
//! ```text
//! ranges ─▶ blocks of 1 MiB ─ in memory? ─▶ yes: a slice of it
//!                                      └──▶ no: one request for all missing blocks that lie side by side
//! ```
//!
//! Only objects of the data folder are kept: their names are never reused, so that what is kept is never stale. What is written
//! is kept as it is written. The least useful blocks leave first.

use super::layout;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
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
    /// Requests for these.
    pub requests: u64,
    /// Bytes that the requests brought.
    pub bytes_fetched: u64,
    /// Bytes that are kept.
    pub bytes_kept: u64,
}

/// The blocks that are kept, and counts; shared by the store and whoever asks for the counts.
#[derive(Debug)]
pub(super) struct Blocks {
    kept: Cache<(Path, u64), Bytes>,
    hits: AtomicU64,
    misses: AtomicU64,
    requests: AtomicU64,
    bytes_fetched: AtomicU64,
}

impl Blocks {
    pub(super) fn new(bytes_max: u64) -> Arc<Self> {
        let weigh = |_: &(Path, u64), block: &Bytes| u32::try_from(block.len()).unwrap_or(u32::MAX);
        Arc::new(Self {
            kept: Cache::builder().weigher(weigh).max_capacity(bytes_max).build(),
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
        }
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
                self.kept.insert((path.clone(), block), Bytes::copy_from_slice(&bytes[start..end]));
            }
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
        let mut found = BTreeMap::new();
        let mut missing: Vec<Range<u64>> = Vec::new();
        for number in numbers {
            match (self.blocks.kept.get(&(path.clone(), number)), missing.last_mut()) {
                (Some(block), _) => {
                    found.insert(number, block);
                }
                (None, Some(run)) if run.end == number => run.end += 1,
                (None, _) => missing.push(number..number + 1),
            }
        }
        self.blocks.hits.fetch_add(found.len() as u64, Ordering::Relaxed);
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
        blocks.misses.fetch_add(numbers.end - numbers.start, Ordering::Relaxed);
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

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
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
        self.inner.delete_stream(locations)
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

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;
    use proptest::prelude::*;

    fn store(bytes_max: u64) -> (Arc<InMemory>, CachedStore) {
        let inner = Arc::new(InMemory::new());
        let cached = CachedStore { inner: inner.clone(), blocks: Blocks::new(bytes_max) };
        (inner, cached)
    }

    fn sample(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 + i / 1_000) as u8).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn ranges_are_those_of_the_object(
            len in 1..3_500_000_usize,
            ranges in prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 1..8),
            bytes_max in prop::sample::select(vec![0, 1 << 20, 100 << 20]),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (inner, cached) = store(bytes_max);
                let (path, whole) = (Path::from("data/1/x.parquet"), sample(len));
                inner.put(&path, whole.clone().into()).await.unwrap();
                let at = |share: f64| (share * len as f64) as u64;
                let ranges: Vec<Range<u64>> =
                    ranges.iter().map(|(a, b)| at(a.min(*b))..at(a.max(*b)).max(at(a.min(*b)) + 1)).collect();
                for _ in 0..2 {
                    let found = cached.get_ranges(&path, &ranges).await.unwrap();
                    for (found, range) in found.iter().zip(&ranges) {
                        assert_eq!(found, &whole[range.start as usize..range.end as usize]);
                    }
                }
            });
        }
    }

    #[tokio::test]
    async fn what_was_read_or_written_is_not_asked_for_again() {
        let (inner, cached) = store(64 << 20);
        let (read, written) = (Path::from("data/read"), Path::from("data/written"));
        inner.put(&read, sample(3_000_000).into()).await.unwrap();
        for _ in 0..3 {
            cached.get_ranges(&read, &[10..20, 30..1_500_000]).await.unwrap();
        }
        assert_eq!(cached.blocks.status().bytes_fetched, 2 << 20);
        cached.put(&written, sample(3_000_000).into()).await.unwrap();
        let before = cached.blocks.status().requests;
        let range = 2_500_000..3_000_000;
        let found = cached.get_ranges(&written, std::slice::from_ref(&range)).await.unwrap();
        assert_eq!(found[0], sample(3_000_000)[2_500_000..]);
        assert_eq!(cached.blocks.status().requests, before);
    }

    #[tokio::test]
    async fn nothing_of_the_manifest_is_kept() {
        let (inner, cached) = store(64 << 20);
        let path = Path::from("manifest/latest.json");
        for text in ["1", "2"] {
            inner.put(&path, text.into()).await.unwrap();
            let range = 0..1;
            let found = cached.get_ranges(&path, std::slice::from_ref(&range)).await.unwrap();
            assert_eq!(found[0], text);
        }
    }
}
