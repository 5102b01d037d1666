//! Tests of running queries over an engine: interruption, limits, EXPLAIN, and SHOW over buffer and files.

use super::tables::Tables as _;
use super::{
    QueryContext, QueryEngine, QueryError, QueryLimits, QueryOptions, QueryOrigin, StatementOutcome,
};
use crate::clock::ManualClock;
use crate::engine::{Deletion, Engine, EngineOptions, WriteRequest};
use crate::line_protocol::Precision;
use crate::model::time::TimeRange;
use crate::model::tombstone::SeriesFilter;
use crate::object::Store;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::{FutureExt, StreamExt, TryStreamExt};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an interruption may take.
const INTERRUPTION_MAX: Duration = Duration::from_millis(100);

struct Fixture {
    engine: Arc<Engine>,
    query: QueryEngine,
    _directory: tempfile::TempDir,
}

impl Fixture {
    async fn new(limits: QueryLimits) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let mut options = EngineOptions::new(directory.path().join("wal"));
        options.wal.disk_low_water_bytes = 0;
        let clock = Arc::new(ManualClock::new(0));
        let engine = Engine::open(options, Store::in_memory(), clock).await.expect("an empty store opens");
        engine.create_database("db", None).await.expect("the name will do");
        let options = QueryOptions { threads: 1, limits, ..QueryOptions::default() };
        let query = QueryEngine::new(engine.clone(), options).expect("a thread");
        Self { engine, query, _directory: directory }
    }

    async fn write(&self, body: &str) {
        let request = WriteRequest {
            database: "db".into(),
            policy: None,
            precision: Precision::Nanosecond,
            body: body.to_owned().into(),
        };
        self.engine.write(request).await.expect("the lines are right");
    }

    /// `series` series of `points` points each.
    async fn fill(&self, series: usize, points: usize) {
        let mut body = String::new();
        for s in 0..series {
            for t in 0..points {
                writeln!(body, "m,h=h{s:07},r=r{} f=1 {t}", s % 3).expect("a string");
            }
        }
        self.write(&body).await;
    }

    fn context(&self) -> QueryContext {
        QueryContext { database: Some("db".into()), ..QueryContext::default() }
    }

    async fn outcome(&self, text: &str, context: &QueryContext) -> Result<StatementOutcome, QueryError> {
        let statements = influxql::parse(text, &influxql::Params::new()).expect(text);
        self.query.influxql(&statements[0], context).await
    }

    async fn batches(&self, text: &str) -> Result<Vec<RecordBatch>, QueryError> {
        match self.outcome(text, &self.context()).await? {
            StatementOutcome::Rows(rows) => rows.batches.try_collect().await,
            StatementOutcome::Command(command) => panic!("{command:?}"),
            StatementOutcome::Into(_) => panic!("{text} writes"),
        }
    }

    async fn error(&self, text: &str) -> String {
        self.batches(text).await.expect_err(text).to_string()
    }

    /// A column of text.
    async fn texts(&self, text: &str, column: usize) -> Vec<String> {
        let batches = self.batches(text).await.expect(text);
        let columns = batches.iter().map(|batch| batch.column(column).as_string_view().iter());
        columns.flat_map(|column| column.flatten().map(str::to_owned)).collect()
    }

    /// Has the only thread of queries compute until the sender sends.
    fn keep_busy(&self) -> std::sync::mpsc::Sender<()> {
        let (busy, is_busy) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        self.query.runtime().spawn(async move {
            busy.send(()).expect("the test waits");
            let _ = released.recv();
        });
        is_busy.recv().expect("the thread runs");
        release
    }

    fn begin(&self, text: &str) -> QueryContext {
        let origin = QueryOrigin { text: text.to_owned(), ..QueryOrigin::default() };
        let running = self.query.running().begin(origin).expect("no limit");
        QueryContext { running: Some(running), ..self.context() }
    }
}

