//! Two engines on one store, each with a log of its own: the one that opened it last writes.

use super::{open, options, points, request};
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineError, EngineOptions, WriteError};
use crate::manifest::{Manifest, ManifestError, ManifestOptions, snapshot};
use crate::model::change::Change;
use crate::model::ids::Sequence;
use crate::object::{Store, layout};
use crate::wal::{WalError, salvage};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A store, and the folders of two servers for their logs.
struct Place {
    store: Store,
    old: TempDir,
    new: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = || tempfile::tempdir().unwrap();
        Self { store: Store::in_memory(), old: folder(), new: folder() }
    }

    /// The engine that was there first, with the database `db` and a file of one point.
    async fn old_with_a_file(&self) -> Arc<Engine> {
        let old = open(self.old.path(), &self.store).await;
        old.create_database("db", None).await.unwrap();
        write(&old, 1).await;
        old.flush().await.unwrap();
        old
    }

    async fn data_files(&self) -> BTreeSet<String> {
        self.store.list(layout::DATA_FOLDER).map_ok(|object| object.path).try_collect().await.unwrap()
    }
}

/// Writes the point of this time.
async fn write(engine: &Arc<Engine>, time_ns: i64) {
    engine.write(request(format!("m,host=h a={time_ns} {time_ns}"))).await.unwrap();
}

/// The times of all points.
async fn times(engine: &Arc<Engine>) -> Vec<i64> {
    points(engine).await.into_keys().map(|(_, time_ns)| time_ns).collect()
}

fn assert_fenced<T: std::fmt::Debug>(outcome: Result<T, EngineError>) {
    let is_fenced = matches!(outcome, Err(EngineError::Manifest(ManifestError::Fenced { .. })));
    assert!(is_fenced, "{outcome:?}");
}

/// All files of the engine that took over look like orphans to the one that does not know of it.
#[tokio::test]
async fn an_idle_fenced_engine_deletes_nothing() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    let new = open(place.new.path(), &place.store).await;
    write(&new, 2).await;
    new.flush().await.unwrap();
    place.store.put("data/0/0/0/0/orphan.parquet", "left behind by a crash".into()).await.unwrap();
    let before = place.data_files().await;
    assert_eq!(before.len(), 3);
    assert!(!old.is_fenced(), "it has had nothing to commit");
    assert_fenced(old.collect_orphans(Duration::ZERO).await);
    assert_eq!(place.data_files().await, before);
    assert_fenced(old.collect_orphans(Duration::ZERO).await);

    assert_eq!(new.collect_orphans(Duration::ZERO).await.unwrap(), 1, "the newest engine does it");
    assert_eq!(times(&new).await, [1, 2]);
}

#[tokio::test]
async fn an_idle_engine_asks_whether_it_is_fenced() {
    let place = Place::new();
    let options =
        EngineOptions { upkeep_interval: Some(Duration::from_millis(1)), ..options(place.old.path()) };
    let clock = Arc::new(ManualClock::new(1_000));
    let old = Engine::open(options, place.store.clone(), clock).await.unwrap();
    let new = open(place.new.path(), &place.store).await;
    while !old.is_fenced() {
        tokio::task::yield_now().await;
    }
    new.create_database("db", None).await.unwrap();
}

#[tokio::test]
async fn a_fenced_engine_takes_no_writes_once_it_knows() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    let new = open(place.new.path(), &place.store).await;
    write(&old, 2).await; // it cannot know
    assert_fenced(old.check_is_newest().await);
    let refused = old.write(request("m,host=h a=3 3".into())).await;
    match &refused {
        Err(WriteError::Closed(reason)) => {
            assert!(reason.starts_with("another server has taken over this store"), "{reason}");
            assert_eq!(old.status().writes_refused.as_ref(), Some(reason));
        }
        other => panic!("{other:?}"),
    }
    assert_fenced(old.flush().await);
    assert_eq!(place.data_files().await.len(), 1, "it writes nothing that nobody needs");
    assert_eq!(times(&old).await, [1, 2], "queries are answered");
    assert_fenced(old.shutdown().await);
    write(&new, 4).await;
    assert_eq!(times(&new).await, [1, 4]);
}

/// Ends an engine as a crash does: nothing is flushed.
fn crash(engine: Arc<Engine>) {
    engine.writer().unwrap().wal.close().unwrap();
}

fn quarantined(folder: &TempDir) -> usize {
    std::fs::read_dir(folder.path().join("wal/quarantine")).map_or(0, Iterator::count)
}

