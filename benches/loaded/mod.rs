//! An engine on a local folder that holds the generator's points, and how to ask it things: what the benchmarks of
//! reading and writing share.
//!
//! The folder lies in Cargo's target folder, so that writes wait for a disk and not for memory that calls itself one.

#![allow(dead_code, unreachable_pub, reason = "each benchmark includes it and uses a part of it")]

use crate::generator::{Generator, START_NS};
use futures::StreamExt;
use std::sync::Arc;
use tempfile::TempDir;
use tidegauge::clock::ManualClock;
use tidegauge::encode::v1::{Options, ResponseEncoder, StatementStyle};
use tidegauge::engine::{Engine, EngineOptions, WriteRequest};
use tidegauge::line_protocol::Precision;
use tidegauge::object::{Store, StoreOptions};
use tidegauge::query::{QueryContext, QueryEngine, QueryOptions, StatementOutcome};
use tokio::runtime::Runtime;

/// The database of all benchmarks.
pub const DATABASE: &str = "bench";

/// Lines of one write.
pub const BODY_LINES: usize = 5_000;

/// A running engine. Dropping it removes its folder.
pub struct Database {
    /// Where writes and background work run.
    pub runtime: Runtime,
    /// The engine.
    pub engine: Arc<Engine>,
    /// Queries over it.
    pub query: QueryEngine,
    _folder: TempDir,
}

impl Database {
    /// An engine without points. It flushes by itself when its buffer is full; never because of age.
    pub fn empty() -> Self {
        Self::opened(|_| {})
    }

    /// An engine without points whose options are changed by `set`. Its clock stands, so that age is no reason to flush.
    pub fn opened(set: impl FnOnce(&mut EngineOptions)) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder can be made");
        let runtime = Runtime::new().expect("threads can be had");
        let url = folder.path().join("store").into_os_string().into_string().expect("the path is UTF-8");
        let store = Store::open(&StoreOptions::new(url)).expect("the store opens");
        let mut options = EngineOptions::new(folder.path().join("wal"));
        options.wal.disk_low_water_bytes = 0;
        set(&mut options);
        let opening = Engine::open(options, store, Arc::new(ManualClock::new(START_NS)));
        let engine = runtime.block_on(opening).expect("the engine opens");
        runtime.block_on(engine.create_database(DATABASE, None)).expect("the name will do");
        let query = QueryEngine::new(engine.clone(), QueryOptions::default()).expect("threads can be had");
        Self { runtime, engine, query, _folder: folder }
    }

    /// An engine with the points of [`host_count`] hosts over [`hour_count`] hours, all in its buffer as long as
    /// that holds them.
    pub fn loaded() -> Self {
        let database = Self::empty();
        database.load(hour_count());
        database
    }

    /// Writes the points of [`host_count`] hosts over so many hours.
    pub fn load(&self, hour_count: usize) {
        let mut generator = Generator::new(1, host_count());
        let mut left = host_count() * hour_count * POINTS_PER_HOUR;
        while left > 0 {
            let line_count = left.min(BODY_LINES);
            let request = write_request(generator.lines(line_count));
            let outcome = self.runtime.block_on(self.engine.write(request)).expect("there is room");
            assert_eq!(outcome.points_written, line_count);
            left -= line_count;
        }
    }

    /// Writes everything buffered to files.
    pub fn flush(&self) {
        self.runtime.block_on(self.engine.flush()).expect("the disk works");
    }

    /// Answers an InfluxQL statement as JSON, and gives the response's bytes.
    pub fn ask(&self, text: &str) -> Vec<u8> {
        let statements = influxql::parse(text, &influxql::Params::new()).expect("the query is right");
        self.runtime.block_on(async {
            let mut encoder = ResponseEncoder::new(&Options::default());
            let mut response = Vec::new();
            for (id, statement) in statements.iter().enumerate() {
                encoder.begin_statement(id, StatementStyle::default());
                let outcome = self.query.influxql(statement, &context()).await.expect("the query has a plan");
                if let StatementOutcome::Rows(mut rows) = outcome {
                    encoder.rows(&rows.shape);
                    while let Some(batch) = rows.batches.next().await {
                        encoder.batch(&batch.expect("the query runs")).expect("rows suit their shape");
                        response.extend(encoder.take());
                    }
                }
                encoder.end_statement();
            }
            encoder.finish();
            response.extend(encoder.take());
            response
        })
    }
}

/// A host's points in an hour.
const POINTS_PER_HOUR: usize = 360;

/// Hosts of a loaded database: `TIDEGAUGE_BENCH_HOSTS`.
pub fn host_count() -> usize {
    number_of("TIDEGAUGE_BENCH_HOSTS", 100)
}

/// Hours of a loaded database: `TIDEGAUGE_BENCH_HOURS`.
pub fn hour_count() -> usize {
    number_of("TIDEGAUGE_BENCH_HOURS", 12)
}

/// The number in a variable of the environment.
pub fn number_of(variable: &str, default: usize) -> usize {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().ok().filter(|number| *number > 0).unwrap_or_else(|| panic!("{variable} is a number above 0"))
}

/// What statements are run with.
pub fn context() -> QueryContext {
    QueryContext { database: Some(DATABASE.to_owned()), now_ns: START_NS, ..QueryContext::default() }
}

/// A write of these lines.
pub fn write_request(lines: String) -> WriteRequest {
    WriteRequest {
        database: DATABASE.to_owned(),
        policy: None,
        precision: Precision::Nanosecond,
        body: lines.into(),
    }
}
