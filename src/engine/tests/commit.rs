//! Commits whose answer was lost: made or not, they are settled before anything else is changed, and made once.

use super::{Deleted, Points, open, options, points, request};
use crate::clock::ManualClock;
use crate::engine::commit::Effect;
use crate::engine::{Engine, EngineError};
use crate::manifest::{ManifestError, inspect};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::change::Change;
use crate::model::database_image::DatabaseImage;
use crate::model::ids::DatabaseId;
use crate::object::faulty_store::{Fault, FaultyStore};
use crate::object::{Store, layout};
use arrow::array::Int64Array;
use futures::{FutureExt, TryStreamExt};
use object_store::memory::InMemory;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// What may have happened to an edit that got no answer.
const FAULTS: [Fault; 2] = [Fault::Before, Fault::After];

/// An engine over a store that can lose answers.
struct Lossy {
    engine: Arc<Engine>,
    faulty: FaultyStore,
    inner: Arc<InMemory>,
    directory: TempDir,
}

impl Lossy {
    /// An engine with the database `db`.
    async fn open() -> Self {
        Self::open_with(Duration::from_millis(1)).await
    }

    /// The same, which waits for so long, and then longer, before it tries an edit again.
    async fn open_with(commit_backoff: Duration) -> Self {
        let inner = Arc::new(InMemory::new());
        let faulty = FaultyStore::new(inner.clone());
        let directory = tempfile::tempdir().unwrap();
        let mut options = options(directory.path());
        options.commit_backoff = commit_backoff;
        let store = Store::from_object_store(Arc::new(faulty.clone()), "faulty");
        let engine = Engine::open(options, store, Arc::new(ManualClock::new(1_000))).await.unwrap();
        engine.create_database("db", None).await.unwrap();
        Self { engine, faulty, inner, directory }
    }

    /// From now on edits of the manifest meet `fault`, and nobody can find out what became of them.
    fn break_log(&self, fault: Fault) {
        self.faulty.plan(move |operation, path| match operation {
            _ if !path.starts_with(layout::LOG_FOLDER) => Fault::None,
            "put" => fault,
            _ => Fault::Before,
        });
    }

    fn mend(&self) {
        self.faulty.plan(|_, _| Fault::None);
    }

    fn store(&self) -> Store {
        Store::from_object_store(self.inner.clone(), "memory")
    }

    async fn write(&self, host: u8, value: u32, time: i64) {
        let outcome = self.engine.write(request(format!("m,host=h{host} a={value} {time}"))).await.unwrap();
        assert_eq!(outcome.points_written, 1);
    }

    async fn is_unsettled(&self) -> bool {
        self.engine.unsettled.lock().await.is_some()
    }

    /// The same points are there now, and after a crash, and in the manifest and log alone.
    async fn check(self, expected: &Points) {
        assert!(!self.is_unsettled().await);
        assert_eq!(&points(&self.engine).await, expected);
        let store = self.store();
        self.engine.writer().unwrap().wal.close().unwrap();
        drop(self.engine);
        let again = open(self.directory.path(), &store).await;
        assert_eq!(&points(&again).await, expected, "after a crash");
        again.flush().await.unwrap();
        assert_eq!(&points(&again).await, expected, "flushed");
    }

    async fn edit_count(&self) -> usize {
        inspect::inspect(&self.store()).await.unwrap().edits.len()
    }
}

/// Points of field `a`: host, time and value of each.
fn expected<const N: usize>(points: [(u8, i64, u32); N]) -> Points {
    points.into_iter().map(|(host, time, value)| ((format!("h{host}"), time), [Some(value), None])).collect()
}

fn assert_lost<T: std::fmt::Debug>(outcome: Result<T, EngineError>) {
    let is_lost = matches!(outcome, Err(EngineError::Manifest(ManifestError::Store(_))));
    assert!(is_lost, "{outcome:?}");
}

