//! Rows for subscriptions: those that were accepted, once, in the order of the log.

use super::{options, request};
use crate::catalog::SubscriptionSpec;
use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions, RowsRequest};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::subscription::SubscriptionMode;
use crate::object::Store;
use crate::outbox::{AcceptedWrite, Outbox, OutboxLimits, Outgoing};
use arrow::array::Float64Array;
use futures::FutureExt;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// An engine with an outbox, and the queues that are opened.
async fn open(directory: &Path, store: &Store) -> (Arc<Engine>, UnboundedReceiver<Outgoing>) {
    let (outbox, openings) = Outbox::new(OutboxLimits { writes_max: 100, bytes_max: 1 << 20 });
    let options = EngineOptions { outbox: Some(Arc::new(outbox)), ..options(directory) };
    let engine = Engine::open(options, store.clone(), Arc::new(ManualClock::new(1_000))).await.unwrap();
    (engine, openings)
}

fn spec(name: &str) -> SubscriptionSpec {
    let destinations = vec!["udp://127.0.0.1:9".to_owned()];
    SubscriptionSpec { name: name.to_owned(), mode: SubscriptionMode::All, destinations }
}

/// The next write that waits: table and times.
fn next(outgoing: &mut Outgoing) -> Option<Vec<(String, Vec<i64>)>> {
    let rows = |write: Arc<AcceptedWrite>| -> Vec<_> {
        write.tables.iter().map(|rows| (rows.table.to_string(), rows.times_ns.clone())).collect()
    };
    outgoing.next().now_or_never().flatten().map(rows)
}

fn table(name: &str, times_ns: &[i64]) -> Option<Vec<(String, Vec<i64>)>> {
    Some(vec![(name.to_owned(), times_ns.to_vec())])
}

#[tokio::test]
async fn accepted_rows_are_forwarded_and_no_others() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let (engine, mut openings) = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m f=0 0".into())).await.unwrap();
    engine.create_subscription("db", "autogen", &spec("s")).await.unwrap();
    let mut queue = openings.try_recv().expect("it is open when the statement is answered");
    assert_eq!((&*queue.target().database, &*queue.target().policy), ("db", "autogen"));

    engine.write(request("m f=1 1\nm f=\"text\" 2\nbad\nm f=3".into())).await.unwrap();
    assert_eq!(next(&mut queue), table("m", &[1, 1_000]), "the time is the server's");
    engine.write(request("m f=\"text\" 2".into())).await.unwrap();
    let tables = vec![TableRows {
        table: "n".into(),
        series: vec!["".into()],
        series_index: vec![0; 3],
        times_ns: vec![4, 5, 6],
        fields: vec![FieldColumn {
            name: "f".into(),
            values: Arc::new(Float64Array::from(vec![Some(1.0), None, Some(2.0)])),
        }],
    }];
    let rows = RowsRequest { database: "db".into(), policy: "autogen".into(), tables };
    engine.write_rows(rows).await.unwrap();
    assert_eq!(next(&mut queue), table("n", &[4, 6]), "without the row that has no field");
    for time in 10..30 {
        engine.write(request(format!("m f=1 {time}"))).await.unwrap();
    }
    for time in 10..30 {
        assert_eq!(next(&mut queue), table("m", &[time]), "in the order of the log");
    }
    assert_eq!(next(&mut queue), None);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_the_log_gives_back_is_not_forwarded_again() {
    let (directory, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let (engine, mut openings) = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    engine.create_subscription("db", "autogen", &spec("s")).await.unwrap();
    engine.write(request("m f=0 0".into())).await.unwrap();
    assert_eq!(next(&mut openings.try_recv().unwrap()), table("m", &[0]));
    drop(engine); // as after a crash: nothing is flushed
    let (engine, mut openings) = open(directory.path(), &store).await;
    let mut queue = openings.try_recv().expect("the subscription goes on");
    assert_eq!(next(&mut queue), None);
    engine.write(request("m f=1 1".into())).await.unwrap();
    assert_eq!(next(&mut queue), table("m", &[1]));

    engine.drop_policy("db", "autogen").await.unwrap();
    assert!(queue.ended().is_cancelled());
    assert!(engine.status().outbox.subscriptions.is_empty());
    engine.shutdown().await.unwrap();
}
