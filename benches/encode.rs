//! How fast rows become responses: JSON, CSV and MessagePack of 100,000 rows in the generator's columns.
//! `cargo bench --bench encode`. Throughput is in bytes of the response.
//!
//! | benchmark | the rows |
//! |---|---|
//! | `raw/…` | one series: time, ten integers, the host's name as a column |
//! | `means/…` | one series per host: time and one float that is no whole number |

mod generator;

use arrow::array::{
    ArrayRef, AsArray, Float64Array, RecordBatch, StringViewArray, TimestampNanosecondArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::Int64Type;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generator::Generator;
use std::hint::black_box;
use std::sync::Arc;
use tidegauge::encode::v1::{Epoch, Format, Options, ResponseEncoder, StatementStyle};
use tidegauge::line_protocol::{Precision, WriteOptions, to_batches};
use tidegauge::model::batch::TableRows;
use tidegauge::model::limits::BATCH_ROWS;
use tidegauge::model::result::ResultShape;
use tidegauge::model::series_key;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 100_000;
const HOSTS: usize = 100;

/// A part of a response is sent when it has this many bytes, as in the server.
const PART_BYTES: usize = 64 << 10;

/// The generator's rows, sorted by host and time as queries give them.
fn rows() -> TableRows {
    let body = Generator::new(1, HOSTS).lines(ROWS);
    let converted = to_batches(body.as_bytes(), &WriteOptions::new(Precision::Nanosecond, 0), |_| None);
    let mut rows = converted.tables.into_iter().next().expect("all lines are of one table");
    let mut order: Vec<u32> = (0..ROWS as u32).collect();
    order.sort_by_key(|row| (rows.series_index[*row as usize], rows.times_ns[*row as usize]));
    rows.series_index = order.iter().map(|row| rows.series_index[*row as usize]).collect();
    rows.times_ns = order.iter().map(|row| rows.times_ns[*row as usize]).collect();
    let order = UInt32Array::from(order);
    for field in &mut rows.fields {
        field.values = take(&field.values, &order, None).expect("the order is of these rows");
    }
    rows
}

/// Every row's host.
fn hosts(rows: &TableRows) -> ArrayRef {
    let host = |key: &str| series_key::tag_value(key, "hostname").map(|value| value.into_owned());
    let hosts: Vec<_> = rows.series.iter().map(|key| host(key)).collect();
    Arc::new(rows.series_index.iter().map(|i| hosts[*i as usize].as_deref()).collect::<StringViewArray>())
}

/// Columns as a result: the first is the name, those of `tags` group, the others are shown.
fn result(columns: Vec<(String, ArrayRef)>, tags: &[usize]) -> (ResultShape, Vec<RecordBatch>) {
    let names: Vec<Arc<str>> = columns.iter().map(|(name, _)| name.as_str().into()).collect();
    let whole = RecordBatch::try_from_iter(columns).expect("all columns have the same length");
    let column = |i: usize| (names[i].clone(), i);
    let shape = ResultShape {
        schema: whole.schema(),
        name: 0,
        group_tags: tags.iter().copied().map(column).collect(),
        columns: (1..names.len()).filter(|i| !tags.contains(i)).map(column).collect(),
        time_zone: None,
    };
    let batches = (0..ROWS).step_by(BATCH_ROWS).map(|at| whole.slice(at, BATCH_ROWS.min(ROWS - at)));
    (shape, batches.collect())
}

fn respond(options: &Options, shape: &ResultShape, batches: &[RecordBatch]) -> usize {
    let (mut encoder, mut bytes) = (ResponseEncoder::new(options), 0);
    encoder.begin_statement(0, StatementStyle::default());
    encoder.rows(shape);
    for batch in batches {
        encoder.batch(batch).expect("rows suit their shape");
        if encoder.ready_bytes() >= PART_BYTES {
            bytes += black_box(encoder.take()).len();
        }
    }
    encoder.end_statement();
    encoder.finish();
    bytes + black_box(encoder.take()).len()
}

fn encode(criterion: &mut Criterion) {
    let rows = rows();
    let name: ArrayRef = Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n("cpu", ROWS)));
    let time: ArrayRef = Arc::new(TimestampNanosecondArray::from(rows.times_ns.clone()));
    let mut raw = vec![("name".to_owned(), name.clone()), ("time".to_owned(), time.clone())];
    raw.extend(rows.fields.iter().map(|field| (field.name.to_string(), field.values.clone())));
    raw.push(("hostname".to_owned(), hosts(&rows)));
    let sevenths = rows.fields[0].values.as_primitive::<Int64Type>().unary(|value| value as f64 / 7.0);
    let sevenths: Float64Array = sevenths;
    let means = vec![
        ("name".to_owned(), name),
        ("hostname".to_owned(), hosts(&rows)),
        ("time".to_owned(), time),
        ("mean".to_owned(), Arc::new(sevenths) as ArrayRef),
    ];
    let formats = [
        ("json", Format::Json, None),
        ("json-epoch", Format::Json, Some(Epoch::Milliseconds)),
        ("csv", Format::Csv, None),
        ("message-pack", Format::MessagePack, None),
    ];
    for (kind, (shape, batches)) in [("raw", result(raw, &[])), ("means", result(means, &[1]))] {
        let mut group = criterion.benchmark_group(format!("encode/{kind}"));
        for (name, format, epoch) in formats {
            let options = Options { format, epoch, ..Options::default() };
            group.throughput(Throughput::Bytes(respond(&options, &shape, &batches) as u64));
            group.bench_function(name, |b| b.iter(|| respond(&options, &shape, &batches)));
        }
        group.finish();
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