#[tokio::test]
async fn a_lost_catalog_change_is_made_once_and_seen_once_it_is_settled() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        let before = lossy.edit_count().await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.create_database("other", None).await);
        assert!(lossy.engine.state().database("other").is_none(), "{fault:?}: not known to be made");
        assert!(lossy.is_unsettled().await);
        assert_lost(lossy.engine.settle().await);
        assert!(lossy.is_unsettled().await, "{fault:?}: the store is still broken");

        lossy.mend();
        lossy.engine.settle().await.unwrap();
        assert!(lossy.engine.state().database("other").is_some());
        lossy.engine.settle().await.unwrap();
        assert_eq!(lossy.edit_count().await, before + 1, "{fault:?}: made once");
        assert!(!lossy.is_unsettled().await);
    }
}

#[tokio::test]
async fn the_next_change_settles_the_one_before() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.create_database("other", None).await);
        // Not even a change that has nothing to do with it.
        assert_lost(lossy.engine.drop_database("db").await);
        assert_lost(lossy.engine.flush().await);
        assert_lost(lossy.engine.collect_orphans(Duration::ZERO).await.map(|_| ()));
        assert!(lossy.engine.state().database("db").is_some());
        lossy.mend();
        lossy.engine.drop_database("other").await.unwrap();
        assert!(lossy.engine.state().database("other").is_none(), "{fault:?}: made, and then dropped");
        assert!(lossy.engine.state().database("db").is_some());
        assert_eq!(inspect::read_state(&lossy.store()).await.unwrap(), *lossy.engine.state());
    }
}

#[tokio::test]
async fn nothing_is_committed_beside_an_unsettled_change() {
    let lossy = Lossy::open().await;
    lossy.break_log(Fault::After);
    assert_lost(lossy.engine.create_database("other", None).await);
    let before = lossy.edit_count().await;
    assert_lost(lossy.engine.turn().await);
    assert_lost(lossy.engine.close_gate().await);
    assert_eq!(lossy.edit_count().await, before, "nothing was tried");
    assert!(lossy.is_unsettled().await);
}

/// A change that does not fit is an answer, too: nothing is left to be settled.
#[tokio::test]
async fn a_change_that_does_not_fit_is_not_tried_again() {
    let lossy = Lossy::open().await;
    let turn = lossy.engine.turn().await.unwrap();
    let unfit = vec![Change::DropDatabase(DatabaseId(99))];
    let refused = lossy.engine.commit(turn, unfit, Effect::Catalog).await;
    assert!(matches!(refused, Err(EngineError::Internal(_))), "{refused:?}");
    assert!(!lossy.is_unsettled().await);
    lossy.engine.create_database("other", None).await.unwrap();
}

/// The caller goes away while the store is asked again.
#[tokio::test]
async fn a_commit_that_nobody_waits_for_any_more_is_settled() {
    let lossy = Lossy::open().await;
    // It says that the edit is there, and that it is not: the manifest waits before it tries again.
    let mut puts = 0;
    lossy.faulty.plan(move |operation, path| {
        let is_edit = operation == "put" && path.starts_with(layout::LOG_FOLDER);
        puts += usize::from(is_edit);
        if is_edit && puts == 1 { Fault::Before } else { Fault::None }
    });
    let mut given_up = Box::pin(lossy.engine.create_database("other", None));
    assert!(given_up.as_mut().now_or_never().is_none(), "it waits before its second attempt");
    drop(given_up);
    assert!(lossy.is_unsettled().await);
    lossy.engine.create_database("next", None).await.unwrap();
    let state = lossy.engine.state();
    assert!(state.database("other").is_some() && state.database("next").is_some());
    assert_eq!(inspect::read_state(&lossy.store()).await.unwrap(), *state);
}

