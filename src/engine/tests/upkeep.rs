//! Expiry, deletion made real, and what becomes of objects that nothing names.

use super::{Deleted, assert_compact, open, options, points, request};
use crate::clock::ManualClock;
use crate::engine::{CompactionOptions, Engine, EngineError, EngineOptions, PolicySpec};
use crate::model::database_image::DatabaseImage;
use crate::model::file::FileMeta;
use crate::model::limits::BATCH_ROWS;
use crate::model::time::{DAY_NS, HOUR_NS};
use crate::object::{Store, StoreOptions, layout};
use futures::{FutureExt, TryStreamExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

async fn data_files(store: &Store) -> usize {
    store.list(layout::DATA_FOLDER).try_collect::<Vec<_>>().await.unwrap().len()
}

/// An engine whose database keeps points for two days, and its clock.
async fn open_with_retention(directory: &Path, store: &Store, now_ns: i64) -> (Arc<Engine>, ManualClock) {
    let clock = ManualClock::new(now_ns);
    let engine = Engine::open(options(directory), store.clone(), Arc::new(clock.clone())).await.unwrap();
    let spec = PolicySpec { duration_ns: Some(2 * DAY_NS), ..PolicySpec::default() };
    engine.create_database("db", Some(spec)).await.unwrap();
    (engine, clock)
}

#[tokio::test]
async fn rows_that_have_expired_are_not_shown_and_their_files_go() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let (engine, clock) = open_with_retention(directory.path(), &store, 10 * DAY_NS).await;
    let refused = engine.write(request(format!("m,host=h a=1 {}", 8 * DAY_NS - 1))).await.unwrap();
    assert_eq!((refused.points_written, refused.points_dropped), (0, 1));
    engine
        .write(request(format!("m,host=h a=1 {}\nm,host=h a=2 {}", 9 * DAY_NS, 10 * DAY_NS)))
        .await
        .unwrap();
    engine.flush().await.unwrap();
    assert_eq!(data_files(&store).await, 2);
    let table = engine.state().tables().next().unwrap().id;
    let seen = |engine: &Engine| {
        let view = engine.read_view(table).unwrap().unwrap();
        (view.files.len(), view.expired_before_ns)
    };
    assert_eq!(seen(&engine), (2, Some(8 * DAY_NS)));

    clock.set(11 * DAY_NS + 1);
    assert_eq!(seen(&engine), (1, Some(9 * DAY_NS + 1)), "hidden at once");
    assert_eq!(engine.drop_dead_files().await.unwrap(), 1);
    assert_eq!(engine.status().file_count, 1);
    assert_eq!(engine.collect_unreferenced().await, 1);
    assert_eq!(data_files(&store).await, 1);
    assert_eq!(engine.visible_state().await.unwrap().tables().count(), 1);

    clock.set(13 * DAY_NS);
    engine.drop_dead_files().await.unwrap();
    assert_eq!(
        engine.visible_state().await.unwrap().tables().count(),
        0,
        "a table without rows is not shown"
    );
    engine.writer().unwrap().wal.close().unwrap();
    drop(engine);
    let engine = open(directory.path(), &store).await;
    assert_eq!(engine.visible_state().await.unwrap().tables().count(), 0, "nor after a restart");
}

#[tokio::test]
async fn buffered_rows_expire_too() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, clock) = open_with_retention(directory.path(), &Store::in_memory(), 10 * DAY_NS).await;
    engine.write(request(format!("m,host=h a=1 {}", 10 * DAY_NS))).await.unwrap();
    let table = engine.state().tables().next().unwrap().id;
    clock.set(12 * DAY_NS + 1);
    assert!(engine.read_view(table).unwrap().unwrap().chunks.is_empty());
}

