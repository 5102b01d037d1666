//! Backups against an engine in this process: what happens when files vanish, descriptions are damaged, and places are not folders.

use super::description::{BackedUp, Description};
use super::object::{BackupObject, copy_from};
use super::{
    BackupError, Created, Parts, Source, Step, StoreSource, create, list, newest, open, restore,
    restore_database,
};
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions, WriteRequest};
use crate::line_protocol::Precision;
use crate::manifest::format::encode_checkpoint;
use crate::object::{Store, StoreOptions, Upload, layout, s3_server};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use std::future::ready;
use std::sync::Arc;
use tempfile::TempDir;

/// An engine over a store in memory, with a file for each write.
struct Filled {
    engine: Arc<Engine>,
    store: Store,
    _folder: TempDir,
}

async fn open_engine(store: &Store, folder: &TempDir) -> Arc<Engine> {
    let mut options = EngineOptions::new(folder.path().join("wal"));
    options.wal.disk_low_water_bytes = 0;
    Engine::open(options, store.clone(), Arc::new(ManualClock::new(1_000))).await.expect("it opens")
}

async fn filled(file_count: usize) -> Filled {
    let (store, folder) = (Store::in_memory(), tempfile::tempdir().expect("a folder"));
    let engine = open_engine(&store, &folder).await;
    engine.create_database("db", None).await.expect("it is new");
    let filled = Filled { engine, store, _folder: folder };
    for number in 0..file_count {
        filled.write(number).await;
    }
    filled
}

impl Filled {
    async fn write(&self, number: usize) {
        let body = format!("m,h=a v={number} {number}");
        let request = WriteRequest {
            database: "db".into(),
            policy: None,
            precision: Precision::Nanosecond,
            body: body.into(),
        };
        self.engine.write(request).await.expect("it is written");
        self.engine.flush().await.expect("it is flushed");
    }

    fn row_count(&self) -> u64 {
        row_count(&self.engine, "db")
    }
}

fn row_count(engine: &Engine, database: &str) -> u64 {
    let state = engine.state();
    let id = state.database(database).expect("it is there").id;
    state
        .tables()
        .filter(|table| table.database == id)
        .flat_map(|t| state.files_of(t.id).to_vec())
        .map(|f| f.row_count)
        .sum()
}

/// The engine as a source from which the files named vanish, each when it is first asked for.
struct Vanishing<'a> {
    filled: &'a Filled,
    /// Which files vanish: those of the cut of this number, from 0, and of later ones up to the second number.
    cuts: (usize, usize),
    taken: Mutex<usize>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Source for Vanishing<'_> {
    async fn cut(&self) -> Result<Bytes, BackupError> {
        let number = *self.taken.lock();
        self.filled.write(100 + number).await;
        *self.taken.lock() += 1;
        Ok(encode_checkpoint(&self.filled.engine.cut().await?))
    }

    async fn file(&self, path: &str) -> Result<Parts, BackupError> {
        self.asked.lock().push(path.to_owned());
        let cut = *self.taken.lock() - 1;
        let newest = self.filled.engine.state().files().map(|file| file.path.to_string()).max();
        if (self.cuts.0..=self.cuts.1).contains(&cut) && newest.as_deref() == Some(path) {
            return Err(BackupError::Gone { path: path.to_owned() });
        }
        let bytes = self.filled.store.get(path).await?;
        Ok(stream::once(ready(Ok(bytes))).boxed())
    }
}

fn silent(_: Step) {}

async fn make(source: &dyn Source, place: &Store, now_ns: i64) -> Result<Created, BackupError> {
    create(source, place, &ManualClock::new(now_ns), &silent).await
}