#[tokio::test]
async fn a_killed_query_ends_at_once_also_when_nobody_reads_it() {
    // The rows of the second are few enough that whoever reads them computes them.
    for points in [20_000, 2_000] {
        let fixture = Fixture::new(QueryLimits::default()).await;
        fixture.fill(10, points).await;
        let context = fixture.begin("the query");
        let outcome = fixture.outcome("SELECT f FROM m", &context).await.expect("it has a plan");
        let StatementOutcome::Rows(mut rows) = outcome else { panic!("a SELECT has rows") };
        rows.batches.next().await.expect("there are rows").expect("the query runs");
        let id = context.running.as_ref().expect("set above").id();
        fixture.query.running().kill(id).expect("it runs");
        let start = Instant::now();
        let error = rows.batches.next().await.expect("the error").expect_err("killed");
        assert_eq!(error.to_string(), "query interrupted");
        assert!(rows.batches.next().await.is_none());
        assert!(start.elapsed() < INTERRUPTION_MAX, "{:?}", start.elapsed());
        assert_eq!(fixture.error(&format!("KILL QUERY {id}")).await, "already killed");
        drop((rows, context));
    }
}

#[tokio::test]
async fn a_killed_query_ends_at_once_while_its_planning_cannot() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(1, 1).await;
    let release = fixture.keep_busy();
    let context = fixture.begin("the query");
    let id = context.running.as_ref().expect("set above").id();
    let planning = fixture.outcome("SELECT * FROM m", &context);
    let killing = async {
        tokio::task::yield_now().await;
        assert_eq!(fixture.texts("SHOW QUERIES", 2).await.first().map(String::as_str), Some("the query"));
        let start = Instant::now();
        fixture.batches(&format!("KILL QUERY {id}")).await.expect("it runs");
        start
    };
    let (planned, start) = tokio::join!(planning, killing);
    assert_eq!(planned.map(|_| ()).expect_err("killed").to_string(), "query interrupted");
    assert!(start.elapsed() < INTERRUPTION_MAX, "{:?}", start.elapsed());
    release.send(()).expect("the thread waits");
}

#[tokio::test]
async fn small_questions_need_no_thread_of_queries() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(2, 10).await;
    let release = fixture.keep_busy();
    let batches = fixture.batches("SELECT count(f) FROM m GROUP BY h").await.expect("it is answered");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    release.send(()).expect("the thread waits");
}

#[tokio::test]
async fn what_takes_long_to_look_at_is_looked_at_on_a_thread_of_queries() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    let is_at_hand = |text: &str| {
        let statements = influxql::parse(text, &influxql::Params::new()).expect(text);
        super::small::is_at_hand(&statements[0], fixture.context().defaults(), &fixture.engine)
    };
    fixture.fill(2, 20_000).await;
    assert!(!is_at_hand("SELECT f FROM m"), "its rows are to be sorted");
    fixture.batches("SELECT count(f) FROM m").await.expect("it is answered");
    assert!(is_at_hand("SELECT f FROM m"), "they are");
    let fields: Vec<String> = (0..1_000).map(|field| format!("f{field}=1")).collect();
    fixture.write(&format!("narrow,h=a {} 1", fields[1..].join(","))).await;
    fixture.write(&format!("wide,h=a {} 1", fields.join(","))).await;
    assert!(is_at_hand("SELECT f1 FROM narrow"));
    assert!(!is_at_hand("SELECT f1 FROM wide"));
    assert!(is_at_hand("SELECT f FROM nothing") && is_at_hand("SELECT f FROM nowhere..m"));
}

/// There is one partition, since there is one thread.
#[tokio::test]
async fn questions_about_many_rows_need_the_only_thread_of_queries() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(10, 20_000).await;
    let release = fixture.keep_busy();
    let outcome = fixture.outcome("SELECT f FROM m", &fixture.context()).await.expect("it has a plan");
    let StatementOutcome::Rows(mut rows) = outcome else { panic!("a SELECT has rows") };
    assert!(rows.batches.next().now_or_never().is_none(), "the thread has not answered yet");
    release.send(()).expect("the thread waits");
    assert!(rows.batches.next().await.expect("a row").is_ok());
}