#[tokio::test]
async fn deleting_gives_the_bytes_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    let row = |i: i64| format!("m,host=h{} a={i} {}\n", i % 3, i % 4 * DAY_NS + i);
    engine.write(request((0..30_000).map(row).collect())).await.unwrap();
    engine.flush().await.unwrap();
    engine.compact().await.unwrap();
    let before = engine.status().file_bytes;
    // All hosts of two days, then one host of the others.
    Deleted { host: None, days: (-1, 2) }.delete_from(&engine).await;
    Deleted { host: Some(1), days: (-1, 9) }.delete_from(&engine).await;
    let left = points(&engine).await;
    engine.compact().await.unwrap();
    assert_eq!(points(&engine).await, left);
    engine.flush().await.unwrap();
    let tombstones: usize = engine.state().tables_with_deletions().map(|(_, t)| t.len()).sum();
    assert_eq!(tombstones, 0, "nothing is left to delete");
    assert!(engine.status().file_bytes * 2 < before, "{} of {before}", engine.status().file_bytes);
    engine.collect_unreferenced().await;
    assert_eq!(data_files(&store).await, engine.status().file_count);
    engine.drop_database("db").await.unwrap();
    engine.collect_unreferenced().await;
    assert_eq!(data_files(&store).await, 0);
}

#[tokio::test]
async fn files_are_not_merged_where_the_disk_has_no_room_for_it_and_deleted_rows_are_removed_still() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("store");
    let store = Store::open(&StoreOptions::new(folder.to_str().unwrap())).unwrap();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    for value in 0..2 {
        let rows =
            (0..3).map(|host| format!("m,host=h{host} a={value} 1\nm,host=h{host} a={value} {DAY_NS}\n"));
        engine.write(request(rows.collect())).await.unwrap();
        engine.flush().await.unwrap();
    }
    engine.shutdown().await.unwrap();
    drop(engine);

    let mut no_room = options(directory.path());
    no_room.wal.disk_low_water_bytes = u64::MAX;
    let engine = Engine::open(no_room, store.clone(), Arc::new(ManualClock::new(1_000))).await.unwrap();
    let paths = |engine: &Engine| {
        let state = engine.state();
        state.files().map(|file| file.path.to_string()).collect::<Vec<_>>()
    };
    let before = paths(&engine);
    let refused = engine.compact().await;
    assert!(matches!(refused, Err(EngineError::NoRoom { .. })), "{refused:?}");
    assert_eq!(engine.status().compaction_failures, 0, "it waits");
    assert_eq!(paths(&engine), before);
    assert_eq!(data_files(&store).await, before.len(), "nothing was written");
    Deleted { host: Some(1), days: (-1, 9) }.delete_from(&engine).await;
    engine.compact().await.unwrap();
    assert!(paths(&engine).iter().all(|path| !before.contains(path)));
    assert_eq!(points(&engine).await.len(), 4);
}

#[tokio::test]
async fn a_deletion_that_hits_nothing_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Store::in_memory()).await;
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m,host=h0 a=1 5".into())).await.unwrap();
    engine.flush().await.unwrap();
    let path = |engine: &Engine| engine.state().files().next().unwrap().path.clone();
    let before = path(&engine);
    Deleted { host: Some(1), days: (-1, 1) }.delete_from(&engine).await;
    engine.compact().await.unwrap();
    assert_eq!(path(&engine), before);
    engine.collect_unreferenced().await;
    assert_eq!(points(&engine).await.len(), 1, "the file is there still");
    assert_eq!(engine.state().tables_with_deletions().map(|(_, t)| t.len()).sum::<usize>(), 0);
}

#[tokio::test]
async fn objects_stay_while_a_reader_has_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    for value in 0..2 {
        engine.write(request(format!("m,host=h a={value} 1"))).await.unwrap();
        engine.flush().await.unwrap();
    }
    let table = engine.state().tables().next().unwrap().id;
    let view = engine.read_view(table).unwrap().unwrap();
    engine.compact().await.unwrap();
    assert_eq!(engine.collect_unreferenced().await, 0);
    for file in view.files.iter() {
        engine.open_file(file.clone()).await.unwrap();
    }
    drop(view);
    assert_eq!(engine.collect_unreferenced().await, 2);
    assert_eq!(data_files(&store).await, 1);
}

