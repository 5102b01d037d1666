//! Any mixture of chunks and files, overlapping or not, gives the rows that a naive model has, under every filter.

use crate::clock::ManualClock;
use crate::engine::{Engine, EngineOptions, WriteRequest};
use crate::line_protocol::Precision;
use crate::model::limits::ROW_GROUP_ROWS;
use crate::object::Store;
use crate::query::{QueryContext, QueryEngine, QueryOptions, StatementOutcome};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampNanosecondType};
use futures::TryStreamExt;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

type Rows = BTreeMap<(Option<String>, i64), [Option<u32>; 2]>;

/// A write: points of (host or none, time, whether field `a`, value), and whether a flush follows.
type Write = (Vec<(Option<u8>, i64, bool, u32)>, bool);

struct Fixture {
    engine: Arc<Engine>,
    query: QueryEngine,
    _directory: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = EngineOptions::new(directory.path().join("wal"));
        options.wal.disk_low_water_bytes = 0;
        let clock = Arc::new(ManualClock::new(0));
        let engine = Engine::open(options, Store::in_memory(), clock).await.unwrap();
        engine.create_database("db", None).await.unwrap();
        let options = QueryOptions { threads: 2, ..QueryOptions::default() };
        let query = QueryEngine::new(engine.clone(), options).unwrap();
        Self { engine, query, _directory: directory }
    }

    async fn write(&self, body: String) {
        let request = WriteRequest {
            database: "db".into(),
            policy: None,
            precision: Precision::Nanosecond,
            body: body.into(),
        };
        self.engine.write(request).await.unwrap();
    }

    async fn select(&self, condition: &str) -> Rows {
        let context = QueryContext { database: Some("db".into()), ..QueryContext::default() };
        let text = format!("SELECT host, time, a, b FROM m WHERE {condition}");
        let result = self.query.sql(&text, &context).await.unwrap();
        let batches: Vec<_> = result.batches.try_collect().await.unwrap();
        let mut rows = Rows::new();
        for batch in &batches {
            let hosts = batch.column(0).as_string::<i32>();
            let times = batch.column(1).as_primitive::<TimestampNanosecondType>();
            let fields = [2, 3].map(|c| batch.column(c).as_primitive::<Float64Type>());
            for row in 0..batch.num_rows() {
                let value = |f: usize| fields[f].is_valid(row).then(|| fields[f].value(row) as u32);
                let host = hosts.is_valid(row).then(|| hosts.value(row).to_owned());
                let twice = rows.insert((host, times.value(row)), [value(0), value(1)]);
                assert_eq!(twice, None, "a point comes once");
            }
        }
        rows
    }
}

type Ends = BTreeMap<String, [Option<u32>; 3]>;

impl Fixture {
    async fn influxql(&self, text: &str) -> Vec<RecordBatch> {
        let context = QueryContext { database: Some("db".into()), ..QueryContext::default() };
        let statements = influxql::parse(text, &influxql::Params::new()).unwrap();
        let outcome = self.query.influxql(&statements[0], &context).await.unwrap();
        let StatementOutcome::Rows(rows) = outcome else { panic!("a SELECT has rows") };
        rows.batches.try_collect().await.unwrap()
    }

    /// Per host the values of three columns behind the host and the time, from a statement for each list of their places.
    async fn of_hosts(&self, statements: &[(&str, &[usize])]) -> Ends {
        let mut ends = Ends::new();
        for (text, places) in statements {
            for batch in &self.influxql(text).await {
                let hosts = batch.column(1).as_string_view();
                for row in 0..batch.num_rows() {
                    let host = if hosts.is_valid(row) { hosts.value(row) } else { "" };
                    let end = ends.entry(host.to_owned()).or_default();
                    for (column, place) in (3..).zip(*places) {
                        let values = batch.column(column).as_primitive::<Float64Type>();
                        let value = values.is_valid(row).then(|| values.value(row) as u32);
                        assert_eq!(std::mem::replace(&mut end[*place], value), None, "a host comes once");
                    }
                }
            }
        }
        ends
    }

    /// Per host `last(a), last(b), first(a)`.
    async fn ends(&self, condition: &str) -> Ends {
        let text = |calls: &str| format!("SELECT {calls} FROM m WHERE {condition} GROUP BY host");
        let together = self.of_hosts(&[(&text("last(a), last(b), first(a)"), &[0, 1, 2])]).await;
        let apart = [(&*text("last(a), last(b)"), &[0, 1][..]), (&text("first(a)"), &[2])];
        assert_eq!(self.of_hosts(&apart).await, together, "WHERE {condition}");
        together
    }

    /// Times and values of the latest two `a` of each host, from the latest on.
    async fn latest(&self, condition: &str) -> BTreeMap<String, Vec<(i64, u32)>> {
        let text = format!("SELECT a FROM m WHERE {condition} GROUP BY host ORDER BY time DESC LIMIT 2");
        let mut latest: BTreeMap<String, Vec<(i64, u32)>> = BTreeMap::new();
        for batch in &self.influxql(&text).await {
            let hosts = batch.column(1).as_string_view();
            let times = batch.column(2).as_primitive::<TimestampNanosecondType>();
            let values = batch.column(3).as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                let host = if hosts.is_valid(row) { hosts.value(row) } else { "" };
                latest.entry(host.to_owned()).or_default().push((times.value(row), values.value(row) as u32));
            }
        }
        latest
    }
}