/// The sequences of its records were given out once more, and are flushed.
#[tokio::test]
async fn what_only_an_old_log_has_is_kept_and_told_when_its_server_comes_back() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    write(&old, 2).await;
    write(&old, 3).await;
    crash(old);
    let new = open(place.new.path(), &place.store).await;
    assert_eq!(new.status().wal_damage, Vec::<String>::new());
    for time_ns in 4..9 {
        write(&new, time_ns).await;
    }
    new.shutdown().await.unwrap();
    drop(new);

    let mut strict = options(place.old.path());
    strict.wal.strict = true;
    let refused = Engine::open(strict, place.store.clone(), Arc::new(ManualClock::new(1_000))).await;
    assert!(matches!(refused, Err(EngineError::Wal(WalError::Foreign { .. }))), "{refused:?}");
    assert_eq!(quarantined(&place.old), 0);
    let old = open(place.old.path(), &place.store).await;
    assert_eq!(times(&old).await, [1, 4, 5, 6, 7, 8]);
    let damage = old.status().wal_damage;
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert!(
        damage[0].contains("records 2 to 3 may be in no file: another server has taken over"),
        "{damage:?}"
    );
    assert_eq!(quarantined(&place.old), 1);

    // From now on it is a log like any other.
    write(&old, 9).await;
    crash(old);
    let old = open(place.old.path(), &place.store).await;
    assert_eq!(old.status().wal_damage, Vec::<String>::new());
    assert_eq!(times(&old).await, [1, 4, 5, 6, 7, 8, 9]);
    // A server that is stopped in order leaves nothing in its log.
    old.shutdown().await.unwrap();
    drop(old);
    let new = open(place.new.path(), &place.store).await;
    assert_eq!(new.status().wal_damage, Vec::<String>::new());
    assert_eq!(times(&new).await, [1, 4, 5, 6, 7, 8, 9]);
    assert_eq!(quarantined(&place.new), 0);
}

/// Whoever refuses to start leaves the store to the server that has it.
#[tokio::test]
async fn a_strict_engine_that_refuses_to_start_fences_nobody() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    write(&old, 2).await;
    crash(old);
    let new = open(place.new.path(), &place.store).await;
    write(&new, 3).await;

    let mut strict = options(place.old.path());
    strict.wal.strict = true;
    let refused = Engine::open(strict, place.store.clone(), Arc::new(ManualClock::new(1_000))).await;
    assert!(matches!(refused, Err(EngineError::Wal(WalError::Foreign { .. }))), "{refused:?}");
    new.check_is_newest().await.unwrap();
    new.flush().await.unwrap();
    write(&new, 4).await;
    assert_eq!(times(&new).await, [1, 3, 4]);
}

/// The manifest names it before it has any record.
#[tokio::test]
async fn a_log_that_has_taken_over_counts_before_its_first_flush() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    write(&old, 2).await;
    crash(old);
    for time_ns in [3, 4] {
        let new = open(place.new.path(), &place.store).await;
        assert_eq!(new.status().wal_damage, Vec::<String>::new());
        write(&new, time_ns).await;
        crash(new);
    }
    let new = open(place.new.path(), &place.store).await;
    assert_eq!(new.status().wal_damage, Vec::<String>::new());
    assert_eq!(times(&new).await, [1, 3, 4]);
}

#[tokio::test]
async fn store_and_log_of_an_earlier_version_belong_together_from_the_first_start_on() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    write(&old, 2).await;
    crash(old);
    // As a version has left them that names no logs.
    let options = ManifestOptions::new(Arc::new(ManualClock::new(1_000)));
    let (manifest, state) = Manifest::open(place.store.clone(), options).await.unwrap();
    let flushed = Change::Flushed { through: state.flushed_through(), log: None };
    manifest.commit(vec![flushed], |_| Ok::<_, Infallible>(())).await.unwrap();
    for entry in std::fs::read_dir(place.old.path().join("wal")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "id") {
            std::fs::remove_file(path).unwrap();
        }
    }

    let old = open(place.old.path(), &place.store).await;
    assert_eq!(old.status().wal_damage, Vec::<String>::new());
    assert_eq!(times(&old).await, [1, 2]);
    assert_eq!(old.state().flushed_log(), Some(old.writer().unwrap().wal.id()));
    crash(old);
    drop(open(place.new.path(), &place.store).await);
    let old = open(place.old.path(), &place.store).await;
    assert_eq!((old.status().wal_damage.len(), quarantined(&place.old)), (1, 1));
    assert_eq!(times(&old).await, [1]);
}