#[tokio::test]
async fn objects_stay_while_a_reader_has_them_by_an_earlier_entry() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m,host=h0 a=1 5".into())).await.unwrap();
    engine.flush().await.unwrap();
    let table = engine.state().tables().next().unwrap().id;
    let view = engine.read_view(table).unwrap().unwrap();
    // It hits nothing, so the file stays, and gets another entry.
    Deleted { host: Some(1), days: (-1, 1) }.delete_from(&engine).await;
    engine.compact().await.unwrap();
    assert!(!Arc::ptr_eq(&view.files[0], engine.state().files().next().unwrap()));
    engine.drop_measurement("db", "m").await.unwrap();
    assert_eq!(engine.collect_unreferenced().await, 0);
    engine.open_file(view.files[0].clone()).await.unwrap();
    drop(view);
    assert_eq!(engine.collect_unreferenced().await, 1);
    assert_eq!(data_files(&store).await, 0);
}

#[tokio::test]
async fn orphans_are_deleted_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m,host=h a=1 1".into())).await.unwrap();
    engine.flush().await.unwrap();
    store.put("data/0/0/0/0/orphan.parquet", "left behind by a crash".into()).await.unwrap();
    assert_eq!(
        engine.collect_orphans(Duration::from_secs(3_600)).await.unwrap(),
        0,
        "it may be about to be named"
    );
    assert_eq!(engine.collect_orphans(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(points(&engine).await.len(), 1);
}

/// A restore that takes long adopts files that are old enough to be orphans.
#[tokio::test]
async fn a_file_that_is_adopted_in_the_meantime_is_no_orphan() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m,host=h a=1 1".into())).await.unwrap();
    engine.flush().await.unwrap();
    let mut image = DatabaseImage::of(&engine.state(), "db").unwrap();
    let file = image.files.pop().unwrap();
    let bytes = store.get(&file.path).await.unwrap();
    let path = engine.put_adoptable_file(file.window.start_ns, bytes).await.unwrap();
    image.files.push(Arc::new(FileMeta { path: path.as_str().into(), ..FileMeta::clone(&file) }));

    // Both wait, the adoption first; by then the file is on the list of orphans.
    let orphans = engine.orphans_lock.lock().await;
    let mut adopting = Box::pin(engine.adopt_database("copy", &image));
    assert!(adopting.as_mut().now_or_never().is_none());
    let mut collecting = Box::pin(engine.collect_orphans(Duration::ZERO));
    assert!(collecting.as_mut().now_or_never().is_none());
    drop(orphans);
    adopting.await.unwrap();
    assert_eq!(collecting.await.unwrap(), 0);
    assert!(store.exists(&path).await.unwrap());
    assert_eq!(engine.status().file_count, 2);
}

/// Each edit is a round trip to the store, and a place in the log.
#[tokio::test]
async fn many_small_jobs_are_one_edit_and_one_that_fails_is_left_out() {
    const TABLES: usize = 30;
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let options = EngineOptions {
        compaction: CompactionOptions {
            // For ever: what waits is shown when no other job is left.
            edit_wait: Duration::from_secs(3_600),
            ..CompactionOptions::default()
        },
        ..options(directory.path())
    };
    let engine = Engine::open(options, store.clone(), Arc::new(ManualClock::new(1_000))).await.unwrap();
    engine.create_database("db", None).await.unwrap();
    for value in 0..2 {
        let rows = (0..TABLES).map(|table| format!("m{table},host=h a={value} 1\n"));
        engine.write(request(rows.collect())).await.unwrap();
        engine.flush().await.unwrap();
    }
    let lost = engine.state().files().next().unwrap().path.to_string();
    let bytes = store.get(&lost).await.unwrap();
    store.delete(&lost).await.unwrap();
    let manifest = &engine.writer().unwrap().manifest;
    let before = manifest.number().await;
    engine.compact().await.unwrap_err();
    let status = engine.status();
    assert_eq!((status.compactions, status.compaction_failures), (TABLES as u64 - 1, 1));
    assert_eq!(status.file_count, TABLES + 1);
    assert_eq!(manifest.number().await, before + 1);

    store.put(&lost, bytes).await.unwrap();
    engine.compact().await.unwrap();
    assert_eq!((engine.status().file_count, manifest.number().await), (TABLES, before + 2));
    assert_eq!(engine.collect_unreferenced().await, 2 * TABLES);
    assert_eq!(data_files(&store).await, TABLES);
}

