//! The engine against a naive model: writes, flushes, restarts and drops in any order leave the same points.

mod commit;
mod fencing;
mod following;
mod forward;
mod startup;
mod upkeep;
mod warm;

use super::{Deletion, Engine, EngineError, EngineOptions, RowsRequest, WriteError, WriteRequest};
use crate::clock::ManualClock;
use crate::line_protocol::Precision;
use crate::merge::{Merge, SortedRows, Step};
use crate::model::batch::{FieldColumn, TableRows};
use crate::model::extent::overlap_groups;
use crate::model::ids::TableId;
use crate::model::series_key;
use crate::model::shard::Shard;
use crate::model::time::{DAY_NS, TimeRange};
use crate::model::tombstone::{SeriesFilter, concerning, deleted_times};
use crate::object::Store;
use arrow::array::{Array, AsArray, Float64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type};
use futures::TryStreamExt;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

type Points = BTreeMap<(String, i64), [Option<u32>; 2]>;

fn options(directory: &Path) -> EngineOptions {
    let mut options = EngineOptions::new(directory.join("wal"));
    options.wal.disk_low_water_bytes = 0;
    options.upkeep_interval = None;
    options.delete_after = Duration::ZERO;
    options
}

async fn open(directory: &Path, store: &Store) -> Arc<Engine> {
    Engine::open(options(directory), store.clone(), Arc::new(ManualClock::new(1_000))).await.unwrap()
}

fn request(body: String) -> WriteRequest {
    WriteRequest { database: "db".into(), policy: None, precision: Precision::Nanosecond, body: body.into() }
}

