//! How long queries take over a loaded engine, from their text to the last byte of a JSON response.
//! `cargo bench --bench query`, with `TIDEGAUGE_BENCH_HOSTS` (100) and `TIDEGAUGE_BENCH_HOURS` (12) for the size.
//!
//! Each is measured twice: `buffered`, with the rows in memory, and `flushed`, with all of them in Parquet files. (A size that
//! does not fit the buffer is flushed in part, in either case.)
//!
//! | benchmark | asks for |
//! |---|---|
//! | `one-host-one-hour` | a field of one host, an hour by minute: TSBS single-groupby-1-1-1 |
//! | `all-hosts-by-hour` | the mean of a field of every host by hour: TSBS double-groupby-1 |
//! | `raw-host-hour` | every field of one host in an hour |
//! | `mean-of-all` | the mean of one field over all rows |
//! | `tag-values` | SHOW TAG VALUES of the hosts |

mod generator;
mod loaded;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use generator::START_NS;
use loaded::{Database, host_count, hour_count};
use std::hint::black_box;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOUR_NS: i64 = 3_600_000_000_000;

/// Name, text and least size of the response in lines of a table, so that nothing is measured that finds nothing.
fn queries() -> Vec<(&'static str, String, usize)> {
    let (hosts, hours) = (host_count(), hour_count());
    let host = format!("host_{}", hosts / 2);
    let start = START_NS + (hours as i64 / 2) * HOUR_NS;
    let hour = format!("time >= {start} AND time < {}", start + HOUR_NS);
    let all = format!("time >= {START_NS} AND time < {}", START_NS + hours as i64 * HOUR_NS);
    vec![
        (
            "one-host-one-hour",
            format!("SELECT max(usage_user) FROM cpu WHERE hostname = '{host}' AND {hour} GROUP BY time(1m)"),
            60,
        ),
        (
            "all-hosts-by-hour",
            format!("SELECT mean(usage_user) FROM cpu WHERE {all} GROUP BY time(1h), hostname"),
            hosts * hours,
        ),
        ("raw-host-hour", format!("SELECT * FROM cpu WHERE hostname = '{host}' AND {hour}"), 360),
        ("mean-of-all", "SELECT mean(usage_user) FROM cpu".to_owned(), 1),
        ("tag-values", "SHOW TAG VALUES FROM cpu WITH KEY = hostname".to_owned(), hosts),
    ]
}

/// The number of rows in a JSON response: each is an array within the array `values`.
fn row_count(response: &[u8]) -> usize {
    let text = std::str::from_utf8(response).expect("JSON is UTF-8");
    let parts = text.split("\"values\":[").skip(1);
    parts.map(|part| part.split("]]").next().map_or(0, |rows| rows.matches('[').count())).sum()
}

fn query(criterion: &mut Criterion) {
    let database = Database::loaded();
    for state in ["buffered", "flushed"] {
        if state == "flushed" {
            database.flush();
            assert_eq!(database.engine.status().buffer_bytes, 0);
        }
        let mut group = criterion.benchmark_group("query");
        group.sample_size(20);
        for (name, text, rows) in queries() {
            let response = database.ask(&text);
            assert_eq!(row_count(&response), rows, "{name}: {}", String::from_utf8_lossy(&response));
            group
                .bench_function(BenchmarkId::new(name, state), |b| b.iter(|| black_box(database.ask(&text))));
        }
        group.finish();
    }
}

criterion_group!(benches, query);
criterion_main!(benches);
