//! One conformance suite for every kind of store, then what is particular to one of them.

use super::{Creation, DiskCacheOptions, Store, StoreError, StoreOptions, layout, s3_server};
use crate::model::ids::{DatabaseId, PolicyId, TableId};
use bytes::Bytes;
use futures::TryStreamExt;
use std::sync::Arc;

async fn list(store: &Store, folder: &str) -> Vec<(String, u64)> {
    let listed: Vec<_> = store.list(folder).try_collect().await.expect("a list");
    let mut listed: Vec<_> = listed.into_iter().map(|l| (l.path, l.size_bytes)).collect();
    listed.sort();
    listed
}

/// What every store must do.
async fn check_conformance(store: Store) {
    store.probe().await.expect("the probe passes");
    assert_eq!(list(&store, layout::PROBE_FOLDER).await, [], "the probe leaves nothing behind");

    let missing = store.get("a/missing").await;
    assert!(matches!(&missing, Err(StoreError::NotFound { path }) if path == "a/missing"), "{missing:?}");
    assert!(!store.exists("a/missing").await.expect("an answer"));
    store.delete("a/missing").await.expect("what is not there is as good as deleted");

    let (one, two) = (Bytes::from_static(b"one"), Bytes::from_static(b"two!"));
    assert_eq!(store.create("a/b/x", one.clone()).await.expect("create"), Creation::Created);
    assert_eq!(store.create("a/b/x", two.clone()).await.expect("create"), Creation::AlreadyExists);
    assert_eq!(store.get("a/b/x").await.expect("get"), one);
    assert!(store.exists("a/b/x").await.expect("an answer"));

    store.put("a/b/x", two.clone()).await.expect("put replaces");
    assert_eq!(store.get("a/b/x").await.expect("get"), two);
    store.put_file("a/y", [one.clone(), Bytes::new(), two.clone()]).await.expect("put_file");
    assert_eq!(store.get("a/y").await.expect("get"), "onetwo!");
    store.put("a/empty", Bytes::new()).await.expect("put");
    assert_eq!(store.get("a/empty").await.expect("get"), "");
    store.put("ab", one.clone()).await.expect("put");

    let expected = [("a/b/x".to_owned(), 4), ("a/empty".to_owned(), 0), ("a/y".to_owned(), 7)];
    assert_eq!(list(&store, "a").await, expected);
    assert_eq!(list(&store, "nowhere").await, []);

    store.delete("a/b/x").await.expect("delete");
    assert!(!store.exists("a/b/x").await.expect("an answer"));
    assert_eq!(store.create("a/b/x", one).await.expect("create"), Creation::Created, "the name is free");

    check_one_creator_wins(&store).await;
    check_uploads(&store).await;
}

async fn check_uploads(store: &Store) {
    let byte = |i: usize| (i % 251) as u8;
    let whole: Vec<u8> = (0..(20 << 20)).map(byte).collect();
    for size in [0, 1_000, whole.len()] {
        let path = format!("upload/{size}");
        let mut upload = store.upload(&path);
        for part in whole[..size].chunks(3 << 20) {
            upload.write(part).await.expect("a part");
        }
        assert!(!store.exists(&path).await.expect("an answer"), "it does not exist before it is complete");
        upload.finish().await.expect("finish");
        assert_eq!(store.get(&path).await.expect("get"), whole[..size]);
    }
    let mut given_up = store.upload("upload/given up");
    given_up.write(&whole).await.expect("parts");
    given_up.abort().await.expect("abort");
    assert!(!store.exists("upload/given up").await.expect("an answer"));
}

async fn check_one_creator_wins(store: &Store) {
    for round in 0..5 {
        let path = format!("race/{round}/x");
        let attempts: Vec<_> = (0..8)
            .map(|creator| {
                let (store, path) = (store.clone(), path.clone());
                tokio::spawn(
                    async move { (creator, store.create(&path, format!("by {creator}").into()).await) },
                )
            })
            .collect();
        let mut winners = Vec::new();
        for attempt in attempts {
            let (creator, created) = attempt.await.expect("no panic");
            if created.expect("create") == Creation::Created {
                winners.push(creator);
            }
        }
        assert_eq!(winners.len(), 1, "exactly one creator of {path} wins");
        assert_eq!(store.get(&path).await.expect("get"), format!("by {}", winners[0]));
    }
}

