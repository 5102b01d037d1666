//! What is run, in which order, and what becomes of failures; the time is given.

use super::{ContinuousQueries, RunInto};
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions};
use crate::object::Store;
use crate::query::{QueryEngine, QueryOptions};
use crate::server::{AppState, HttpSettings};
use futures::FutureExt;
use parking_lot::Mutex;
use std::sync::Arc;
use tempfile::TempDir;

const MINUTE_NS: i64 = 60_000_000_000;

/// An engine with continuous queries, and what was run.
struct Stage {
    engine: Arc<Engine>,
    queries: ContinuousQueries,
    ran: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl Stage {
    /// The database `d` is there. A statement that reads `bad` fails, and one that reads `bug` panics.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = EngineOptions::new(folder.path().join("wal"));
        options.wal.disk_low_water_bytes = 0;
        let engine = Engine::open(options, Store::in_memory(), Arc::new(ManualClock::new(0))).await.unwrap();
        engine.create_database("d", None).await.unwrap();
        let query = QueryEngine::new(engine.clone(), QueryOptions::default()).unwrap();
        let app = AppState::new(engine.clone(), Arc::new(query), HttpSettings::default());
        let ran = Arc::new(Mutex::new(Vec::new()));
        let log = ran.clone();
        let run_into: RunInto = Box::new(move |statement, context| {
            let text = statement.to_string();
            log.lock().push(format!("{} {text}", context.database.unwrap_or_default()));
            async move {
                assert!(!text.contains("bug"), "a bug");
                if text.contains("bad") { Err("it is bad".to_owned()) } else { Ok(()) }
            }
            .boxed()
        });
        let queries = ContinuousQueries::new(engine.clone(), app.metrics.clone(), run_into, None);
        Self { engine, queries, ran, _folder: folder }
    }

    async fn create(&self, name: &str, select: &str) {
        let text = format!("CREATE CONTINUOUS QUERY {name} ON d BEGIN {select} END");
        self.engine.create_continuous_query("d", name, &text).await.unwrap();
    }

    /// What is run at a minute.
    async fn tick(&mut self, minute: i64) -> Vec<String> {
        self.queries.tick(minute * MINUTE_NS).await;
        std::mem::take(&mut *self.ran.lock())
    }

    fn counts(&self) -> (u64, u64) {
        let metrics = &self.queries.metrics;
        (metrics.continuous_queries_ok.get(), metrics.continuous_queries_failed.get())
    }
}

fn ran(source: &str, interval: &str, (start, end): (i64, i64)) -> String {
    let (start, end) = (start * MINUTE_NS, end * MINUTE_NS);
    format!(
        "d SELECT mean(f) INTO t FROM {source} WHERE time >= {start} AND time < {end} GROUP BY time({interval})"
    )
}

#[tokio::test]
async fn each_query_runs_when_it_is_due() {
    let mut stage = Stage::new().await;
    stage.create("a", "SELECT mean(f) INTO t FROM a GROUP BY time(10m)").await;
    stage.create("b", "SELECT mean(f) INTO t FROM b GROUP BY time(15m)").await;
    assert_eq!(stage.tick(1).await, [""; 0], "no bucket is over");
    assert_eq!(stage.tick(9).await, [""; 0]);
    assert_eq!(stage.tick(10).await, [ran("a", "10m", (0, 10))]);
    assert_eq!(stage.tick(10).await, [""; 0], "once");
    assert_eq!(stage.tick(15).await, [ran("b", "15m", (0, 15))]);
    assert_eq!(stage.tick(30).await, [ran("a", "10m", (10, 30)), ran("b", "15m", (15, 30))]);
    assert_eq!(stage.counts(), (4, 0));
}

#[tokio::test]
async fn one_that_fails_does_not_stop_the_others() {
    let mut stage = Stage::new().await;
    stage.create("a", "SELECT mean(f) INTO t FROM bad GROUP BY time(10m)").await;
    stage.create("b", "SELECT mean(f) INTO t FROM bug GROUP BY time(10m)").await;
    stage.create("c", "no continuous query").await;
    stage.create("d", "SELECT f INTO t FROM raw").await;
    stage.create("e", "SELECT mean(f) INTO t FROM good GROUP BY time(10m)").await;
    let all = |from, to| ["bad", "bug", "good"].map(|source| ran(source, "10m", (from, to)));
    assert_eq!(stage.tick(10).await, all(0, 10));
    assert_eq!(stage.counts(), (1, 2));
    assert_eq!(stage.tick(11).await, [""; 0], "a failed run is not repeated");
    assert_eq!(stage.tick(20).await, all(10, 20));
    assert_eq!(stage.counts(), (2, 4));
}

#[tokio::test]
async fn a_dropped_query_is_forgotten() {
    let mut stage = Stage::new().await;
    stage.create("a", "SELECT mean(f) INTO t FROM a GROUP BY time(10m)").await;
    assert_eq!(stage.tick(10).await.len(), 1);
    stage.engine.drop_continuous_query("d", "a").await.unwrap();
    assert_eq!(stage.tick(20).await, [""; 0]);
    // Another one of the same name begins anew: what passed before is not made up for.
    stage.create("a", "SELECT mean(f) INTO t FROM b GROUP BY time(10m)").await;
    assert_eq!(stage.tick(45).await, [""; 0]);
    assert_eq!(stage.tick(50).await, [ran("b", "10m", (40, 50))]);
    // Also when the drop went unseen.
    stage.engine.drop_continuous_query("d", "a").await.unwrap();
    stage.create("a", "SELECT mean(f) INTO t FROM c GROUP BY time(10m)").await;
    assert_eq!(stage.tick(85).await, [""; 0]);
    assert_eq!(stage.tick(90).await, [ran("c", "10m", (80, 90))]);
}

#[tokio::test]
async fn a_dropped_database_takes_its_queries_along() {
    let mut stage = Stage::new().await;
    stage.create("a", "SELECT mean(f) INTO t FROM a GROUP BY time(10m)").await;
    stage.engine.drop_database("d").await.unwrap();
    stage.engine.create_database("d", None).await.unwrap();
    assert_eq!(stage.tick(10).await, [""; 0]);
}