/// Rows that come after a drop of which nobody knows are rows of a new table.
#[tokio::test]
async fn rows_written_after_a_lost_drop_are_kept_and_older_ones_go() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.write(0, 1, 1).await;
        lossy.engine.flush().await.unwrap();
        lossy.write(0, 2, 2).await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.drop_measurement("db", "m").await);
        lossy.write(1, 3, 3).await;
        let all = expected([(0, 1, 1), (0, 2, 2), (1, 3, 3)]);
        assert_eq!(points(&lossy.engine).await, all, "{fault:?}: nothing is gone that may not be");
        lossy.mend();
        lossy.engine.settle().await.unwrap();
        lossy.write(1, 4, 4).await;
        lossy.check(&expected([(1, 3, 3), (1, 4, 4)])).await;
    }
}

/// The new table has the columns of its rows, not those of the dropped one: the same as after a crash.
#[tokio::test]
async fn rows_written_after_a_lost_drop_have_only_their_own_columns() {
    let columns = |engine: &Engine| -> Vec<String> {
        let state = engine.state();
        let tables = state.tables();
        tables
            .flat_map(|t| t.schema.columns().iter().map(|c| c.name.to_string()).collect::<Vec<_>>())
            .collect()
    };
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        let older = "m,host=h0,old=x a=1,b=1,old=1 1".to_owned();
        lossy.engine.write(request(older)).await.unwrap();
        lossy.break_log(fault);
        assert_lost(lossy.engine.drop_measurement("db", "m").await);
        lossy.engine.write(request("m,host=h1,new=x a=3,old=2 3".to_owned())).await.unwrap();
        lossy.mend();
        lossy.engine.settle().await.unwrap();
        assert_eq!(columns(&lossy.engine), ["host", "new", "a", "old"], "{fault:?}");
        let store = lossy.store();
        lossy.engine.writer().unwrap().wal.close().unwrap();
        drop(lossy.engine);
        let again = open(lossy.directory.path(), &store).await;
        assert_eq!(columns(&again), ["host", "new", "a", "old"], "{fault:?}: after a crash");
    }
}

#[tokio::test]
async fn a_lost_drop_without_later_rows_leaves_no_table() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.write(0, 1, 1).await;
        lossy.engine.flush().await.unwrap();
        lossy.break_log(fault);
        assert_lost(lossy.engine.drop_measurement("db", "m").await);
        lossy.mend();
        lossy.engine.settle().await.unwrap();
        assert_eq!(lossy.engine.state().tables().count(), 0);
        assert_eq!(lossy.engine.collect_unreferenced().await, 1, "{fault:?}: its file goes");
        lossy.check(&Points::new()).await;
    }
}

#[tokio::test]
async fn a_lost_deletion_takes_the_rows_before_it_and_none_after() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.write(0, 1, 1).await;
        lossy.write(1, 1, 1).await;
        lossy.engine.flush().await.unwrap();
        lossy.write(0, 2, 5).await;
        lossy.write(1, 2, 5).await;
        lossy.break_log(fault);
        let state = lossy.engine.state();
        let table = state.tables().next().unwrap().id;
        let deleted = Deleted { host: Some(0), days: (-1, 1) };
        let deletion = crate::engine::Deletion {
            table,
            times: deleted.times(),
            series: crate::model::tombstone::SeriesFilter::tag_in("host", ["h0".to_owned()]),
        };
        assert_lost(lossy.engine.delete(std::slice::from_ref(&deletion)).await);
        lossy.write(0, 3, 5).await;
        lossy.write(1, 3, 5).await;
        assert_eq!(points(&lossy.engine).await.len(), 4, "{fault:?}: not known to be made");
        lossy.mend();
        lossy.engine.settle().await.unwrap();
        lossy.check(&expected([(0, 5, 3), (1, 1, 1), (1, 5, 3)])).await;
    }
}

