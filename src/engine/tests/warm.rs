//! What is read ahead after a start.

use super::{DAY_NS, open, options, points, request};
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions};
use crate::object::faulty_store::{Fault, FaultyStore};
use crate::object::{Store, layout};
use std::path::Path;
use std::sync::Arc;

/// A store far away, which keeps what it has read. Each has a memory of its own.
fn distant(faulty: &FaultyStore) -> Store {
    Store::from_object_store(Arc::new(faulty.clone()), "s3://bucket").cached(1 << 30)
}

/// An engine that has read ahead.
async fn open_warm(directory: &Path, store: Store, warm_bytes: u64) -> Arc<Engine> {
    let options = EngineOptions { warm_bytes, ..options(directory) };
    let engine = Engine::open(options, store, Arc::new(ManualClock::new(1_000))).await.unwrap();
    if let Some(warming) = engine.warming() {
        warming.await;
    }
    engine
}

/// Points of the second file: their values take more than one block of the cache.
const LATER_POINTS: usize = 300_000;

/// Two files in a store, of which the second has later points.
async fn write_two_files(directory: &Path, faulty: &FaultyStore) {
    let writer = open(directory, &distant(faulty)).await;
    writer.create_database("db", None).await.unwrap();
    writer.write(request("m,host=h1 a=1 1".into())).await.unwrap();
    writer.flush().await.unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let lines =
        (0..LATER_POINTS as i64).map(|i| format!("m,host=h1 a={} {}", random.f64(), 100 * DAY_NS + i));
    writer.write(request(lines.collect::<Vec<_>>().join("\n"))).await.unwrap();
    writer.flush().await.unwrap();
    writer.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_was_read_ahead_needs_no_store() {
    let (directory, faulty) = (tempfile::tempdir().unwrap(), FaultyStore::new(Arc::default()));
    write_two_files(directory.path(), &faulty).await;
    let engine = open_warm(directory.path(), distant(&faulty), 1 << 30).await;
    faulty.plan(|_, path| match path.starts_with(layout::DATA_FOLDER) {
        true => Fault::Before,
        false => Fault::None,
    });
    assert_eq!(points(&engine).await.len(), 1 + LATER_POINTS);
}

#[tokio::test]
async fn the_newest_files_are_read_ahead_and_no_more_bytes_than_are_allowed() {
    let (directory, faulty) = (tempfile::tempdir().unwrap(), FaultyStore::new(Arc::default()));
    write_two_files(directory.path(), &faulty).await;
    let cold = open_warm(directory.path(), distant(&faulty), 0).await;
    let sizes: Vec<u64> = cold.state().files().map(|file| file.size_bytes).collect();
    assert_eq!(cold.status().store_cache.unwrap().bytes_kept, 0);
    cold.shutdown().await.unwrap();
    drop(cold);
    let [_, newest] = sizes[..] else { panic!("{sizes:?}") };
    assert!(newest > 1 << 20, "{newest}");
    let store = distant(&faulty);
    let engine = open_warm(directory.path(), store, newest).await;
    let status = engine.status().store_cache.unwrap();
    assert_eq!(status.bytes_fetched, newest);
}
