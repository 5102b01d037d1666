//! The cache gives what the store has, whatever is kept where.

use super::{Blocks, CachedStore, DiskCacheOptions, DiskCacheStatus};
use crate::model::ids::{DatabaseId, PolicyId, TableId};
use crate::object::layout;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

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

/// A cache that keeps nothing in memory, so that every read is the disk's or the store's.
struct OnDisk {
    inner: Arc<InMemory>,
    folder: TempDir,
    bytes_max: u64,
}

impl OnDisk {
    fn new(bytes_max: u64) -> Self {
        Self { inner: Arc::new(InMemory::new()), folder: tempfile::tempdir().expect("a folder"), bytes_max }
    }

    fn open(&self) -> CachedStore {
        self.open_as("s3://bucket").expect("nobody else uses it")
    }

    fn open_as(&self, url: &str) -> std::io::Result<CachedStore> {
        let options = DiskCacheOptions { folder: self.folder.path().to_owned(), bytes_max: self.bytes_max };
        Ok(CachedStore { inner: self.inner.clone(), blocks: Blocks::with_disk(0, &options, url)? })
    }

    async fn put(&self, len: usize) -> Path {
        let path = Path::from(layout::new_data_file(DatabaseId(1), PolicyId(2), TableId(3), -5));
        self.inner.put(&path, sample(len).into()).await.expect("memory");
        path
    }

    /// The files of blocks, and their sizes together.
    fn files(&self) -> (Vec<PathBuf>, u64) {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "block"));
        files.sort();
        let bytes = files.iter().map(|file| file.metadata().expect("a file").len()).sum();
        (files, bytes)
    }
}

fn disk(cached: &CachedStore) -> DiskCacheStatus {
    cached.blocks.disk.as_ref().expect("a disk tier").settle();
    cached.blocks.status().disk.expect("a disk tier")
}

async fn check_read(cached: &CachedStore, path: &Path, len: usize, range: Range<u64>) {
    let found = cached.get_ranges(path, std::slice::from_ref(&range)).await.expect("it is there");
    let expected = &sample(len)[range.start as usize..range.end as usize];
    assert!(found[0] == expected, "bytes {range:?} are others");
}

#[tokio::test]
async fn blocks_on_disk_are_there_after_a_restart() {
    let cache = OnDisk::new(64 << 20);
    let path = cache.put(3_000_000).await;
    let cached = cache.open();
    check_read(&cached, &path, 3_000_000, 0..3_000_000).await;
    check_read(&cached, &path, 3_000_000, 0..3_000_000).await;
    let before = cached.blocks.status();
    let on_disk = disk(&cached);
    assert_eq!((on_disk.blocks_kept, on_disk.bytes_kept), (3, cache.files().1));
    assert_eq!((before.hits, before.misses), (0, 6), "nothing is kept in memory");
    assert_eq!(before.requests + on_disk.hits.div_ceil(3), 2, "one of the reads was the store's");
    drop(cached);

    let again = cache.open();
    check_read(&again, &path, 3_000_000, 0..3_000_000).await;
    let status = again.blocks.status();
    assert_eq!((status.requests, status.bytes_fetched), (0, 0));
    let on_disk = disk(&again);
    assert_eq!((on_disk.hits, on_disk.misses, on_disk.bytes_read), (3, 0, 3_000_000));
    assert_eq!((on_disk.blocks_kept, on_disk.bytes_written), (3, 0));
}

#[tokio::test]
async fn what_is_read_from_disk_is_kept_in_memory() {
    let cache = OnDisk::new(64 << 20);
    let path = cache.put(1_000).await;
    check_read(&cache.open(), &path, 1_000, 0..10).await;
    let options = DiskCacheOptions { folder: cache.folder.path().to_owned(), bytes_max: 64 << 20 };
    let blocks = Blocks::with_disk(1 << 20, &options, "s3://bucket").expect("it is free again");
    let cached = CachedStore { inner: cache.inner.clone(), blocks };
    for _ in 0..3 {
        check_read(&cached, &path, 1_000, 5..1_000).await;
    }
    let status = cached.blocks.status();
    assert_eq!((status.hits, status.misses, status.requests), (2, 1, 0));
    assert_eq!(disk(&cached).hits, 1);
}

#[tokio::test]
async fn what_is_written_is_on_disk() {
    let cache = OnDisk::new(64 << 20);
    let cached = cache.open();
    let path = Path::from(layout::new_data_file(DatabaseId(1), PolicyId(2), TableId(3), 0));
    cached.put(&path, sample(1_500_000).into()).await.expect("memory");
    assert_eq!(disk(&cached).blocks_kept, 2);
    check_read(&cached, &path, 1_500_000, 1_000_000..1_500_000).await;
    assert_eq!(cached.blocks.status().requests, 0);
    // Not by this name: it is none of a data file.
    cached.put(&Path::from("data/x"), sample(10).into()).await.expect("memory");
    assert_eq!(disk(&cached).blocks_kept, 2);
}