#[tokio::test]
async fn the_rows_of_a_lost_flush_are_seen_once_and_leave_the_log() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.write(0, 1, 1).await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.flush().await);
        assert_eq!(lossy.engine.status().flush_failures, 1);
        let buffered = lossy.engine.status().buffer_bytes;
        assert!(buffered > 0, "{fault:?}: they count still");
        lossy.write(0, 2, 2).await;
        let both = expected([(0, 1, 1), (0, 2, 2)]);
        assert_eq!(points(&lossy.engine).await, both);
        assert_lost(lossy.engine.flush().await);
        assert_eq!(points(&lossy.engine).await, both);
        lossy.mend();
        lossy.engine.settle().await.unwrap();
        assert_eq!(points(&lossy.engine).await, both, "{fault:?}: settled");
        assert_eq!(lossy.engine.status().file_count, 1);
        lossy.engine.flush().await.unwrap();
        assert_eq!(lossy.engine.status().file_count, 2);
        assert_eq!(lossy.engine.status().buffer_bytes, 0);
        let flushed = inspect::read_state(&lossy.store()).await.unwrap().flushed_through();
        assert_eq!(flushed, lossy.engine.writer().unwrap().wal.last_sequence());
        lossy.check(&both).await;
    }
}

/// As on a full disk. That it leaves nothing is why it need not ask for room before.
#[tokio::test]
async fn a_flush_whose_files_cannot_all_be_written_leaves_none_and_is_made_again() {
    let lossy = Lossy::open().await;
    lossy.write(0, 1, 1).await;
    lossy.engine.write(request("n,host=h0 a=1 1".into())).await.unwrap();
    let mut puts = 0;
    lossy.faulty.plan(move |operation, path| {
        let is_file = operation == "put" && path.starts_with(layout::DATA_FOLDER);
        puts += u32::from(is_file);
        if is_file && puts == 2 { Fault::Before } else { Fault::None }
    });
    let refused = lossy.engine.flush().await;
    assert!(matches!(refused, Err(EngineError::Store(_))), "{refused:?}");
    let left: Vec<_> = lossy.store().list(layout::DATA_FOLDER).try_collect().await.unwrap();
    assert_eq!(left, []);
    lossy.mend();
    assert_eq!(points(&lossy.engine).await, expected([(0, 1, 1)]));
    lossy.engine.flush().await.unwrap();
    assert_eq!(lossy.engine.status().file_count, 2);
    lossy.check(&expected([(0, 1, 1)])).await;
}

#[tokio::test]
async fn the_files_of_a_lost_compaction_take_the_places_of_the_old_ones_once() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        for value in 0..3 {
            lossy.write(0, value, 1).await;
            lossy.write(1, value, 9).await;
            lossy.engine.flush().await.unwrap();
        }
        let all = points(&lossy.engine).await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.compact().await);
        assert_eq!(points(&lossy.engine).await, all);
        assert_eq!(lossy.engine.status().file_count, 3, "{fault:?}: not known to be made");
        assert_eq!(lossy.engine.collect_unreferenced().await, 0, "they may be needed");
        lossy.mend();
        // As an orphan it would go: the new file may be named by the edit.
        lossy.engine.collect_orphans(Duration::ZERO).await.unwrap();
        assert_eq!(lossy.engine.status().file_count, 1, "{fault:?}: settled");
        assert_eq!(points(&lossy.engine).await, all);
        assert_eq!(lossy.engine.collect_unreferenced().await, 3);
        let left: Vec<_> = lossy.store().list(layout::DATA_FOLDER).try_collect().await.unwrap();
        assert_eq!(left.len(), 1);
        lossy.check(&all).await;
    }
}

