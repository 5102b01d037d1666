//! The power fails: what was acknowledged is there afterwards, whatever the disk had not written yet.

use super::faulty_files::FaultyDisk;
use super::faulty_store::FaultyStore;
use super::model::{Effect, Policy, Tables};
use super::reader::{DATABASE, read_all};
use super::request::request;
use super::run::{folder_in_memory, options};
use super::steps::{START_NS, Steps};
use fastrand::Rng;
use std::sync::Arc;
use tidegauge::clock::ManualClock;
use tidegauge::engine::{Engine, PolicySpec};

/// How often the power fails, each time with other losses.
const LOSSES: u64 = 30;

const WRITES_BETWEEN: usize = 10;

#[tokio::test]
async fn acknowledged_points_survive_the_loss_of_power() {
    let folder = folder_in_memory();
    let (disk, store) = (FaultyDisk::new(Rng::with_seed(5)), FaultyStore::new(5));
    let clock = Arc::new(ManualClock::new(START_NS));
    let mut steps = Steps::new(Rng::with_seed(6));
    let mut expected = Tables::new();
    for loss in 0..LOSSES {
        let engine =
            Engine::open(options(folder.path(), &disk), store.connect(), clock.clone()).await.unwrap();
        assert!(engine.status().wal_damage.is_empty(), "after {loss} losses: a torn end is no damage");
        if loss == 0 {
            engine.create_database(DATABASE, None).await.unwrap();
            engine.create_policy(DATABASE, Policy::Short.name(), PolicySpec::default(), false).await.unwrap();
        }
        assert_eq!(read_all(&engine).await.unwrap(), expected, "after {loss} losses");
        for written in 0..WRITES_BETWEEN {
            let batch = steps.batch();
            engine.write(request(&batch)).await.unwrap();
            Effect::Write(batch).apply(&mut expected);
            if loss % 3 == 1 && written == WRITES_BETWEEN / 2 {
                engine.flush().await.unwrap();
            }
        }
        store.crash();
        disk.crash(true);
        drop(engine);
    }
    assert!(!expected.is_empty(), "nothing was written: this test has tested nothing");
}