/// All points of table `m` with float fields `a` and `b`, merged by hand from chunks and files.
async fn points(engine: &Arc<Engine>) -> Points {
    let state = engine.state();
    let policy = state.default_policy(state.database("db").unwrap().id).unwrap().id;
    let Some(table) = state.table(policy, "m") else { return Points::new() };
    let view = engine.read_view(table.id).unwrap().unwrap();
    let names = ["a", "b"];
    let types = [DataType::Float64, DataType::Float64];
    let fields: Arc<[_]> = names.iter().map(|n| Arc::from(*n)).zip(types.clone()).collect();
    let mut sources: Vec<Vec<SortedRows>> = Vec::new();
    let mut files = view.files.to_vec();
    files.sort_by_key(|f| f.sequence_max);
    for meta in files {
        let file = engine.open_file(meta).await.unwrap();
        let mut rows = Vec::new();
        for group in 0..file.row_group_count() {
            let series = file.series(group).await.unwrap();
            let all = 0..file.row_group_row_count(group);
            let stream =
                file.rows(group, series, vec![all], crate::model::time::TimeRange::ALL, fields.clone());
            for part in stream.unwrap().try_collect::<Vec<_>>().await.unwrap() {
                let tombstones = concerning(&view.tombstones, file.meta());
                rows.push(part.without(|series| deleted_times(&tombstones, series)).unwrap());
            }
        }
        sources.push(rows);
    }
    sources.extend(view.chunks.iter().map(|c| vec![c.project(&names, &types)]));

    let mut merge = Merge::new(types.to_vec(), sources.len(), 100);
    let mut sources: Vec<_> = sources.into_iter().map(Vec::into_iter).collect();
    let mut out = Points::new();
    loop {
        match merge.step().unwrap() {
            Step::Done => return out,
            Step::Need(source) => match sources[source].next() {
                Some(rows) => merge.push(source, rows),
                None => merge.finish(source),
            },
            Step::Rows(rows) => {
                let fields: Vec<_> = rows.fields.iter().map(|f| f.as_primitive::<Float64Type>()).collect();
                for run in 0..rows.runs.len() {
                    let host = series_key::tag_value(&rows.runs[run].key, "host").unwrap().into_owned();
                    for row in rows.run_rows(run) {
                        let value = |f: usize| fields[f].is_valid(row).then(|| fields[f].value(row) as u32);
                        out.insert((host.clone(), rows.times_ns[row]), [value(0), value(1)]);
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    /// Points: host, day, time within it, field, value.
    Write(Vec<(u8, i64, i64, bool, u32)>),
    Flush,
    /// Closes the engine the way a crash does: nothing is flushed.
    Crash,
    Shutdown,
    Drop,
    Delete(Deleted),
    /// While a flush is under way.
    DeleteAmidFlush(Deleted),
    Compact,
    /// While a compaction is under way.
    DeleteAmidCompaction(Deleted),
    /// Checks what is known of the data without reading it all.
    Look,
}

/// Rows to delete: of one host or all, from one day up to another.
#[derive(Clone, Debug)]
struct Deleted {
    host: Option<u8>,
    days: (i64, i64),
}

impl Deleted {
    fn has(&self, host: &str, time_ns: i64) -> bool {
        self.host.is_none_or(|h| format!("h{h}") == host) && self.times().contains(time_ns)
    }

    fn times(&self) -> TimeRange {
        // Days begin at 2, so that some points of a day are hit and others not.
        TimeRange::new(self.days.0 * DAY_NS + 2, self.days.1 * DAY_NS + 2)
    }

    async fn delete_from(&self, engine: &Engine) {
        let state = engine.state();
        let policy = state.default_policy(state.database("db").unwrap().id).unwrap().id;
        let series = match self.host {
            Some(host) => SeriesFilter::tag_in("host", [format!("h{host}")]),
            None => SeriesFilter::all(),
        };
        let deletion = |table: TableId| Deletion { table, times: self.times(), series: series.clone() };
        let deletions: Vec<_> = state.table(policy, "m").map(|t| deletion(t.id)).into_iter().collect();
        engine.delete(&deletions).await.unwrap();
    }
}

/// The catalog shows the table if it has points, and only tags that they bear; shards are where points are.
async fn look(engine: &Engine, model: &Points) {
    let state = engine.visible_state().await.unwrap();
    let policy = state.default_policy(state.database("db").unwrap().id).unwrap();
    let table = state.table(policy.id, "m");
    assert_eq!(table.is_some(), !model.is_empty());
    let tags: Vec<_> = table.iter().flat_map(|t| t.schema.tags()).map(|tag| tag.name.to_string()).collect();
    let expected: BTreeSet<String> =
        model.keys().flat_map(|(host, _)| ["host".to_owned(), format!("only_{host}")]).collect();
    assert_eq!(tags, expected.into_iter().collect::<Vec<_>>());
    let shards = engine.shards(policy.id).await.unwrap();
    let expected: BTreeSet<i64> = model
        .keys()
        .map(|(_, time)| Shard::of_time(policy.id, policy.shard_duration_ns, *time).times.start_ns)
        .collect();
    assert_eq!(shards.iter().map(|s| s.times.start_ns).collect::<Vec<_>>(), Vec::from_iter(expected));
}

/// No two files overlap, and no file has deleted rows.
fn assert_compact(engine: &Engine) {
    let state = engine.state();
    for table in state.tables() {
        let files = state.files_of(table.id);
        let groups = overlap_groups(files.to_vec(), |file| file.extent());
        assert!(groups.iter().all(|group| group.len() == 1), "{groups:?}");
        for tombstone in state.tombstones_of(table.id).iter() {
            assert!(!files.iter().any(|file| tombstone.concerns(file)), "{tombstone:?} {files:?}");
        }
    }
}

fn deleted() -> impl Strategy<Value = Deleted> {
    (prop::option::of(0..3_u8), -4..4_i64, 0..8_i64)
        .prop_map(|(host, first, count)| Deleted { host, days: (first, first + count) })
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let point = (0..3_u8, -3..4_i64, 0..4_i64, any::<bool>(), 0..100_u32);
    let action = prop_oneof![
        8 => prop::collection::vec(point, 1..12).prop_map(Action::Write),
        2 => Just(Action::Flush),
        1 => Just(Action::Crash),
        1 => Just(Action::Shutdown),
        1 => Just(Action::Drop),
        3 => deleted().prop_map(Action::Delete),
        2 => deleted().prop_map(Action::DeleteAmidFlush),
        2 => Just(Action::Compact),
        1 => deleted().prop_map(Action::DeleteAmidCompaction),
        2 => Just(Action::Look),
    ];
    prop::collection::vec(action, 1..18)
}

async fn check(actions: Vec<Action>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let mut engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    let mut model = Points::new();
    for action in actions {
        match action {
            Action::Write(rows) => {
                let mut body = String::new();
                for (host, day, time, field, value) in rows {
                    let (time_ns, name) = (day * 86_400_000_000_000 + time, if field { "a" } else { "b" });
                    body += &format!("m,host=h{host},only_h{host}=x {name}={value} {time_ns}\n");
                    model.entry((format!("h{host}"), time_ns)).or_default()[usize::from(!field)] =
                        Some(value);
                }
                let outcome = engine.write(request(body)).await.unwrap();
                assert!(outcome.rejections.is_empty());
            }
            Action::Flush => engine.flush().await.unwrap(),
            Action::Crash => {
                engine.writer().unwrap().wal.close().unwrap();
                drop(engine);
                engine = open(directory.path(), &store).await;
            }
            Action::Shutdown => {
                engine.shutdown().await.unwrap();
                drop(engine);
                engine = open(directory.path(), &store).await;
            }
            Action::Delete(deleted) => {
                deleted.delete_from(&engine).await;
                model.retain(|(host, time), _| !deleted.has(host, *time));
            }
            Action::DeleteAmidFlush(deleted) => {
                let flush = tokio::spawn({
                    let engine = engine.clone();
                    async move { engine.flush().await }
                });
                tokio::task::yield_now().await;
                deleted.delete_from(&engine).await;
                flush.await.unwrap().unwrap();
                model.retain(|(host, time), _| !deleted.has(host, *time));
            }
            Action::Compact => {
                engine.compact().await.unwrap();
                assert_compact(&engine);
            }
            Action::DeleteAmidCompaction(deleted) => {
                let compaction = tokio::spawn({
                    let engine = engine.clone();
                    async move { engine.compact().await }
                });
                tokio::task::yield_now().await;
                deleted.delete_from(&engine).await;
                compaction.await.unwrap().unwrap();
                model.retain(|(host, time), _| !deleted.has(host, *time));
            }
            Action::Look => look(&engine, &model).await,
            Action::Drop => {
                engine.drop_measurement("db", "m").await.unwrap();
                model.clear();
            }
        }
        assert_eq!(points(&engine).await, model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_history_leaves_the_newest_values(actions in actions()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(actions));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_see_their_own_points() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Store::in_memory()).await;
    engine.create_database("db", None).await.unwrap();
    let writers = (0..4).map(|host| {
        let engine = engine.clone();
        tokio::spawn(async move {
            for time in 0..50_i64 {
                engine.write(request(format!("m,host=h{host} a={time} {time}"))).await.unwrap();
                let found = points(&engine).await;
                assert_eq!(found.get(&(format!("h{host}"), time)), Some(&[Some(time as u32), None]));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(points(&engine).await.len(), 200);
}

#[tokio::test]
async fn a_second_server_on_one_log_leaves_the_first_at_work() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    let clock = Arc::new(ManualClock::new(1_000));
    let second = Engine::open(options(directory.path()), store.clone(), clock).await;
    assert!(matches!(second, Err(EngineError::Wal(_))), "{second:?}");
    engine.create_database("db", None).await.unwrap();
}

#[tokio::test]
async fn a_full_buffer_refuses_writes_until_it_is_flushed() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.buffer_bytes_max = 1;
    options.flush_bytes = usize::MAX;
    let clock = Arc::new(ManualClock::new(1_000));
    let engine = Engine::open(options, Store::in_memory(), clock).await.unwrap();
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m,host=h a=1 1".into())).await.unwrap();
    let refused = engine.write(request("m,host=h a=2 2".into())).await;
    assert!(matches!(refused, Err(WriteError::Overloaded { .. })), "{refused:?}");
    engine.flush().await.unwrap();
    engine.write(request("m,host=h a=2 2".into())).await.unwrap();
    assert_eq!(points(&engine).await.len(), 2);
}

#[tokio::test]
async fn sparse_data_of_many_years_makes_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Store::in_memory()).await;
    engine.create_database("db", None).await.unwrap();
    let month_ns = 30 * 86_400_000_000_000_i64;
    let body = (-1_200..1_200).map(|m| format!("m,host=h a=1 {}\n", m * month_ns)).collect();
    engine.write(request(body)).await.unwrap();
    engine.flush().await.unwrap();
    assert_eq!(engine.status().file_count, 1);
    assert_eq!(points(&engine).await.len(), 2_400);
}

#[tokio::test]
async fn rows_of_hundreds_of_fields_survive_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    // So sparse that the rows of the one table come in parts.
    let body = (0..400).map(|row| format!("m,host=h a={row},f{row}=1,b=1 {row}\n")).collect();
    engine.write(request(body)).await.unwrap();
    engine.write(request("m,host=h b=2 7".into())).await.unwrap();
    let before = points(&engine).await;
    assert_eq!((before.len(), before[&("h".to_owned(), 7)]), (400, [Some(7), Some(2)]));
    engine.writer().unwrap().wal.close().unwrap();
    drop(engine);
    let engine = open(directory.path(), &store).await;
    assert!(engine.writer().unwrap().recovery.is_complete(), "{:?}", engine.writer().unwrap().recovery);
    assert_eq!(points(&engine).await, before);
}

#[tokio::test]
async fn rows_written_after_a_lost_log_are_newer_than_deletions() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    for time in 0..9 {
        engine.write(request(format!("m,host=h a=1 {time}"))).await.unwrap();
    }
    engine.flush().await.unwrap();
    for time in 0..9 {
        engine.write(request(format!("m,host=h a=2 {time}"))).await.unwrap();
    }
    Deleted { host: None, days: (-1, 1) }.delete_from(&engine).await;
    engine.writer().unwrap().wal.close().unwrap();
    drop(engine);
    std::fs::remove_dir_all(directory.path().join("wal")).unwrap();

    for _ in 0..2 {
        let engine = open(directory.path(), &store).await;
        engine.write(request("m,host=h a=3 0".into())).await.unwrap();
        assert!(engine.writer().unwrap().recovery.is_complete(), "{:?}", engine.writer().unwrap().recovery);
        assert_eq!(Vec::from_iter(points(&engine).await), [(("h".to_owned(), 0), [Some(3), None])]);
        engine.writer().unwrap().wal.close().unwrap();
    }
    let engine = open(directory.path(), &store).await;
    engine.flush().await.unwrap();
    assert_eq!(points(&engine).await.len(), 1);
}

/// As the simulation found: a drop that names a record which is not in the log.
#[tokio::test]
async fn rows_written_after_a_lost_log_are_newer_than_drops() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    for time in 0..9 {
        engine.write(request(format!("m,host=h a=1 {time}"))).await.unwrap();
    }
    engine.drop_measurement("db", "m").await.unwrap();
    engine.writer().unwrap().wal.close().unwrap();
    drop(engine);
    std::fs::remove_dir_all(directory.path().join("wal")).unwrap();

    for _ in 0..2 {
        let engine = open(directory.path(), &store).await;
        engine.write(request("m,host=h a=3 0".into())).await.unwrap();
        engine.writer().unwrap().wal.close().unwrap();
        assert_eq!(points(&engine).await.len(), 1);
    }
    let engine = open(directory.path(), &store).await;
    assert_eq!(points(&engine).await.len(), 1);
}

#[tokio::test]
async fn tombstones_go_when_no_file_needs_them() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Store::in_memory()).await;
    engine.create_database("db", None).await.unwrap();
    let tombstones = |engine: &Engine| -> usize {
        engine
            .writer()
            .unwrap()
            .manifest
            .state()
            .tables_with_deletions()
            .map(|(_, tombstones)| tombstones.len())
            .sum()
    };
    let all = Deleted { host: None, days: (-1, 1) };
    engine.write(request("m,host=h a=1 0".into())).await.unwrap();
    all.delete_from(&engine).await;
    assert_eq!(tombstones(&engine), 1, "the log has the row still");
    engine.flush().await.unwrap();
    assert_eq!(tombstones(&engine), 0);
    engine.write(request("m,host=h a=1 0".into())).await.unwrap();
    engine.flush().await.unwrap();
    Deleted { host: None, days: (5, 6) }.delete_from(&engine).await;
    assert_eq!(tombstones(&engine), 0, "nothing is there to delete");
    all.delete_from(&engine).await;
    engine.write(request("m,host=h a=1 0".into())).await.unwrap();
    engine.flush().await.unwrap();
    assert_eq!(tombstones(&engine), 1, "a file has the row still");
    all.delete_from(&engine).await;
    assert_eq!(tombstones(&engine), 1, "the second takes the place of the first");
    engine.write(request("m,host=h a=1 0".into())).await.unwrap();
    assert_eq!(points(&engine).await.len(), 1);
}

/// A write is wholly before a deletion or wholly after it.
#[tokio::test(flavor = "multi_thread")]
async fn deletions_do_not_cut_writes_in_half() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), &Store::in_memory()).await;
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m,host=h a=1 0".into())).await.unwrap();
    let writers = (0..4).map(|host| {
        let engine = engine.clone();
        tokio::spawn(async move {
            for round in 0..20 {
                let lines = (0..20).map(|time| format!("m,host=h{host} a={round} {time}\n")).collect();
                engine.write(request(lines)).await.unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let flusher = tokio::spawn({
        let engine = engine.clone();
        async move {
            for _ in 0..5 {
                engine.flush().await.unwrap();
            }
        }
    });
    for _ in 0..20 {
        Deleted { host: None, days: (-1, 1) }.delete_from(&engine).await;
        let found = points(&engine).await;
        for host in 0..4 {
            let values: Vec<_> = found.iter().filter(|((h, _), _)| *h == format!("h{host}")).collect();
            assert!(values.is_empty() || values.len() == 20, "{values:?}");
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    flusher.await.unwrap();
}

/// Rows are judged as points of line protocol are, and stand in the log as they do.
#[tokio::test]
async fn rows_are_written_by_the_rules_for_points() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    let engine = open(directory.path(), &store).await;
    engine.create_database("db", None).await.unwrap();
    engine.write(request("m,host=x a=1 1".into())).await.unwrap();
    let key = |tags: &[(&str, &str)]| -> Arc<str> { series_key::encode(tags.iter().copied()).into() };
    let a = Float64Array::from(vec![Some(2.0), Some(3.0), None, Some(4.0)]);
    let c = StringArray::from(vec![None, None, Some("text"), None]);
    let rows = TableRows {
        table: "m".into(),
        series: vec![key(&[("host", "x")]), key(&[("host", "y")]), key(&[("time", "z")])],
        series_index: vec![0, 1, 1, 2],
        times_ns: vec![1, 2, 3, 4],
        fields: vec![
            FieldColumn { name: "a".into(), values: Arc::new(a) },
            FieldColumn { name: "c".into(), values: Arc::new(c) },
        ],
    };
    let request = |tables| RowsRequest { database: "db".into(), policy: "autogen".into(), tables };
    let outcome = engine.write_rows(request(vec![rows.clone()])).await.unwrap();
    assert_eq!((outcome.points_written, outcome.points_dropped), (3, 1));
    let texts: Vec<_> = outcome.rejections.iter().map(crate::line_protocol::Rejection::text).collect();
    assert_eq!(texts, ["invalid tag key: input tag \"time\" on measurement \"m\" is invalid"]);

    // A part may disagree with the one before it.
    let floats = Float64Array::from(vec![5.0]);
    let other = TableRows {
        series: vec![key(&[])],
        series_index: vec![0],
        times_ns: vec![5],
        fields: vec![FieldColumn { name: "c".into(), values: Arc::new(floats) }],
        ..rows.clone()
    };
    let outcome = engine.write_rows(request(vec![other])).await.unwrap();
    assert_eq!((outcome.points_written, outcome.points_dropped), (0, 1));

    let missing = RowsRequest { policy: "nosuch".into(), ..request(vec![rows]) };
    assert!(matches!(engine.write_rows(missing).await, Err(WriteError::Target(_))));
    let seen = points(&engine).await;
    assert_eq!(seen.get(&("x".to_owned(), 1)), Some(&[Some(2), None]));
    assert_eq!(seen.get(&("y".to_owned(), 2)), Some(&[Some(3), None]));
}