/// Its edit is never sent, so nothing can come to name its files.
#[tokio::test]
async fn a_compaction_that_waits_in_vain_for_a_lost_change_leaves_no_files() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        for value in 0..3 {
            lossy.write(0, value, 1).await;
            lossy.engine.flush().await.unwrap();
        }
        let all = points(&lossy.engine).await;
        let paths = || async {
            let listed = lossy.store().list(layout::DATA_FOLDER);
            listed.map_ok(|object| object.path).try_collect::<BTreeSet<_>>().await.unwrap()
        };
        let before = paths().await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.create_database("other", None).await);
        assert_lost(lossy.engine.compact().await);
        assert_eq!(paths().await, before, "{fault:?}");
        lossy.mend();
        lossy.engine.compact().await.unwrap();
        assert_eq!(lossy.engine.status().file_count, 1);
        lossy.check(&all).await;
    }
}

/// An engine that another one has fenced never learns what became of its change, and changes nothing any more.
#[tokio::test]
async fn a_fenced_engine_settles_nothing() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.create_database("other", None).await);
        lossy.mend();
        let elsewhere = tempfile::tempdir().unwrap();
        let taking_over = open(elsewhere.path(), &lossy.store()).await;
        for _ in 0..2 {
            let fenced = lossy.engine.settle().await;
            let is_fenced = matches!(fenced, Err(EngineError::Manifest(ManifestError::Fenced { .. })));
            assert!(is_fenced, "{fenced:?}");
        }
        assert_eq!(taking_over.state().database("other").is_some(), fault == Fault::After);
    }
}

/// A shutdown cannot flush then; what was acknowledged is in the log.
#[tokio::test]
async fn a_shutdown_that_cannot_settle_loses_nothing() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.write(0, 1, 1).await;
        lossy.break_log(fault);
        assert_lost(lossy.engine.create_database("other", None).await);
        assert_lost(lossy.engine.shutdown().await);
        drop(lossy.engine);
        let store = Store::from_object_store(lossy.inner.clone(), "memory");
        let again = open(lossy.directory.path(), &store).await;
        assert_eq!(again.state().database("other").is_some(), fault == Fault::After);
        let expected: BTreeMap<_, _> = expected([(0, 1, 1)]);
        assert_eq!(points(&again).await, expected);
    }
}

#[tokio::test]
async fn writes_go_on_while_the_store_keeps_a_deletion_waiting() {
    let lossy = Lossy::open_with(Duration::from_millis(300)).await;
    lossy.write(1, 1, 10).await;
    lossy.faulty.plan(|operation, path| match operation {
        "put" if path.starts_with(layout::LOG_FOLDER) => Fault::Before,
        _ => Fault::None,
    });
    let engine = lossy.engine.clone();
    let deletion =
        tokio::spawn(async move { Deleted { host: None, days: (-1, 1) }.delete_from(&engine).await });
    // Locked as long as the store is waited for.
    while !deletion.is_finished() && lossy.engine.unsettled.try_lock().is_ok() {
        tokio::task::yield_now().await;
    }
    lossy.write(1, 2, 11).await;
    assert!(!deletion.is_finished());
    lossy.mend();
    deletion.await.unwrap();
    lossy.check(&Points::from([(("h1".to_owned(), 11), [Some(2), None])])).await;
}

/// Somebody else has shown its change, and the next one has the turn already.
#[tokio::test]
async fn writes_go_on_while_who_would_show_a_change_finds_another_one_at_work() {
    let lossy = Lossy::open().await;
    let turn = lossy.engine.turn().await.unwrap();
    let mut showing = Box::pin(lossy.engine.show_durable());
    assert!(showing.as_mut().now_or_never().is_none(), "it does not know what the other one does");
    let written = tokio::time::timeout(Duration::from_secs(10), lossy.write(0, 1, 1)).await;
    assert!(written.is_ok(), "the gate is open");
    drop(turn);
    showing.await.unwrap();
    assert!(!lossy.is_unsettled().await);
}