/// What [`Fixture::latest`] should give for these rows.
fn latest_of(rows: &Rows) -> BTreeMap<String, Vec<(i64, u32)>> {
    let mut latest: BTreeMap<String, Vec<(i64, u32)>> = BTreeMap::new();
    for ((host, time), [a, _]) in rows.iter().rev() {
        let of_host = latest.entry(host.clone().unwrap_or_default()).or_default();
        of_host.extend(a.map(|a| (*time, a)).filter(|_| of_host.len() < 2));
    }
    latest.retain(|_, rows| !rows.is_empty());
    latest
}

/// What [`Fixture::ends`] should give for these rows.
fn ends_of(rows: &Rows) -> Ends {
    let mut ends = Ends::new();
    for ((host, _), [a, b]) in rows {
        let [last_a, last_b, first_a] = ends.entry(host.clone().unwrap_or_default()).or_default();
        *last_a = a.or(*last_a);
        *last_b = b.or(*last_b);
        *first_a = first_a.or(*a);
    }
    ends
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let point = (prop::option::weighted(0.9, 0..4_u8), 0..12_i64, any::<bool>(), 0..100_u32);
    prop::collection::vec((prop::collection::vec(point, 1..15), any::<bool>()), 1..8)
}

async fn check(writes: Vec<Write>, start: i64, end: i64) {
    let fixture = Fixture::new().await;
    // Both fields and the tag exist whatever is written.
    let mut model = Rows::from([((Some("h0".into()), 0), [Some(7), Some(8)])]);
    fixture.write("m,host=h0 a=7,b=8 0".into()).await;
    for (points, flush) in writes {
        let mut body = String::new();
        for (host, time, is_a, value) in points {
            let tag = host.map(|h| format!(",host=h{h}")).unwrap_or_default();
            body += &format!("m{tag} {}={value} {time}\n", if is_a { "a" } else { "b" });
            let key = (host.map(|h| format!("h{h}")), time);
            model.entry(key).or_default()[usize::from(!is_a)] = Some(value);
        }
        fixture.write(body).await;
        if flush {
            fixture.engine.flush().await.unwrap();
        }
    }
    type Keep = Box<dyn Fn(&(Option<String>, i64), &[Option<u32>; 2]) -> bool>;
    let time = |t: i64| format!("to_timestamp_nanos({t})");
    let is = |host: &'static str| move |h: &Option<String>| h.as_deref() == Some(host);
    let conditions: Vec<(String, Keep)> = vec![
        ("true".into(), Box::new(|_, _| true)),
        ("host = 'h1'".into(), Box::new(move |(h, _), _| is("h1")(h))),
        ("host IS NULL OR host > 'h1'".into(), Box::new(|(h, _), _| h.as_deref().is_none_or(|h| h > "h1"))),
        (
            format!("time >= {} AND time < {}", time(start), time(end)),
            Box::new(move |(_, t), _| (start..end).contains(t)),
        ),
        (
            format!("host IN ('h0', 'h2') AND time <= {}", time(end)),
            Box::new(move |(h, t), _| (is("h0")(h) || is("h2")(h)) && *t <= end),
        ),
        (
            "a > 50 AND host != 'h0'".into(),
            Box::new(|(h, _), [a, _]| a.is_some_and(|a| a > 50) && h.as_deref().is_some_and(|h| h != "h0")),
        ),
    ];
    let left = |keep: &Keep| -> Rows {
        model.iter().filter(|(k, v)| keep(k, v)).map(|(k, v)| (k.clone(), *v)).collect()
    };
    for (condition, keep) in &conditions {
        assert_eq!(fixture.select(condition).await, left(keep), "WHERE {condition}");
    }
    let of_ends = [
        ("time >= 0".to_owned(), &conditions[0].1),
        ("host = 'h1'".to_owned(), &conditions[1].1),
        (format!("time >= {start} AND time < {end}"), &conditions[3].1),
        ("a > 50 AND host != 'h0' AND host != ''".to_owned(), &conditions[5].1),
    ];
    for (condition, keep) in of_ends {
        assert_eq!(fixture.ends(&condition).await, ends_of(&left(keep)), "WHERE {condition}");
        assert_eq!(fixture.latest(&condition).await, latest_of(&left(keep)), "WHERE {condition}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_filter_gives_the_rows_of_the_model(writes in writes(), start in 0..12_i64, len in 0..12_i64) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(writes, start, start + len));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_sources_of_many_rows_are_merged_in_parallel() {
    let fixture = Fixture::new().await;
    // Two generations of the same 100 series x 2,000 points; the second overrides field `a` of each third point.
    for (generation, step) in [(1, 1), (2, 3)] {
        for host in 0..100 {
            let lines =
                (0..2_000).step_by(step).map(|t| format!("m,host=h{host:02} a={generation},b={t} {t}\n"));
            fixture.write(lines.collect()).await;
        }
        if generation == 1 {
            fixture.engine.flush().await.unwrap();
        }
    }
    for state in ["file and chunks", "two files"] {
        let rows = fixture.select("true").await;
        assert_eq!(rows.len(), 200_000, "{state}");
        let expected = |t: i64| [Some(if t % 3 == 0 { 2 } else { 1 }), Some(t as u32)];
        assert!(rows.iter().all(|((_, t), v)| *v == expected(*t)), "{state}");
        fixture.engine.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ends_of_series_that_go_on_over_row_groups_are_found() {
    let fixture = Fixture::new().await;
    let row_count = i64::try_from(ROW_GROUP_ROWS).unwrap() * 5 / 4;
    for host in ["h0", "h1"] {
        for start in (0..row_count).step_by(10_000) {
            let times = start..row_count.min(start + 10_000);
            let with_b = |t: i64| if t < 100 { format!(",b={t}") } else { String::new() };
            fixture
                .write(times.map(|t| format!("m,host={host} a={}{} {t}\n", t + 1, with_b(t))).collect())
                .await;
        }
    }
    fixture.engine.flush().await.unwrap();
    let expected = |last_a: u32, last_b: u32, first_a: u32| -> Ends {
        let ends = [Some(last_a), Some(last_b), Some(first_a)];
        [("h0".to_owned(), ends), ("h1".to_owned(), ends)].into()
    };
    let last = u32::try_from(row_count).unwrap();
    assert_eq!(fixture.ends("time >= 0").await, expected(last, 99, 1));
    assert_eq!(fixture.ends("time >= 50 AND time < 200").await, expected(200, 99, 51));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_ends_with_a_row_group_has_its_end_there() {
    let fixture = Fixture::new().await;
    let border = i64::try_from(ROW_GROUP_ROWS).unwrap();
    for start in (0..border * 5 / 4).step_by(8_192) {
        // Row groups end where the field changes.
        let field = if start < border { "a" } else { "b" };
        let line = |t: i64| format!("m,host=h0 {field}={} {t}\n", t + 1);
        fixture.write((start..start + 8_192).map(line).collect()).await;
    }
    fixture.engine.flush().await.unwrap();
    let batches = fixture.influxql("SELECT last(a), last(b) FROM m").await;
    // Behind the measurement and the time.
    let value = |column: usize| batches[0].column(column).as_primitive::<Float64Type>().value(0) as i64;
    assert_eq!([value(2), value(3)], [border, border * 5 / 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_value_of_a_series_is_read_from_its_newest_file_only() {
    const DAY_NS: i64 = 86_400_000_000_000;
    let fixture = Fixture::new().await;
    // Of four days; h1 is written on the first two, and its b on the first.
    for day in 0..4 {
        let h1 = if day < 2 { format!("m,host=h1 a=1{day} {}\n", day * DAY_NS) } else { String::new() };
        let b = if day == 0 { format!("m,host=h1 b=20 {}\n", day * DAY_NS + 1) } else { String::new() };
        fixture.write(format!("m,host=h0 a=0{day},b=0{day} {}\n{h1}{b}", day * DAY_NS)).await;
        fixture.engine.flush().await.unwrap();
    }
    let read = async |calls: &str| -> (Ends, usize) {
        let text = format!("SELECT {calls} FROM m GROUP BY host");
        let plan = fixture.influxql(&format!("EXPLAIN ANALYZE {text}")).await;
        let lines = plan.iter().flat_map(|batch| {
            let texts = batch.column(1).as_string_view();
            (0..batch.num_rows()).map(|row| texts.value(row).to_owned()).collect::<Vec<_>>()
        });
        let mut read = lines.filter_map(|line| line.split_once("row_groups_read: ")?.1.parse().ok());
        (fixture.of_hosts(&[(&text, &[0, 1])]).await, read.next().unwrap())
    };
    let ends = |h0: [u32; 2], h1: [u32; 2]| -> Ends {
        [("h0", h0), ("h1", h1)].map(|(host, [a, b])| (host.to_owned(), [Some(a), Some(b), None])).into()
    };
    let (found, row_groups) = read("last(a), last(b)").await;
    assert_eq!(found, ends([3, 3], [11, 20]));
    assert_eq!(row_groups, 3, "of the last day, and of those on which h1 has values");
    let (found, row_groups) = read("first(a), first(b)").await;
    assert_eq!(found, ends([0, 0], [10, 20]));
    assert_eq!(row_groups, 1, "all begin on the first day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_value_beside_the_last_one_is_found_in_a_file_without_that_field() {
    let fixture = Fixture::new().await;
    for lines in ["m,host=h0 a=1,b=24 57", "m,host=h0 b=18 57"] {
        fixture.write(lines.into()).await;
        fixture.engine.flush().await.unwrap();
    }
    let batches = fixture.influxql("SELECT last(a), b FROM m").await;
    let value = |column: usize| batches[0].column(column).as_primitive::<Float64Type>().value(0) as i64;
    assert_eq!([value(2), value(3)], [1, 18]);
}
