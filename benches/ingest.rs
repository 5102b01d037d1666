//! How fast points are taken: line protocol in, on disk and visible when a write returns.
//! `cargo bench --bench ingest`.
//!
//! | benchmark | what is measured |
//! |---|---|
//! | `ingest/writers/N` | N writers, each with one request of 5,000 lines under way at a time; points of all of them |
//! | `stages/columns` | one such body from text to columns |
//! | `stages/wal-encode` | its columns to a record of the log |
//!
//! What `ingest` takes beyond the two stages is the disk, the catalog, and the buffers. Flushes run meanwhile, as in a
//! server.

mod generator;
mod loaded;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::future::join_all;
use generator::Generator;
use loaded::{BODY_LINES, Database, write_request};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tidegauge::engine::{WriteError, WriteRequest};
use tidegauge::line_protocol::{Precision, WriteOptions, to_batches};
use tidegauge::model::batch::WriteBatch;
use tidegauge::model::ids::{DatabaseId, PolicyId};
use tidegauge::wal::batch;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOSTS: usize = 1_000;

/// Requests that each writer has ready before the clock starts.
const REQUESTS_READY_MAX: u64 = 32;

/// Has each writer send its requests one after the other, and gives the time until all are done.
fn write_all(database: &Database, requests: Vec<Vec<WriteRequest>>) -> Duration {
    let writers = requests.into_iter().map(|requests| {
        let engine = database.engine.clone();
        database.runtime.spawn(async move {
            for request in requests {
                while let Err(error) = engine.write(request.clone()).await {
                    // A full buffer: as a client would, wait for the flush, here without its pause.
                    assert!(matches!(error, WriteError::Overloaded { .. }), "{error}");
                    engine.flush().await.expect("the disk works");
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let start = Instant::now();
    for done in database.runtime.block_on(join_all(writers)) {
        done.expect("no write panics");
    }
    start.elapsed()
}

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for writer_count in [1, 4] {
        group.throughput(Throughput::Elements((writer_count * BODY_LINES) as u64));
        group.bench_function(BenchmarkId::new("writers", writer_count), |b| {
            let database = Database::empty();
            let mut generators: Vec<_> =
                (0..writer_count).map(|writer| Generator::new(writer as u64, HOSTS)).collect();
            b.iter_custom(|iterations| {
                let (mut left, mut elapsed) = (iterations, Duration::ZERO);
                while left > 0 {
                    let count = left.min(REQUESTS_READY_MAX);
                    let bodies = |generator: &mut Generator| {
                        (0..count).map(|_| write_request(generator.lines(BODY_LINES))).collect()
                    };
                    let requests = generators.iter_mut().map(bodies).collect();
                    elapsed += write_all(&database, requests);
                    left -= count;
                }
                elapsed
            });
        });
    }
    group.finish();
}

fn stages(criterion: &mut Criterion) {
    let body = Generator::new(1, HOSTS).lines(BODY_LINES);
    let options = WriteOptions::new(Precision::Nanosecond, 0);
    let columns = || to_batches(black_box(body.as_bytes()), &options, |_| None).tables;
    let rows = WriteBatch { database: DatabaseId(1), policy: PolicyId(1), tables: columns() };
    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Elements(BODY_LINES as u64));
    group.bench_function("columns", |b| b.iter(columns));
    group.bench_function("wal-encode", |b| b.iter(|| batch::encode(black_box(&rows))));
    group.finish();
}

criterion_group!(benches, ingest, stages);
criterion_main!(benches);
