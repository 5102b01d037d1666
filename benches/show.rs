//! How fast SHOW statements answer over many series and many measurements. `cargo bench --bench show`.
//!
//! | benchmark | what |
//! |---|---|
//! | `show/tag-values-of-few` | a tag of 10 values in a measurement of many series, in files |
//! | `show/tag-values-page` | the first 100 values of a tag that has as many values as there are series |
//! | `show/tag-values-buffered` | as the first, before the buffer was flushed |
//! | `show/series-cardinality` | how many series there are |
//! | `show/measurements`, `show/field-keys` | of many measurements |
//!
//! `TIDEGAUGE_BENCH_SERIES` sets the number of series (1,000,000), `TIDEGAUGE_BENCH_MEASUREMENTS` that of measurements (10,000).

mod generator;
mod loaded;

use criterion::{Criterion, criterion_group, criterion_main};
use generator::START_NS;
use loaded::{BODY_LINES, Database, number_of, write_request};
use std::fmt::Write as _;
use std::hint::black_box;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Writes a point per number below `count`, as `line` has it.
fn write(database: &Database, count: usize, line: impl Fn(usize, &mut String)) {
    for start in (0..count).step_by(BODY_LINES) {
        let mut lines = String::new();
        (start..count.min(start + BODY_LINES)).for_each(|i| line(i, &mut lines));
        database.runtime.block_on(database.engine.write(write_request(lines))).expect("there is room");
    }
}

fn many_series() -> Database {
    let database = Database::empty();
    write(&database, number_of("TIDEGAUGE_BENCH_SERIES", 1_000_000), |i, lines| {
        writeln!(lines, "cpu,host=host_{i},region=region_{} usage=1 {START_NS}", i % 10).expect("a string");
    });
    database
}

fn many_measurements() -> Database {
    let database = Database::empty();
    write(&database, number_of("TIDEGAUGE_BENCH_MEASUREMENTS", 10_000), |i, lines| {
        writeln!(lines, "m_{i},host=a usage=1,idle=2i {START_NS}").expect("a string");
    });
    database
}

fn show(c: &mut Criterion) {
    let mut group = c.benchmark_group("show");
    group.sample_size(10);
    let database = many_series();
    let few = "SHOW TAG VALUES FROM cpu WITH KEY = region";
    group.bench_function("tag-values-buffered", |b| b.iter(|| black_box(database.ask(few))));
    database.flush();
    for (name, text) in [
        ("tag-values-of-few", few),
        ("tag-values-page", "SHOW TAG VALUES FROM cpu WITH KEY = host LIMIT 100"),
        ("series-cardinality", "SHOW SERIES CARDINALITY"),
    ] {
        group.bench_function(name, |b| b.iter(|| black_box(database.ask(text))));
    }
    drop(database);
    let database = many_measurements();
    for (name, text) in [("measurements", "SHOW MEASUREMENTS"), ("field-keys", "SHOW FIELD KEYS")] {
        group.bench_function(name, |b| b.iter(|| black_box(database.ask(text))));
    }
    group.finish();
}

criterion_group!(benches, show);
criterion_main!(benches);