#[tokio::test]
async fn memory_conforms() {
    check_conformance(Store::open(&StoreOptions::new("memory:///")).expect("memory")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_folder_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("new/deep");
    let store = Store::open(&StoreOptions::new(root.to_str().expect("UTF-8"))).expect("local");
    check_conformance(store.clone()).await;
    let left: Vec<_> = std::fs::read_dir(root.join("staging")).expect("staging").collect();
    assert!(left.is_empty(), "nothing stays staged: {left:?}");

    let url = format!("file://{}", root.display());
    let again = Store::open(&StoreOptions::new(url)).expect("local");
    assert_eq!(again.root(), store.root());
    assert_eq!(again.get("a/y").await.expect("get"), "onetwo!");
    assert_eq!(list(&again, layout::PROBE_FOLDER).await, []);
}

/// As one whose last parts find no room: `object_store` drops it then without telling the store.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_dropped_leaves_nothing_in_a_local_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&StoreOptions::new(folder.path().to_str().expect("UTF-8"))).expect("local");
    let staged = || std::fs::read_dir(folder.path().join("staging")).expect("staging").count();
    let mut upload = store.upload("a/x");
    upload.write(&vec![1; 9 << 20]).await.expect("a part");
    assert_eq!(staged(), 1);
    drop(upload);
    assert_eq!(staged(), 0);
    assert_eq!(list(&store, "a").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_conforms() {
    let server = s3_server::S3Server::start().await;
    let open = |prefix: &str| {
        Store::open(&StoreOptions { url: server.url(prefix), options: server.options() }).expect("S3")
    };
    check_conformance(open("some/prefix")).await;
    check_conformance(open("cached").cached(64 << 20)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let disk = DiskCacheOptions { folder: folder.path().join("new"), bytes_max: 64 << 20 };
    check_conformance(open("cached on disk").cached_on_disk(1 << 20, &disk).expect("a new folder")).await;
    let other = open("other");
    assert!(!other.exists("a/y").await.expect("an answer"), "prefixes are apart");
    let whole = open("");
    assert_eq!(whole.get("some/prefix/a/y").await.expect("get"), "onetwo!");
}

/// A server with a cache on disk asks S3 for nothing that it read before its restart, damaged blocks excepted.
#[tokio::test(flavor = "multi_thread")]
async fn s3_is_not_asked_again_for_what_is_cached_on_disk() {
    let server = s3_server::S3Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let disk = DiskCacheOptions { folder: folder.path().to_owned(), bytes_max: 64 << 20 };
    let open = || {
        let options = StoreOptions { url: server.url("restarted"), options: server.options() };
        Store::open(&options).expect("S3").cached_on_disk(64 << 20, &disk).expect("nobody else uses it")
    };
    let path = layout::new_data_file(DatabaseId(1), PolicyId(2), TableId(3), 0);
    let whole: Vec<u8> = (0..5 << 20).map(|i: usize| (i / 7 % 251) as u8).collect();
    let read = async |store: &Store| {
        let path = object_store::path::Path::from(path.as_str());
        let ranges = [10..20, 1_000_000..4_000_000, (5 << 20) - 5..5 << 20];
        let found = store.object_store().get_ranges(&path, &ranges).await.expect("it is there");
        for (found, range) in found.iter().zip(&ranges) {
            assert!(found == &whole[range.start as usize..range.end as usize], "{range:?}");
        }
        store.cache_status().expect("it is cached")
    };
    let options = StoreOptions { url: server.url("restarted"), options: server.options() };
    let uncached = Store::open(&options).expect("S3");
    uncached.put_file(&path, [Bytes::from(whole.clone())]).await.expect("put_file");

    let status = read(&open()).await;
    assert_eq!((status.hits, status.misses, status.bytes_fetched), (0, 5, 5 << 20));
    let again = open();
    let status = read(&again).await;
    let on_disk = status.disk.expect("a disk tier");
    assert_eq!((status.requests, status.misses, on_disk.hits, on_disk.misses), (0, 5, 5, 0));
    assert_eq!(read(&again).await.hits, 5, "in memory by now");
    drop(again);

    for (count, entry) in std::fs::read_dir(folder.path()).expect("the folder").enumerate() {
        let file = entry.expect("an entry").path();
        if count % 2 == 0 && file.extension().is_some_and(|extension| extension == "block") {
            let mut bytes = std::fs::read(&file).expect("a block");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&file, bytes).expect("the disk works");
        }
    }
    let status = read(&open()).await;
    let on_disk = status.disk.expect("a disk tier");
    assert!((2..=3).contains(&on_disk.damaged), "{on_disk:?}");
    assert_eq!((on_disk.misses, on_disk.hits), (on_disk.damaged, 5 - on_disk.damaged));
    assert_eq!(status.bytes_fetched, on_disk.damaged << 20);

    uncached.delete(&path).await.expect("delete");
    assert_eq!(read(&open()).await.requests, 0, "names are never reused, so what is kept is not stale");
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_with_wrong_keys_fails_the_probe() {
    let server = s3_server::S3Server::start().await;
    let mut options = StoreOptions { url: server.url("x"), options: server.options() };
    options.options.insert("secret_access_key".into(), "wrong".into());
    let refused = Store::open(&options).expect("nothing is sent yet").probe().await;
    let text = refused.expect_err("the keys are wrong").to_string();
    assert!(text.starts_with("cannot create \"probe/"), "{text}");
}

#[tokio::test]
async fn folder_removed_while_running_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&StoreOptions::new(folder.path().to_str().expect("UTF-8"))).expect("local");
    store.put("a/b/c", Bytes::from_static(b"1")).await.expect("put");
    std::fs::remove_dir_all(folder.path().join("a")).expect("remove");
    store.put("a/b/c", Bytes::from_static(b"2")).await.expect("put");
    assert_eq!(store.get("a/b/c").await.expect("get"), "2");
}

#[tokio::test]
async fn a_folder_is_removed_only_when_nothing_lies_in_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a/b");
    let options = StoreOptions::new(path.to_str().expect("UTF-8"));
    assert_eq!(options.folder().as_deref(), Some(path.as_path()));
    let store = Store::open(&options).expect("it is made");
    store.create("x/y", "1".into()).await.expect("it is new");
    assert!(!store.clone().remove_if_empty());
    assert_eq!(store.get("x/y").await.expect("it is there"), "1");
    std::fs::remove_dir_all(path.join("x")).expect("it is there");
    assert!(store.remove_if_empty());
    assert!(!path.exists() && folder.path().join("a").exists());
    assert_eq!(StoreOptions::new("memory:///").folder(), None);
    assert!(!Store::in_memory().remove_if_empty());
}

