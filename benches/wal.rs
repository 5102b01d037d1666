//! The write-ahead log on rows like those of the TSBS devops data: ten integer fields, ten tags.
//!
//! `encode` and `decode` are pure; `append` waits for the disk after every batch; `replay` opens a log
//! of 64 such batches. Throughput is in rows.

use arrow::array::Int64Array;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fastrand::Rng;
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use tidegauge::model::batch::{FieldColumn, TableRows, WriteBatch};
use tidegauge::model::ids::{DatabaseId, PolicyId, Sequence};
use tidegauge::model::series_key;
use tidegauge::wal::{Wal, WalOptions, batch};

const HOSTS: usize = 1_000;
const ROWS_PER_HOST: usize = 10;
const BATCHES: usize = 64;

/// A batch of every host's values at ten moments, ten seconds apart; values wander between 0 and 100.
fn tsbs_batch() -> WriteBatch {
    let rows = HOSTS * ROWS_PER_HOST;
    let series = (0..HOSTS).map(|host| {
        let (region, rack, service) = (host % 9, host % 100, host % 20);
        let tags = [
            ("arch", "x64".to_owned()),
            ("datacenter", format!("eu-central-{region}a")),
            ("hostname", format!("host_{host}")),
            ("os", "Ubuntu16.04LTS".to_owned()),
            ("rack", rack.to_string()),
            ("region", format!("eu-central-{region}")),
            ("service", service.to_string()),
            ("service_environment", "production".to_owned()),
            ("service_version", "1".to_owned()),
            ("team", "SF".to_owned()),
        ];
        series_key::encode(tags).into()
    });
    let mut random = Rng::with_seed(1);
    let field = |i: usize| FieldColumn {
        name: format!("usage_{i}").into(),
        values: Arc::new(Int64Array::from_iter_values((0..rows).map(|_| random.i64(0..=100)))),
    };
    let table = TableRows {
        table: "cpu".into(),
        series: series.collect(),
        series_index: (0..rows).map(|row| (row % HOSTS) as u32).collect(),
        times_ns: (0..rows)
            .map(|row| 1_451_606_400_000_000_000 + (row / HOSTS) as i64 * 10_000_000_000)
            .collect(),
        fields: (0..10).map(field).collect(),
    };
    WriteBatch { database: DatabaseId(1), policy: PolicyId(1), tables: vec![table] }
}

fn open(directory: &std::path::Path, after: u64) -> Wal {
    let options = WalOptions { disk_low_water_bytes: 0, ..WalOptions::new(directory) };
    let replay = |_, batch| {
        black_box(batch);
        Ok::<(), Infallible>(())
    };
    let (wal, report) = Wal::open(options, Sequence(after), replay).expect("the log opens");
    assert!(report.is_complete());
    wal
}

fn wal(c: &mut Criterion) {
    let original = tsbs_batch();
    let bytes = batch::encode(&original);
    let rows = original.row_count() as u64;
    eprintln!("{} bytes, {:.1} a row", bytes.len(), bytes.len() as f64 / rows as f64);

    let mut group = c.benchmark_group("wal");
    group.throughput(Throughput::Elements(rows));
    group.bench_function("encode", |b| b.iter(|| batch::encode(black_box(&original))));
    group.bench_function("decode", |b| b.iter(|| batch::decode(black_box(&bytes))));

    let directory = tempfile::tempdir().expect("a folder");
    let wal = open(directory.path(), 0);
    group.bench_function("append", |b| {
        b.iter_batched(
            || bytes.clone(),
            |payload| wal.append(payload).and_then(|a| a.durable.wait()).expect("the disk works"),
            BatchSize::SmallInput,
        );
    });
    drop(wal);

    let directory = tempfile::tempdir().expect("a folder");
    let wal = open(directory.path(), 0);
    group.sample_size(10);
    group.throughput(Throughput::Elements(rows * BATCHES as u64));
    group.bench_function("append, all before waiting", |b| {
        b.iter(|| {
            let waits: Vec<_> = (0..BATCHES)
                .map(|_| wal.append(batch::encode(&original)).expect("the queue has room").durable)
                .collect();
            waits.into_iter().for_each(|w| w.wait().expect("the disk works"));
        });
    });
    drop(wal);

    let directory = tempfile::tempdir().expect("a folder");
    let wal = open(directory.path(), 0);
    for _ in 0..BATCHES {
        wal.append(bytes.clone()).expect("the queue has room");
    }
    drop(wal);
    group.bench_function("replay", |b| b.iter(|| open(directory.path(), 0)));
    group.finish();
}

criterion_group!(benches, wal);
criterion_main!(benches);
