//! Engines that only read what another engine writes.

use super::{Deleted, Points, open, options, points, request};
use crate::clock::ManualClock;
use crate::config::Secret;
use crate::engine::{
    Deletion, Engine, EngineError, PolicyChange, PolicySpec, RightsChange, RowsRequest, WriteError,
};
use crate::model::ids::TableId;
use crate::model::time::TimeRange;
use crate::model::tombstone::SeriesFilter;
use crate::object::faulty_store::{Fault, FaultyStore};
use crate::object::{Store, layout};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An engine that looks for what is new only when it is told to.
async fn open_read_only(directory: &Path, store: &Store) -> Arc<Engine> {
    let mut options = options(directory);
    options.follow_interval = None;
    Engine::open_read_only(options, store.clone(), Arc::new(ManualClock::new(1_000))).await.unwrap()
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, EngineError>) {
    assert!(matches!(outcome, Err(EngineError::ReadOnly)), "{outcome:?}");
}

/// The points that a reader sees, none before the database is there.
async fn seen(engine: &Arc<Engine>) -> Points {
    if engine.state().database("db").is_none() { Points::new() } else { points(engine).await }
}

#[tokio::test]
async fn a_reader_shows_what_is_flushed_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let early = open_read_only(directory.path(), &store).await;
    assert!(!early.refresh().await.unwrap(), "nothing is there yet");
    let writer = open(directory.path(), &store).await;
    writer.create_database("db", None).await.unwrap();
    let late = open_read_only(directory.path(), &store).await;
    let check = async |expected: &Points| {
        for reader in [&early, &late] {
            reader.refresh().await.unwrap();
            assert_eq!(&seen(reader).await, expected);
        }
    };
    writer.write(request("m,host=h1 a=1 1\nm,host=h2 b=2 2".into())).await.unwrap();
    check(&Points::new()).await;
    writer.flush().await.unwrap();
    let flushed = points(&writer).await;
    assert_eq!(flushed.len(), 2);
    check(&flushed).await;

    writer.write(request("m,host=h2,only_new=x a=3 2".into())).await.unwrap();
    writer.write(request("m,host=h3 a=4 3".into())).await.unwrap();
    check(&flushed).await;
    writer.flush().await.unwrap();
    check(&points(&writer).await).await;
    Deleted { host: Some(1), days: (-1, 1) }.delete_from(&writer).await;
    writer.compact().await.unwrap();
    check(&points(&writer).await).await;

    writer.drop_measurement("db", "m").await.unwrap();
    check(&Points::new()).await;
    writer.write(request("m,host=again a=5 1".into())).await.unwrap();
    writer.flush().await.unwrap();
    check(&points(&writer).await).await;
    assert_eq!(early.status().table_count, 1, "a table of the same name is another one");
    writer.drop_database("db").await.unwrap();
    check(&Points::new()).await;
    assert_eq!(early.status().follows.unwrap().edit_number, early.seen_edits());
    assert_eq!(early.seen_edits(), late.seen_edits());
}

