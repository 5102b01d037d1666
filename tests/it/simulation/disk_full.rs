//! The disk of the log fills up: writes are refused, everything else goes on, and so do writes when there is room again.

use super::faulty_files::{DiskFaults, FaultyDisk};
use super::faulty_store::FaultyStore;
use super::model::{Effect, Filter, Policy, Selection, Tables};
use super::reader::{DATABASE, read_all};
use super::request::request;
use super::run::{deletions, folder_in_memory, options};
use super::steps::{START_NS, Steps};
use fastrand::Rng;
use std::sync::Arc;
use tidegauge::clock::ManualClock;
use tidegauge::engine::{Engine, PolicySpec, WriteError};
use tidegauge::model::time::TimeRange;

/// More than the room that there is.
const LOW_WATER_BYTES: u64 = 2_000;

/// Requests that more than fill the room.
const REQUESTS: usize = 20;

#[tokio::test]
async fn a_full_disk_refuses_writes_and_nothing_else_until_there_is_room() {
    for room_bytes in [0, 100, 1_500] {
        for room_is_told in [true, false] {
            check(DiskFaults { room_bytes: Some(room_bytes), room_is_told, ..DiskFaults::default() }).await;
        }
    }
}

async fn check(full: DiskFaults) {
    let folder = folder_in_memory();
    let (disk, store) = (FaultyDisk::new(Rng::with_seed(1)), FaultyStore::new(1));
    let clock = Arc::new(ManualClock::new(START_NS));
    let options = || {
        let mut options = options(folder.path(), &disk);
        options.wal.disk_low_water_bytes = LOW_WATER_BYTES;
        options
    };
    let engine = Engine::open(options(), store.connect(), clock.clone()).await.unwrap();
    engine.create_database(DATABASE, None).await.unwrap();
    engine.create_policy(DATABASE, Policy::Short.name(), PolicySpec::default(), false).await.unwrap();
    let mut steps = Steps::new(Rng::with_seed(2));
    let mut expected = Tables::new();
    let mut write_some = async |count: usize, expected: &mut Tables| {
        let mut refused = 0;
        for _ in 0..count {
            let batch = steps.batch();
            match engine.write(request(&batch)).await {
                Ok(_) => Effect::Write(batch).apply(expected),
                Err(WriteError::DiskFull { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        refused
    };
    assert_eq!(write_some(REQUESTS, &mut expected).await, 0);

    disk.set(full.clone());
    assert!(write_some(REQUESTS, &mut expected).await > 0, "{full:?}");
    assert!(engine.status().writes_refused.is_some() || !full.room_is_told, "{full:?}");
    assert_eq!(read_all(&engine).await.unwrap(), expected, "{full:?}: reads go on");
    let selection = Selection {
        tables: vec![(Policy::Autogen, "m")],
        filter: Filter::Equal("host", "h1"),
        times: TimeRange::ALL,
    };
    engine.delete(&deletions(&engine, &selection)).await.unwrap();
    Effect::Delete(selection).apply(&mut expected);
    assert_eq!(read_all(&engine).await.unwrap(), expected, "{full:?}: deletions go on");

    disk.set(DiskFaults::default());
    assert_eq!(write_some(REQUESTS, &mut expected).await, 0, "{full:?}: writes go on without a restart");
    assert_eq!(engine.status().writes_refused, None);
    assert_eq!(read_all(&engine).await.unwrap(), expected);

    // A flush frees the log's part of the disk.
    disk.set(full.clone());
    assert!(write_some(REQUESTS, &mut expected).await > 0, "{full:?}");
    engine.flush().await.unwrap();
    assert_eq!(write_some(2, &mut expected).await, 0, "{full:?}: writes go on after a flush");
    assert_eq!(read_all(&engine).await.unwrap(), expected);

    store.crash();
    disk.crash(true);
    drop(engine);
    let engine = Engine::open(options(), store.connect(), clock).await.unwrap();
    assert!(engine.status().wal_damage.is_empty());
    assert_eq!(read_all(&engine).await.unwrap(), expected, "{full:?}: after a power loss");
}
