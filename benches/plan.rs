//! Where the time of a small query goes: "one series, one hour, by minute", from its text to its response, stage by
//! stage. `cargo bench --bench plan`; the size is set as for `query`.
//!
//! | benchmark | from … to |
//! |---|---|
//! | `plan/parse` | text → syntax tree |
//! | `plan/resolve` | → IR: names, types, sources |
//! | `plan/logical-plan` | → DataFusion's logical plan, over a read view |
//! | `plan/physical-plan` | → executable, after the physical rules |
//! | `plan/first-batch` | → first batch |
//! | `plan/other-batches` | → end of the rows |
//! | `plan/encode` | → JSON |
//! | `plan/all` | all of these in a row |

mod generator;
mod loaded;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::TryStreamExt;
use generator::START_NS;
use influxql::Params;
use influxql::ast::{Select, Statement};
use loaded::{Database, context};
use std::time::{Duration, Instant};
use tidegauge::encode::v1::{Options, ResponseEncoder, StatementStyle};
use tidegauge::query::timing::Timings;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn select(text: &str) -> Select {
    let statements = influxql::parse(text, &Params::new()).expect("the query is right");
    match statements.into_iter().next() {
        Some(Statement::Select(select)) => *select,
        other => panic!("{other:?} is no SELECT"),
    }
}

/// What every stage of one run took.
struct Stages {
    parse: Duration,
    query: Timings,
    encode: Duration,
    all: Duration,
}

fn run(database: &Database, text: &str) -> Stages {
    let start = Instant::now();
    let select = select(text);
    let parse = start.elapsed();
    let timed = database.runtime.block_on(database.query.timed(&select, &context()));
    let (rows, query) = timed.expect("the query runs");
    let batches: Vec<_> = database.runtime.block_on(rows.batches.try_collect()).expect("all are there");
    let encoding = Instant::now();
    let mut encoder = ResponseEncoder::new(&Options::default());
    encoder.begin_statement(0, StatementStyle::default());
    encoder.rows(&rows.shape);
    for batch in &batches {
        encoder.batch(batch).expect("rows suit their shape");
    }
    encoder.end_statement();
    encoder.finish();
    assert!(encoder.take().len() > 60 * 20, "an hour has sixty minutes");
    Stages { parse, query, encode: encoding.elapsed(), all: start.elapsed() }
}

/// How long one part of a run took.
type Part = fn(&Stages) -> Duration;

fn plan(criterion: &mut Criterion) {
    let database = Database::loaded();
    database.flush();
    let text = format!(
        "SELECT max(usage_user) FROM cpu WHERE hostname = 'host_0' AND time >= {START_NS} AND time < {} \
         GROUP BY time(1m)",
        START_NS + 3_600_000_000_000,
    );
    let stages: [(&str, Part); 8] = [
        ("parse", |s| s.parse),
        ("resolve", |s| s.query.resolve),
        ("logical-plan", |s| s.query.logical_plan),
        ("physical-plan", |s| s.query.physical_plan),
        ("first-batch", |s| s.query.first_batch),
        ("other-batches", |s| s.query.other_batches),
        ("encode", |s| s.encode),
        ("all", |s| s.all),
    ];
    let mut group = criterion.benchmark_group("plan");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (name, stage) in stages {
        // Criterion plans by the clock on the wall, so that a short stage is repeated no more often than a long one.
        group.sample_size(20).bench_function(name, |b| {
            b.iter_custom(|iterations| (0..iterations).map(|_| stage(&run(&database, &text))).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, plan);
criterion_main!(benches);