/// As when the store's address is mistyped.
#[tokio::test]
async fn a_log_with_records_does_not_come_to_a_store_that_nothing_was_ever_written_to() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    write(&old, 2).await;
    crash(old);
    let mistyped = Store::from_object_store(Arc::new(InMemory::new()), "s3://mistyped");
    for strict in [false, true] {
        let mut options = options(place.old.path());
        options.wal.strict = strict;
        let refused = Engine::open(options, mistyped.clone(), Arc::new(ManualClock::new(1_000))).await;
        assert!(matches!(refused, Err(EngineError::Wal(WalError::NewStore { .. }))), "{refused:?}");
    }
    assert!(snapshot::is_absent(&mistyped).await.unwrap(), "nothing was made there");
    assert_eq!(quarantined(&place.old), 0);

    let old = open(place.old.path(), &place.store).await;
    assert_eq!(old.status().wal_damage, Vec::<String>::new());
    assert_eq!(times(&old).await, [1, 2]);
    // A log without records may begin a store.
    old.shutdown().await.unwrap();
    drop(old);
    drop(open(place.old.path(), &mistyped).await);
}

/// Its records say of which database they are by numbers, and those of a new store's databases are the same.
#[tokio::test]
async fn a_log_that_comes_to_a_store_in_memory_is_put_aside_and_named() {
    let place = Place::new();
    let old = place.old_with_a_file().await;
    write(&old, 2).await;
    crash(old);
    let other_store = Store::in_memory();
    let mut strict = options(place.old.path());
    strict.wal.strict = true;
    let refused = Engine::open(strict, other_store.clone(), Arc::new(ManualClock::new(1_000))).await;
    assert!(matches!(refused, Err(EngineError::Wal(WalError::Foreign { .. }))), "{refused:?}");
    assert!(snapshot::is_absent(&other_store).await.unwrap(), "nothing was made there");

    let new = open(place.old.path(), &other_store).await;
    let damage = new.status().wal_damage;
    assert_eq!((damage.len(), quarantined(&place.old)), (1, 1), "{damage:?}");
    assert!(damage[0].contains("records 2 to 2 came from another store"), "{damage:?}");
    new.create_database("db", None).await.unwrap();
    write(&new, 7).await;
    crash(new);
    let new = open(place.old.path(), &other_store).await;
    assert_eq!(new.status().wal_damage, Vec::<String>::new());
    assert_eq!(times(&new).await, [7]);
}

/// As when an old copy of the store's folder was put back.
#[tokio::test]
async fn records_of_a_database_that_an_older_store_never_had_do_not_get_into_another_one() {
    let place = Place::new();
    let objects = Arc::new(InMemory::new());
    let store = Store::from_object_store(objects.clone(), "memory");
    let engine = open(place.old.path(), &store).await;
    let older = Store::from_object_store(Arc::new(objects.fork()), "memory");
    engine.create_database("db", None).await.unwrap();
    write(&engine, 1).await;
    crash(engine);

    let mut strict = options(place.old.path());
    strict.wal.strict = true;
    let refused = Engine::open(strict, older.clone(), Arc::new(ManualClock::new(1_000))).await;
    let reason = refused.expect_err("it is strict").to_string();
    assert!(reason.contains("record 1 could not be applied: it is of retention policy 0, which"), "{reason}");

    let engine = open(place.old.path(), &older).await;
    engine.create_database("db", None).await.unwrap();
    write(&engine, 2).await;
    crash(engine);
    let engine = open(place.old.path(), &older).await;
    assert_eq!(times(&engine).await, [2]);
}

/// They were acknowledged, and a flush would let go of their segment.
#[tokio::test]
async fn records_that_an_older_store_never_had_are_put_aside_before_a_flush() {
    let place = Place::new();
    let objects = Arc::new(InMemory::new());
    let store = Store::from_object_store(objects.clone(), "memory");
    let engine = open(place.old.path(), &store).await;
    let older = Store::from_object_store(Arc::new(objects.fork()), "memory");
    engine.create_database("db", None).await.unwrap();
    write(&engine, 1).await;
    write(&engine, 2).await;
    crash(engine);

    // Nothing is flushed in between, so the second start finds them, too.
    for start in 1..=2 {
        let engine = open(place.old.path(), &older).await;
        let damage = engine.status().wal_damage;
        assert_eq!(damage.len(), 1, "start {start}: {damage:?}");
        let expected = "records 1 to 2 are of retention policies that the store never had";
        assert!(damage[0].contains(expected), "start {start}: {damage:?}");
        assert_eq!(quarantined(&place.old), 1, "start {start}: one copy");
        crash(engine);
    }
    let engine = open(place.old.path(), &older).await;
    engine.create_database("db", None).await.unwrap();
    write(&engine, 3).await;
    engine.flush().await.unwrap();
    assert_eq!(times(&engine).await, [3]);
    let mut aside = Vec::new();
    for source in salvage::sources(&salvage::quarantine_of(&place.old.path().join("wal"))).unwrap() {
        let read = source.read().unwrap();
        assert!(read.lost().is_empty());
        aside.extend(read.records().map(|record| record.sequence()));
    }
    assert_eq!(aside, [Sequence(1), Sequence(2)]);
}