#[tokio::test]
async fn what_deletions_have_left_is_looked_for_on_a_thread_of_queries() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(2, 10).await;
    fixture.engine.flush().await.expect("it is in memory");
    let table = fixture.engine.state().tables().next().expect("it was filled").id;
    let deletion = Deletion { table, times: TimeRange::new(0, 5), series: SeriesFilter::all() };
    fixture.engine.delete(&[deletion]).await.expect("it is in memory");
    let text = "SELECT count(f) FROM m GROUP BY h";
    let release = fixture.keep_busy();
    let (context, mut is_free) = (fixture.context(), false);
    let freeing = async {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        release.send(()).expect("the thread waits");
    };
    let answering = fixture.outcome(text, &context);
    tokio::pin!(freeing, answering);
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut answering => break outcome,
            () = &mut freeing, if !is_free => is_free = true,
        }
    };
    assert!(outcome.is_ok() && is_free, "it waits for the thread");
    let release = fixture.keep_busy();
    let batches = fixture.batches(text).await.expect("it is known now");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    release.send(()).expect("the thread waits");
}

#[tokio::test]
async fn a_statement_reads_a_table_at_one_moment() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(1, 1).await;
    let tables = fixture.query.snapshot().await.expect("nothing was deleted");
    let table = tables.state().tables().next().expect("it was filled").id;
    let first = tables.provider(table).expect("it is there");
    fixture.write("m,h=new g=1 1").await;
    let again = tables.provider(table).expect("it is there");
    assert!(again.schema().column_with_name("g").is_none(), "a plan has it as it was");
    drop((first, again));
    let anew = tables.provider(table).expect("it is there");
    assert!(anew.schema().column_with_name("g").is_some(), "nobody has it as it was");
}

#[tokio::test]
async fn a_statement_whose_table_is_dropped_meanwhile_is_planned_again() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(1, 1).await;
    let mut attempts = fixture.query.first_attempt();
    let tables = fixture.query.snapshot().await.expect("nothing was deleted");
    let table = tables.state().tables().next().expect("it was filled").id;
    fixture.engine.drop_measurement("db", "m").await.expect("it is in memory");
    let error = tables.provider(table).map(drop).expect_err("it is gone");
    assert!(attempts.again_after(&error).await, "{error}");
    let tables = fixture.query.snapshot().await.expect("nothing was deleted");
    assert!(tables.state().table_by_id(table).is_none());
    let mut count = 2;
    while attempts.again_after(&error).await {
        count += 1;
    }
    assert_eq!(count, 5, "not for ever");
}

#[tokio::test]
async fn a_query_ends_when_its_time_is_up() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(10, 20_000).await;
    let context = QueryContext { deadline: Some(Duration::ZERO), ..fixture.context() };
    // Planning may be done before the clock is looked at; the rows are not.
    let late = match fixture.outcome("SELECT f FROM m", &context).await {
        Err(error) => error,
        Ok(StatementOutcome::Rows(rows)) => rows.batches.try_collect::<Vec<_>>().await.expect_err("no time"),
        Ok(_) => panic!("a SELECT has rows"),
    };
    assert_eq!(late.to_string(), "query-timeout limit exceeded");
}

#[tokio::test]
async fn what_a_query_reads_is_bounded() {
    let limits = QueryLimits { select_points_max: 5, select_series_max: 2, ..QueryLimits::default() };
    let fixture = Fixture::new(limits).await;
    fixture.fill(3, 2).await;
    assert_eq!(fixture.error("SELECT f FROM m").await, "max-select-point limit exceeded: (6/5)");
    let of_one = "SELECT f FROM m WHERE h = 'h0000000'";
    assert_eq!(
        fixture.batches(of_one).await.expect(of_one).iter().map(RecordBatch::num_rows).sum::<usize>(),
        2
    );
    let limits = QueryLimits { select_series_max: 2, ..QueryLimits::default() };
    let fixture = Fixture::new(limits).await;
    fixture.fill(3, 1).await;
    assert_eq!(fixture.error("SELECT count(f) FROM m").await, "max-select-series limit exceeded: (3/2)");
    assert!(fixture.batches("SHOW SERIES").await.is_ok(), "SHOW may read all series");
}

