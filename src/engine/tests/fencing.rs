//! Two engines on one store, each with a log of its own: the one that opened it last writes.

use super::{open, options, points, request};
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineError, EngineOptions};
use crate::manifest::ManifestError;
use crate::object::{Store, layout};
use futures::TryStreamExt;
use std::collections::BTreeSet;
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