const SECOND: i64 = 1_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn files_that_vanish_make_a_backup_begin_anew() {
    let filled = filled(5).await;
    let source = Vanishing { filled: &filled, cuts: (0, 1), taken: Mutex::new(0), asked: Mutex::default() };
    let place = Store::in_memory();
    let created = make(&source, &place, SECOND).await.expect("the third cut is whole");
    assert_eq!(*source.taken.lock(), 3);
    assert_eq!((created.description.files.len(), created.copied_file_count), (8, 8));
    let mut asked = source.asked.lock().clone();
    asked.sort();
    let count = asked.len();
    asked.dedup();
    assert!(count <= asked.len() + 2 * 8, "what was copied is kept: {count} of {}", asked.len());
    assert_eq!(created.description.name, "19700101T000001.000Z");
    assert_eq!(newest(&place).await.expect("it is there"), created.description);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_always_overtaken_ends() {
    let filled = filled(1).await;
    let source = Vanishing { filled: &filled, cuts: (0, 99), taken: Mutex::new(0), asked: Mutex::default() };
    let place = Store::in_memory();
    let error = make(&source, &place, SECOND).await.expect_err("a file is always missing");
    assert!(matches!(error, BackupError::Overtaken { attempts: 5, .. }), "{error}");
    assert_eq!(list(&place).await.expect("it lists"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_to_s3_and_back() {
    let server = s3_server::S3Server::start().await;
    let at = |prefix: &str| {
        Store::open(&StoreOptions { url: server.url(prefix), options: server.options() }).expect("S3")
    };
    let (place, target) = (at("place"), at("restored"));
    let filled = filled(3).await;
    let source = StoreSource::new(filled.store.clone(), Arc::new(ManualClock::new(0)));
    make(&source, &place, SECOND).await.expect("a backup");
    filled.write(9).await;
    let created = make(&source, &place, 2 * SECOND).await.expect("a later one");
    assert_eq!((created.description.files.len(), created.copied_file_count), (4, 1));
    let again = make(&source, &place, 2 * SECOND).await.expect_err("the same name");
    assert!(matches!(again, BackupError::Exists(_)), "{again}");

    restore(&place, &created.description, &target, &silent).await.expect("restored");
    let folder = tempfile::tempdir().expect("a folder");
    let restored = open_engine(&target, &folder).await;
    assert_eq!(
        *restored.state().database("db").expect("it is there"),
        *filled.engine.state().database("db").expect("it is there")
    );
    assert_eq!(row_count(&restored, "db"), filled.row_count());
    let error = restore(&place, &created.description, &target, &silent).await.expect_err("not empty");
    assert!(matches!(error, BackupError::Exists(_)), "{error}");

    let names = ("db", "copy");
    restore_database(&place, &created.description, names, restored.as_ref(), &silent).await.expect("a copy");
    assert_eq!(row_count(&restored, "copy"), filled.row_count());
    let error = restore_database(&place, &created.description, names, restored.as_ref(), &silent).await;
    assert!(matches!(error, Err(BackupError::Exists(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_descriptions_do_not_keep_new_backups_from_being_made() {
    let filled = filled(2).await;
    let source = StoreSource::new(filled.store.clone(), Arc::new(ManualClock::new(0)));
    let place = Store::in_memory();
    let first = make(&source, &place, SECOND).await.expect("a backup").description;
    place.put(&layout::backup(&first.name), Bytes::from_static(b"{}\n")).await.expect("damage");
    let second = make(&source, &place, 2 * SECOND).await.expect("another");
    assert_eq!(second.copied_file_count, 2, "nothing is known of what is there");
    assert_eq!(second.unreadable.len(), 1);
    assert!(matches!(open(&place, &first.name).await, Err(BackupError::Damaged { .. })));
    // Which files the damaged one needs is unknown, so none is deleted.
    assert!(super::delete_old(&place, 1).await.is_err());
    assert_eq!(list(&place).await.expect("it lists").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_in_parts_and_counts_only_when_its_end_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Store::open(&StoreOptions::new(folder.path().to_str().expect("UTF-8"))).expect("a place");
    let mut bytes: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
    let described = BackedUp::of("data/x", &bytes);
    let file = BackupObject::new(&place, &described);
    let missing = file.parts().await.map(drop).expect_err("it is not there");
    assert!(matches!(missing, BackupError::Missing { .. }), "{missing}");
    place.put("data/x", bytes.clone().into()).await.expect("it is put");
    let parts: Vec<Bytes> =
        file.parts().await.expect("it is there").try_collect().await.expect("it is as it was");
    assert!(parts.len() > 1, "it need not fit into memory");
    assert_eq!(parts.concat(), bytes);

    bytes[99_999] ^= 1;
    place.put("data/x", bytes.into()).await.expect("damage");
    let target = Store::in_memory();
    let error = file.copy_to(target.upload("y")).await.expect_err("its last byte is wrong");
    assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
    assert!(!target.exists("y").await.expect("an answer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_source_is_none_unless_all_of_it_comes() {
    let parts = |parts: Vec<Result<&'static str, BackupError>>| -> Parts {
        stream::iter(parts).map_ok(Bytes::from).boxed()
    };
    let place = Store::in_memory();
    for (number, wrong) in [
        parts(vec![]),
        parts(vec![Ok("ab"), Ok("c")]),
        parts(vec![Ok("ab"), Ok("cde")]),
        parts(vec![Ok("ab"), Ok("cd"), Err(BackupError::Gone { path: "x".into() })]),
    ]
    .into_iter()
    .enumerate()
    {
        let error = copy_from(wrong, &place, "x", 4).await.expect_err("it is not what it should be");
        assert_eq!(matches!(error, BackupError::Gone { .. }), number == 3, "{error}");
        assert!(!place.exists("x").await.expect("an answer"), "{error}");
    }
    let copy = copy_from(parts(vec![Ok("ab"), Ok("cd")]), &place, "x", 4).await.expect("it is whole");
    assert_eq!(copy, BackedUp::of("x", b"abcd"));
    assert_eq!(place.get("x").await.expect("it is there"), "abcd");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_source_is_passed_on_while_it_comes() {
    const PART_BYTES: usize = 4 << 20;
    const PARTS: usize = 9;
    let folder = tempfile::tempdir().expect("a folder");
    let place = Store::open(&StoreOptions::new(folder.path().to_str().expect("UTF-8"))).expect("a place");
    let staging = folder.path().join("staging");
    let parts = stream::iter(0..PARTS).map(move |number| {
        let staged = std::fs::read_dir(&staging).expect("it is there");
        let staged_bytes: u64 =
            staged.map(|entry| entry.and_then(|entry| entry.metadata()).expect("it is there").len()).sum();
        let held_bytes = (number * PART_BYTES) as u64 - staged_bytes;
        assert!(held_bytes <= Upload::HELD_BYTES_MAX as u64, "{held_bytes} bytes before part {number}");
        Ok(Bytes::from(vec![number as u8; PART_BYTES]))
    });
    let size_bytes = (PARTS * PART_BYTES) as u64;
    assert!(size_bytes > (Upload::HELD_BYTES_MAX + PART_BYTES) as u64, "it does not fit into what is held");
    let copy = copy_from(parts.boxed(), &place, "data/x", size_bytes).await.expect("it is whole");
    let bytes = place.get("data/x").await.expect("it is there");
    assert_eq!(copy, BackedUp::of("data/x", &bytes));
}

fn description() -> Description {
    Description {
        name: "19700101T000001.000Z".into(),
        created: "1970-01-01T00:00:01.000Z".into(),
        made_by: "tidegauge".into(),
        manifest_number: 7,
        databases: vec!["a\n\"b".into()],
        state: BackedUp::of("backup/19700101T000001.000Z/state.jsonl", b"state"),
        files: vec![
            BackedUp::of("data/0/0/0/0/x.parquet", b"one"),
            BackedUp::of("data/0/0/0/0/y.parquet", b"two"),
        ],
    }
}

#[test]
fn a_description_reads_back_and_every_flipped_bit_is_found() {
    let description = description();
    let bytes = description.encode();
    assert_eq!(Description::decode(&description.name, &bytes).expect("whole"), description);
    assert!(Description::decode("another", &bytes).is_err());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1 << bit;
            match Description::decode(&description.name, &damaged) {
                Err(BackupError::Damaged { .. } | BackupError::Newer { .. }) => {}
                // A hexadecimal digit in another case is the same digit.
                Ok(same) => assert_eq!(same, description, "bit {bit} of byte {at}"),
                Err(other) => panic!("bit {bit} of byte {at}: {other}"),
            }
        }
        assert!(Description::decode(&description.name, &bytes[..at]).is_err(), "cut to {at} bytes");
    }
    let newer = String::from_utf8(bytes.to_vec()).expect("text").replace("\"version\":1", "\"version\":2");
    let newer = Description::decode(&description.name, newer.as_bytes());
    assert!(matches!(newer, Err(BackupError::Newer { version: 2, .. })));
}
