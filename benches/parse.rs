//! Line protocol: how fast lines are read, beside the crate `influxdb-line-protocol` on the same lines, and how
//! fast they become columns. `cargo bench --bench parse`.
//!
//! | benchmark | what is done per line |
//! |---|---|
//! | `parse/influxdb-line-protocol` | tags and fields into its `ParsedLine` |
//! | `parse/tidegauge` | the same work: series text split into sorted tags, fields, time |
//! | `parse/tidegauge-lines` | the series text left as it is, as `columns` uses it |
//! | `columns/…` | the whole way to Arrow arrays and series keys, bodies of 5,000 lines |

mod generator;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use generator::Generator;
use std::hint::black_box;
use tidegauge::line_protocol::{Line, Parser, Precision, SeriesText, WriteOptions, to_batches};

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LINE_COUNT: usize = 5_000;

fn theirs(body: &str) -> usize {
    influxdb_line_protocol::parse_lines(body)
        .map(|line| {
            let line = line.expect("generated lines are good");
            black_box(&line);
            line.field_set.len()
        })
        .sum()
}

fn ours(body: &str) -> usize {
    let (mut line, mut series, mut fields) = (Line::default(), SeriesText::default(), 0);
    let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
    while let Some(parsed) = parser.next_line(&mut line) {
        parsed.expect("generated lines are good");
        series.read(line.series).expect("generated lines are good");
        black_box((&line, &series));
        fields += line.fields.len();
    }
    fields
}

fn ours_without_series(body: &str) -> usize {
    let (mut line, mut fields) = (Line::default(), 0);
    let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
    while let Some(parsed) = parser.next_line(&mut line) {
        parsed.expect("generated lines are good");
        black_box(&line);
        fields += line.fields.len();
    }
    fields
}

fn columns(body: &str) -> usize {
    let options = WriteOptions::new(Precision::Nanosecond, 0);
    black_box(to_batches(black_box(body.as_bytes()), &options, |_| None)).points_accepted
}

fn parse(criterion: &mut Criterion) {
    let body = Generator::new(1, 4_000).lines(LINE_COUNT);
    assert_eq!(theirs(&body), ours(&body));
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::ElementsAndBytes { elements: LINE_COUNT as u64, bytes: body.len() as u64 });
    group.bench_function("influxdb-line-protocol", |b| b.iter(|| theirs(black_box(&body))));
    group.bench_function("tidegauge", |b| b.iter(|| ours(black_box(&body))));
    group.bench_function("tidegauge-lines", |b| b.iter(|| ours_without_series(black_box(&body))));
    group.finish();

    let mut group = criterion.benchmark_group("columns");
    group.throughput(Throughput::Elements(LINE_COUNT as u64));
    for host_count in [100, 1_000, 10_000] {
        let body = Generator::new(1, host_count).lines(LINE_COUNT);
        group.bench_with_input(BenchmarkId::new("hosts", host_count), &body, |b, body| {
            b.iter(|| columns(body));
        });
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