/// A damaged block is a miss, and never other bytes than those of the object.
#[tokio::test]
async fn damaged_blocks_are_fetched_again() {
    let cache = OnDisk::new(64 << 20);
    let len = 1_200_000;
    let path = cache.put(len).await;
    let cached = cache.open();
    check_read(&cached, &path, len, 0..len as u64).await;
    let mut damaged = disk(&cached).damaged;
    let files = cache.files().0;
    assert_eq!(files.len(), 2);
    let wholes: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("a file")).collect();
    let mut check = async |file: &PathBuf, bytes: &[u8]| {
        std::fs::write(file, bytes).expect("the disk works");
        check_read(&cached, &path, len, 0..len as u64).await;
        damaged += 1;
        assert_eq!(disk(&cached).damaged, damaged, "it was noticed");
        // It was written again.
        assert_eq!(cache.files().0, files);
    };
    for (file, whole) in files.iter().zip(&wholes) {
        let inside = (0..20).map(|part| whole.len() * part / 20);
        for at in (0..120).chain(inside).chain([whole.len() - 1]) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            check(file, &bytes).await;
        }
        for end in [0, 1, 8, 15, 16, 100, whole.len() / 2, whole.len() - 1] {
            check(file, &whole[..end]).await;
        }
    }
    // Whole, and another block's.
    check(&files[0], &wholes[1]).await;
    std::fs::remove_file(&files[1]).expect("it is there");
    check_read(&cached, &path, len, 0..len as u64).await;
    assert_eq!(disk(&cached).damaged, damaged + 1, "somebody has removed it");
    assert_eq!(cache.files().0, files);
}

#[tokio::test]
async fn blocks_of_another_store_are_not_taken() {
    let cache = OnDisk::new(64 << 20);
    let path = cache.put(1_000).await;
    check_read(&cache.open(), &path, 1_000, 0..1_000).await;
    let other = OnDisk { inner: Arc::new(InMemory::new()), ..cache };
    other.inner.put(&path, vec![7; 1_000].into()).await.expect("memory");
    let cached = other.open_as("s3://other").expect("it is free again");
    let all = 0..1_000;
    let found = cached.get_ranges(&path, std::slice::from_ref(&all)).await.expect("it is there");
    assert_eq!(found[0], vec![7; 1_000]);
}

#[tokio::test]
async fn the_blocks_used_longest_ago_make_room() {
    let cache = OnDisk::new(3 * (1 << 20) + 4_096);
    let cached = cache.open();
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(cache.put(1 << 20).await);
        check_read(&cached, &paths[paths.len() - 1], 1 << 20, 0..10).await;
        disk(&cached);
    }
    check_read(&cached, &paths[0], 1 << 20, 0..10).await;
    let (hits, requests) = (disk(&cached).hits, cached.blocks.status().requests);
    let newest = cache.put(1 << 20).await;
    check_read(&cached, &newest, 1 << 20, 0..10).await;
    assert!(disk(&cached).bytes_kept <= cache.bytes_max);
    for path in [&paths[0], &paths[2], &newest] {
        check_read(&cached, path, 1 << 20, 0..10).await;
    }
    assert_eq!((disk(&cached).hits, cached.blocks.status().requests), (hits + 3, requests + 1));
    check_read(&cached, &paths[1], 1 << 20, 0..10).await;
    assert_eq!(cached.blocks.status().requests, requests + 2, "it was the one used longest ago");
    assert_eq!(disk(&cached).bytes_kept, cache.files().1);
    drop(cached);

    // With less room than before.
    let smaller = OnDisk { bytes_max: 1_100_000, ..cache };
    assert_eq!(disk(&smaller.open()).blocks_kept, 1);
    assert_eq!(smaller.files().0.len(), 1);
    let nothing = OnDisk { bytes_max: 1_000, ..smaller };
    let cached = nothing.open();
    check_read(&cached, &newest, 1 << 20, 0..10).await;
    assert_eq!(
        (disk(&cached).blocks_kept, nothing.files().0.len()),
        (0, 0),
        "a block is larger than all room"
    );
}

#[tokio::test]
async fn deleted_objects_leave_the_disk() {
    let cache = OnDisk::new(64 << 20);
    let cached = cache.open();
    let (gone, kept) = (cache.put(2_500_000).await, cache.put(10).await);
    check_read(&cached, &gone, 2_500_000, 0..2_500_000).await;
    check_read(&cached, &kept, 10, 0..10).await;
    assert_eq!(disk(&cached).blocks_kept, 4);
    let locations = futures::stream::iter([Ok(gone)]);
    cached.delete_stream(Box::pin(locations)).try_collect::<Vec<_>>().await.expect("memory");
    assert_eq!((disk(&cached).blocks_kept, cache.files().0.len()), (1, 1));
}

#[tokio::test]
async fn one_server_uses_a_folder_and_leaves_strange_files_alone() {
    let cache = OnDisk::new(10);
    let strange = cache.folder.path().join("notes.txt");
    std::fs::write(&strange, "x".repeat(100)).expect("the disk works");
    let cached = cache.open();
    let refused = cache.open_as("s3://bucket").expect_err("it is in use").to_string();
    assert_eq!(refused, "another server uses it");
    drop(cached);
    drop(cache.open());
    assert!(strange.exists());
}

/// A disk that takes no writes makes a cache useless, and no read fail.
#[tokio::test]
async fn a_disk_that_cannot_be_written_fails_no_read() {
    let cache = OnDisk::new(64 << 20);
    let cached = cache.open();
    let path = cache.put(10).await;
    std::fs::create_dir(cache.folder.path().join("staged")).expect("the disk works");
    for _ in 0..2 {
        check_read(&cached, &path, 10, 0..10).await;
        assert_eq!(disk(&cached).blocks_kept, 0);
    }
    assert_eq!(disk(&cached).writes_failed, 2);
    std::fs::remove_dir(cache.folder.path().join("staged")).expect("the disk works");
    check_read(&cached, &path, 10, 0..10).await;
    assert_eq!((disk(&cached).blocks_kept, disk(&cached).writes_failed), (1, 2));
}