#[tokio::test]
async fn a_reader_opens_no_log_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let inner = Arc::new(InMemory::new());
    let writer = open(directory.path(), &Store::from_object_store(inner.clone(), "memory")).await;
    writer.create_database("db", None).await.unwrap();
    writer.write(request("m,host=h a=1 1".into())).await.unwrap();
    writer.flush().await.unwrap();

    let faulty = FaultyStore::new(inner);
    faulty.plan(|operation, path| {
        assert!(matches!(operation, "get" | "list"), "{operation} {path}");
        Fault::None
    });
    let elsewhere = tempfile::tempdir().unwrap();
    let engine =
        open_read_only(elsewhere.path(), &Store::from_object_store(Arc::new(faulty), "faulty")).await;
    assert_eq!(points(&engine).await.len(), 1);
    let table: TableId = engine.state().tables().next().unwrap().id;

    let written = engine.write(request("m,host=h a=2 1".into())).await;
    assert!(matches!(written, Err(WriteError::ReadOnly)), "{written:?}");
    let rows = RowsRequest { database: "db".into(), policy: "autogen".into(), tables: Vec::new() };
    let written = engine.write_rows(rows).await;
    assert!(matches!(written, Err(WriteError::ReadOnly)), "{written:?}");
    let password = || Secret::new("x");
    refused(engine.flush().await);
    refused(engine.cut().await);
    refused(engine.compact().await);
    refused(engine.drop_dead_files().await);
    refused(engine.collect_orphans(Duration::ZERO).await);
    refused(engine.put_adoptable_file(0, "x".into()).await);
    refused(engine.upload_adoptable_file(0));
    let deletion = Deletion { table, times: TimeRange::ALL, series: SeriesFilter::all() };
    refused(engine.delete(&[deletion]).await);
    refused(engine.create_database("other", None).await);
    refused(engine.drop_database("db").await);
    refused(engine.drop_database("there is none").await);
    refused(engine.create_policy("db", "p", PolicySpec::default(), false).await);
    refused(engine.alter_policy("db", "autogen", PolicyChange::default()).await);
    refused(engine.drop_policy("db", "autogen").await);
    refused(engine.drop_measurement("db", "m").await);
    refused(engine.create_continuous_query("db", "c", "x").await);
    refused(engine.drop_continuous_query("db", "c").await);
    refused(engine.create_user("u", password(), true).await);
    refused(engine.set_password("u", password()).await);
    refused(engine.drop_user("u").await);
    refused(engine.change_rights("u", &RightsChange::Admin(true)).await);
    assert_eq!(engine.status().writes_refused.unwrap(), EngineError::ReadOnly.to_string());

    engine.shutdown().await.unwrap();
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing was made");
    writer.write(request("m,host=h a=2 1".into())).await.unwrap();
    writer.flush().await.unwrap();
}

/// What the writer has compacted and deleted is missing for a reader with an old view, and there in the next.
#[tokio::test]
async fn a_refreshed_reader_finds_the_files_that_took_the_places_of_deleted_ones() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let writer = open(directory.path(), &store).await;
    writer.create_database("db", None).await.unwrap();
    for time in 0..4 {
        writer.write(request(format!("m,host=h a=1 {time}"))).await.unwrap();
        writer.flush().await.unwrap();
    }
    let reader = open_read_only(directory.path(), &store).await;
    writer.compact().await.unwrap();
    assert_eq!(writer.collect_unreferenced().await, 4);
    let table = reader.state().tables().next().unwrap().id;
    for file in reader.read_view(table).unwrap().unwrap().files.iter() {
        reader.open_file(file.clone()).await.expect_err("it is deleted");
    }
    assert!(reader.refresh().await.unwrap());
    assert_eq!(points(&reader).await, points(&writer).await);
    assert_eq!(store.list(layout::DATA_FOLDER).try_collect::<Vec<_>>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_that_cannot_read_on_says_so_and_shows_what_it_knows() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let writer = open(directory.path(), &store).await;
    writer.create_database("db", None).await.unwrap();
    writer.write(request("m,host=h a=1 1".into())).await.unwrap();
    writer.flush().await.unwrap();
    let reader = open_read_only(directory.path(), &store).await;
    let seen = reader.seen_edits();
    writer.create_database("other", None).await.unwrap();
    let path = layout::edit(seen + 1);
    let whole = store.get(&path).await.unwrap();
    store.put(&path, "rubbish".into()).await.unwrap();
    reader.refresh().await.unwrap_err();
    let follows = reader.status().follows.unwrap();
    assert_eq!(follows.edit_number, seen);
    assert!(follows.failure.as_ref().is_some_and(|failure| failure.contains(&path)), "{follows:?}");
    assert_eq!(points(&reader).await.len(), 1);
    store.put(&path, whole).await.unwrap();
    assert!(reader.refresh().await.unwrap());
    assert_eq!(reader.status().follows.unwrap().failure, None);
}