#[test]
fn leftovers_of_a_crash_are_removed_once_they_are_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Store::open(&StoreOptions::new(folder.path().to_str().expect("UTF-8"))).expect("local");
    open();
    let staged = folder.path().join("staging/1#1");
    let file = std::fs::File::create(&staged).expect("create");
    open();
    assert!(staged.exists(), "it may belong to a write that goes on");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
    file.set_modified(long_ago).expect("set_modified");
    open();
    assert!(!staged.exists());
}

#[tokio::test]
async fn store_that_overwrites_is_refused() {
    use crate::object::tests::faulty::Overwriting;
    let store = Store::from_object_store(Arc::new(Overwriting::default()), "s3://careless");
    let refused = store.probe().await.expect_err("it overwrites");
    assert!(matches!(refused, StoreError::NoConditionalCreate { .. }), "{refused}");
    assert!(refused.to_string().starts_with("object store \"s3://careless\" does not refuse"), "{refused}");
}

#[test]
fn wrong_addresses_and_settings_are_named() {
    let check = |options: StoreOptions, text: &str| {
        let refused = Store::open(&options).expect_err("a wrong address").to_string();
        assert_eq!(refused, text);
    };
    check(StoreOptions::new(""), r#"object store "": the address is empty"#);
    check(
        StoreOptions::new("ftp://x/y"),
        r#"object store "ftp://x/y": unknown scheme "ftp"; use file, memory, s3, gs or az, or a plain path"#,
    );
    check(StoreOptions::new("file://host/x"), r#"object store "file://host/x": not an absolute path"#);
    check(
        StoreOptions::new("memory:///").with("region", "x"),
        r#"object store "memory:///": setting "region" has no meaning for this kind of store"#,
    );
    check(
        StoreOptions::new("s3://b").with("regoin", "x"),
        r#"object store "s3://b": unknown setting "regoin" for this kind of store"#,
    );
    check(
        StoreOptions::new("s3://b").with("path_style", "maybe"),
        r#"object store "s3://b": path_style is true or false, not "maybe""#,
    );
    check(StoreOptions::new("s3://"), r#"object store "s3://": the bucket is missing"#);
}

#[test]
fn clouds_open_without_sending_anything() {
    let gs = StoreOptions::new("gs://bucket/prefix").with("skip_signature", "true");
    assert_eq!(Store::open(&gs).expect("GCS").url(), "gs://bucket/prefix");
    let az =
        StoreOptions::new("az://container/prefix").with("account_name", "account").with("access_key", "a2V5");
    assert_eq!(Store::open(&az).expect("Azure").url(), "az://container/prefix");
}

#[test]
fn names_sort_as_their_numbers_and_read_back() {
    for make in [layout::edit, layout::checkpoint, layout::epoch] {
        assert!(make(9) < make(10));
        assert_eq!(layout::number_of(&make(12_345)), Some(12_345));
    }
    for stranger in
        ["", "manifest/log/1.jsonl", "manifest/log/00000000000000000001.json", "x/0000000001.json"]
    {
        assert_eq!(layout::number_of(stranger), None, "{stranger}");
    }
    let new = || layout::new_data_file(DatabaseId(1), PolicyId(2), TableId(3), -5);
    let (a, b) = (new(), new());
    assert!(a.starts_with("data/1/2/3/-5/") && a.ends_with(".parquet"), "{a}");
    assert_ne!(a, b);
}

mod faulty {
    //! A store that takes every creation for a put.

    use async_trait::async_trait;
    use futures::stream::BoxStream;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{
        CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
        PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    };

    #[derive(Debug, Default)]
    pub(super) struct Overwriting(InMemory);

    impl std::fmt::Display for Overwriting {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("overwriting")
        }
    }

    #[async_trait]
    impl ObjectStore for Overwriting {
        async fn put_opts(&self, to: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
            self.0.put_opts(to, payload, PutOptions { mode: PutMode::Overwrite, ..opts }).await
        }
        async fn put_multipart_opts(
            &self,
            to: &Path,
            opts: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.0.put_multipart_opts(to, opts).await
        }
        async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
            self.0.get_opts(from, options).await
        }
        fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
            self.0.delete_stream(paths)
        }
        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.0.list(prefix)
        }
        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.0.list_with_delimiter(prefix).await
        }
        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.0.copy_opts(from, to, options).await
        }
    }
}