#[tokio::test]
async fn large_results_are_cut_between_series() {
    let directory = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        compaction: CompactionOptions { file_bytes: 64 << 10, ..CompactionOptions::default() },
        ..options(directory.path())
    };
    let engine = Engine::open(options, Store::in_memory(), Arc::new(ManualClock::new(DAY_NS))).await.unwrap();
    engine.create_database("db", None).await.unwrap();
    for part in 0..2_i64 {
        let row = |i: i64| {
            let noise = i.wrapping_mul(6_364_136_223_846_793_005) >> 20;
            format!("m,host=h{} a={noise} {}\n", i % 20, (i * 2 + part) * HOUR_NS / 100_000)
        };
        engine.write(request((0..60_000).map(row).collect())).await.unwrap();
        engine.flush().await.unwrap();
    }
    engine.compact().await.unwrap();
    let state = engine.state();
    let files: Vec<_> = state.files().collect();
    assert!(files.len() > 3, "{}", files.len());
    let mut series: Vec<_> =
        files.iter().map(|file| (file.series_min.clone(), file.series_max.clone())).collect();
    series.sort();
    assert!(series.windows(2).all(|pair| pair[0].1 < pair[1].0), "{series:?}");
    assert_eq!(files.iter().map(|file| file.row_count).sum::<u64>(), 120_000);
    assert_eq!(points(&engine).await.len(), 120_000);
}

/// As it was found: more than 16 files of one age were written anew without the newer one, again and again.
#[tokio::test]
async fn a_window_of_many_files_takes_in_what_is_newer() {
    const HOSTS: i64 = 20;
    /// A file that is large enough ends with its series, once a batch of the merge is in it.
    const TIMES: i64 = BATCH_ROWS as i64 + 8;
    let directory = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        compaction: CompactionOptions {
            file_bytes: 1,
            quiet: Duration::ZERO,
            work_share: 1.0,
            ..CompactionOptions::default()
        },
        ..options(directory.path())
    };
    let engine = Engine::open(options, Store::in_memory(), Arc::new(ManualClock::new(DAY_NS))).await.unwrap();
    engine.create_database("db", None).await.unwrap();
    let row = |i: i64| format!("m,host=h{:02} a={i} {}\n", i % HOSTS, i / HOSTS);
    engine.write(request((0..HOSTS * TIMES).map(row).collect())).await.unwrap();
    engine.flush().await.unwrap();
    for round in 1..=2 {
        let newer = |host: i64| format!("m,host=h{host:02} a={round} 5\n");
        engine.write(request((0..HOSTS).map(newer).collect())).await.unwrap();
        engine.flush().await.unwrap();
        assert_eq!(engine.compact_gently().await.unwrap(), 1, "round {round}");
        assert_eq!(engine.compact_gently().await.unwrap(), 0, "round {round}: it is done");
        assert_compact(&engine);
        assert!(engine.status().file_count > 16, "{}", engine.status().file_count);
    }
    let row_count: u64 = engine.state().files().map(|file| file.row_count).sum();
    assert_eq!(row_count, (HOSTS * TIMES) as u64);
    let found = points(&engine).await;
    assert_eq!(found.len() as u64, row_count);
    assert_eq!(found[&("h03".to_owned(), 7)], [Some(143), None], "as it was");
    assert!(
        (0..HOSTS).all(|host| found[&(format!("h{host:02}"), 5)] == [Some(2), None]),
        "the newest values"
    );
}
