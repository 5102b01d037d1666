//! The engine against a naive model: writes, flushes, restarts and drops in any order leave the same points.

use super::{Engine, EngineOptions, WriteError, WriteRequest};
use crate::clock::ManualClock;
use crate::line_protocol::Precision;
use crate::merge::{Merge, SortedRows, Step};
use crate::model::series_key;
use crate::object::Store;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use futures::TryStreamExt;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

type Points = BTreeMap<(String, i64), [Option<u32>; 2]>;

fn options(directory: &Path) -> EngineOptions {
    let mut options = EngineOptions::new(directory.join("wal"));
    options.wal.disk_low_water_bytes = 0;
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
            rows.extend(stream.unwrap().try_collect::<Vec<_>>().await.unwrap());
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
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let point = (0..3_u8, -3..4_i64, 0..4_i64, any::<bool>(), 0..100_u32);
    let action = prop_oneof![
        6 => prop::collection::vec(point, 1..12).prop_map(Action::Write),
        2 => Just(Action::Flush),
        1 => Just(Action::Crash),
        1 => Just(Action::Shutdown),
        1 => Just(Action::Drop),
    ];
    prop::collection::vec(action, 1..14)
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
                    body += &format!("m,host=h{host} {name}={value} {time_ns}\n");
                    model.entry((format!("h{host}"), time_ns)).or_default()[usize::from(!field)] =
                        Some(value);
                }
                let outcome = engine.write(request(body)).await.unwrap();
                assert!(outcome.rejections.is_empty());
            }
            Action::Flush => engine.flush().await.unwrap(),
            Action::Crash => {
                engine.wal.close().unwrap();
                drop(engine);
                engine = open(directory.path(), &store).await;
            }
            Action::Shutdown => {
                engine.shutdown().await.unwrap();
                drop(engine);
                engine = open(directory.path(), &store).await;
            }
            Action::Drop => {
                engine.drop_measurement("db", "m").await.unwrap();
                model.clear();
            }
        }
        assert_eq!(points(&engine).await, model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
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