#[tokio::test]
async fn the_windows_of_a_query_are_bounded() {
    let limits = QueryLimits { select_buckets_max: 5, ..QueryLimits::default() };
    let fixture = Fixture::new(limits).await;
    fixture.fill(1, 1).await;
    let of = |condition: &str| format!("SELECT mean(f) FROM m WHERE {condition} GROUP BY time(10s)");
    assert_eq!(
        fixture.error(&of("time >= 0s AND time < 100s")).await,
        "max-select-buckets limit exceeded: (10/5)"
    );
    assert!(fixture.batches(&of("time >= 0s AND time < 50s")).await.is_ok());
    let unbounded = fixture.error(&of("time < 100s")).await;
    assert!(unbounded.starts_with("max-select-buckets limit exceeded: ("), "{unbounded}");
}

#[tokio::test]
async fn only_so_many_queries_run_at_once() {
    let fixture = Fixture::new(QueryLimits { concurrent_max: 1, ..QueryLimits::default() }).await;
    let context = fixture.begin("the query");
    assert_eq!(fixture.error("SELECT f FROM m").await, "max-concurrent-queries limit exceeded(1, 1)");
    drop(context);
    assert!(fixture.batches("SELECT f FROM m").await.is_ok());
}

#[tokio::test]
async fn explain_tells_what_is_read() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    fixture.fill(3, 4).await;
    fixture.engine.flush().await.expect("it is in memory");
    fixture.fill(1, 1).await;
    let plan = fixture.texts("EXPLAIN SELECT mean(f) FROM m WHERE h = 'h0000001'", 1).await.join("\n");
    assert!(plan.contains("NUMBER OF FILES: 1 of 1\n"), "{plan}");
    assert!(plan.contains("NUMBER OF CHUNKS: 1 of 1\n"), "{plan}");
    assert!(plan.contains("DataSourceExec"), "{plan}");
    let analysis = fixture.texts("EXPLAIN ANALYZE SELECT mean(f) FROM m", 1).await.join("\n");
    for part in
        [".\n└── select\n    ├── execution_time: ", "rows: 1\n", "output_rows: ", "row_groups_read: 1"]
    {
        assert!(analysis.contains(part), "{part:?} in {analysis}");
    }
}

/// The same answers whether values come from chunks, the manifest or dictionaries.
#[tokio::test]
async fn tag_values_and_cardinalities_are_those_of_all_rows() {
    let fixture = Fixture::new(QueryLimits::default()).await;
    // More hosts than the manifest lists.
    fixture.fill(200, 1).await;
    for flushed in [false, true, true] {
        if flushed {
            fixture.engine.flush().await.expect("it is in memory");
        }
        assert_eq!(fixture.texts("SHOW TAG VALUES WITH KEY = r", 2).await, ["r0", "r1", "r2"]);
        let hosts = fixture.texts("SHOW TAG VALUES WITH KEY = h", 2).await;
        let expected: Vec<String> = (0..200).map(|s| format!("h{s:07}")).collect();
        assert_eq!(hosts, expected);
        assert_eq!(fixture.texts("SHOW TAG VALUES WITH KEY = h LIMIT 2 OFFSET 1", 2).await, expected[1..3]);
        for text in [
            "SHOW SERIES CARDINALITY",
            "SHOW SERIES EXACT CARDINALITY",
            "SHOW SERIES EXACT CARDINALITY WHERE f = 1",
        ] {
            let batches = fixture.batches(text).await.expect(text);
            assert_eq!(batches[0].column(1).as_primitive::<Int64Type>().values(), &[200], "{text}");
        }
        // Points of known series do not add to them.
        fixture.fill(100, 2).await;
    }
}