/// A table that a write makes meanwhile gets an identifier of its own.
#[tokio::test]
async fn a_lost_restore_is_settled_after_writes_that_made_tables() {
    for fault in FAULTS {
        let lossy = Lossy::open().await;
        lossy.write(0, 1, 1).await;
        lossy.engine.flush().await.unwrap();
        let mut image = DatabaseImage::of(&lossy.engine.state(), "db").unwrap();
        image.files.clear(); // a file belongs to one table
        lossy.break_log(fault);
        assert_lost(lossy.engine.adopt_database("copy", &image).await);
        lossy.engine.write(request("n,host=h0 a=1 1".to_owned())).await.unwrap();
        lossy.mend();
        lossy.engine.settle().await.unwrap();
        let state = lossy.engine.state();
        let copy = state.database("copy").unwrap().id;
        let tables = |name: &str| state.tables().filter(|table| &*table.name == name).collect::<Vec<_>>();
        assert_eq!(tables("m").iter().filter(|table| table.database == copy).count(), 1, "{fault:?}");
        assert_eq!((tables("m").len(), tables("n").len()), (2, 1), "{fault:?}");
        lossy.engine.flush().await.unwrap();
        lossy.check(&expected([(0, 1, 1)])).await;
    }
}

/// Whoever asks meanwhile finds the table before or the one after.
#[tokio::test]
async fn a_table_is_there_all_the_time_while_rows_after_a_lost_drop_become_those_of_another() {
    for _ in 0..10 {
        let lossy = Lossy::open().await;
        lossy.write(0, 1, 1).await;
        lossy.break_log(Fault::After);
        assert_lost(lossy.engine.drop_measurement("db", "m").await);
        // Sorting them takes its time.
        let lines: Vec<String> = (0..20_000).map(|time| format!("m,host=h1 a=1 {}", 20_000 - time)).collect();
        lossy.engine.write(request(lines.join("\n"))).await.unwrap();
        lossy.mend();
        let is_settled = Arc::new(AtomicBool::new(false));
        let reader = std::thread::spawn({
            let (engine, is_settled) = (lossy.engine.clone(), is_settled.clone());
            move || {
                while !is_settled.load(Ordering::Acquire) {
                    assert!(engine.state().tables().any(|table| &*table.name == "m"), "rows are missed");
                }
            }
        });
        lossy.engine.settle().await.unwrap();
        is_settled.store(true, Ordering::Release);
        reader.join().unwrap();
        assert_eq!(points(&lossy.engine).await.len(), 20_000);
    }
}

/// They are in memory still, and in the log: no flush may say that they are in files.
#[tokio::test]
async fn rows_after_a_lost_drop_that_cannot_be_sorted_stay_in_the_log() {
    let lossy = Lossy::open().await;
    lossy.write(0, 1, 1).await;
    lossy.break_log(Fault::After);
    assert_lost(lossy.engine.drop_measurement("db", "m").await);
    lossy.write(1, 3, 3).await;
    let info = lossy.engine.state().tables().next().unwrap().clone();
    let stray = TableRows {
        table: "m".into(),
        series: vec!["host\u{1}h1\u{1}".into()],
        series_index: vec![0],
        times_ns: vec![4],
        fields: vec![FieldColumn { name: "stray".into(), values: Arc::new(Int64Array::from(vec![4])) }],
    };
    let last = lossy.engine.writer().unwrap().wal.last_sequence();
    lossy.engine.table_handle(info.id).push(last, stray, &info.schema).unwrap();
    lossy.mend();
    lossy.engine.settle().await.unwrap();
    let table = lossy.engine.state().tables().next().map(|table| table.id);
    assert!(table.is_some_and(|id| id != info.id), "{table:?}");
    let refused = lossy.engine.flush().await;
    assert!(matches!(refused, Err(EngineError::Rows { .. })), "{refused:?}");
    let store = lossy.store();
    lossy.engine.writer().unwrap().wal.close().unwrap();
    drop(lossy.engine);
    let again = open(lossy.directory.path(), &store).await;
    assert_eq!(points(&again).await, expected([(1, 3, 3)]));
}
