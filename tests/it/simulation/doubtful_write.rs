//! A write fails with the log, and its rows may be there after the next start; a deletion that is acknowledged in between holds for
//! them as well.

use super::faulty_files::{DiskFaults, FaultyDisk};
use super::faulty_store::FaultyStore;
use super::model::{Batch, Filter, Point, Policy, Selection, Tables};
use super::points::{Series, Value};
use super::reader::{DATABASE, read_all};
use super::request::request;
use super::run::{deletions, folder_in_memory, options};
use super::steps::START_NS;
use fastrand::Rng;
use std::sync::Arc;
use tidegauge::clock::ManualClock;
use tidegauge::engine::Engine;
use tidegauge::model::time::TimeRange;

fn write_at(time_ns: i64) -> Batch {
    let series = Series::default().with("host", "h1");
    let fields = [("i", Value::Integer(time_ns))].into();
    Batch { policy: Policy::Autogen, points: vec![Point { measurement: "m", series, time_ns, fields }] }
}

#[tokio::test]
async fn a_deletion_holds_for_rows_of_a_write_that_failed_before_it() {
    for is_deleted in [true, false] {
        let folder = folder_in_memory();
        let (disk, store) = (FaultyDisk::new(Rng::with_seed(1)), FaultyStore::new(1));
        let clock = Arc::new(ManualClock::new(START_NS));
        let open = || Engine::open(options(folder.path(), &disk), store.connect(), clock.clone());
        let engine = open().await.unwrap();
        engine.create_database(DATABASE, None).await.unwrap();
        engine.write(request(&write_at(START_NS))).await.unwrap();
        disk.set(DiskFaults { sync_fails: true, ..DiskFaults::default() });
        engine.write(request(&write_at(START_NS + 10))).await.unwrap_err();
        if is_deleted {
            let selection = Selection {
                tables: vec![(Policy::Autogen, "m")],
                filter: Filter::All,
                // Nothing that is known has these times.
                times: TimeRange::new(START_NS + 1, TimeRange::ALL.end_ns),
            };
            engine.delete(&deletions(&engine, &selection)).await.unwrap();
        }

        // The process dies; what it wrote is with the operating system.
        store.crash();
        disk.crash(false);
        drop(engine);
        disk.set(DiskFaults::default());
        let found: Tables = read_all(&open().await.unwrap()).await.unwrap();
        let times: Vec<i64> =
            found.values().flat_map(|rows| rows.keys().map(|(_, time_ns)| *time_ns)).collect();
        let expected = if is_deleted { vec![START_NS] } else { vec![START_NS, START_NS + 10] };
        assert_eq!(times, expected, "deleted: {is_deleted}");
    }
}
