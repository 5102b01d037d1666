//! What many series cost: `cargo bench --bench many_series`.
//!
//! The real server with a bounded memory takes one point of each of millions of series, four tags each, and is asked; then it is
//! started again and asked once more. Printed are times, and the most memory that the process ever held.
//!
//! `TIDEGAUGE_BENCH_SERIES` sets the number of series (5,000,000), `TIDEGAUGE_BENCH_MEMORY_BYTES` the memory (1 GiB).

mod generator;
#[path = "../tests/it/scenario/http.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod http;
mod loaded;
#[path = "../tests/it/process.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod process;

/// Where the module of processes looks for its HTTP client.
mod scenario {
    pub(crate) use super::http;
}

use loaded::number_of;
use process::Server;
use std::fmt::Write as _;
use std::time::Instant;

const SERIES: usize = 5_000_000;
const MEMORY_BYTES: usize = 1 << 30;
const LINES_PER_REQUEST: usize = 10_000;
const HOSTS: usize = 1_000;

fn line(lines: &mut String, series: usize) {
    let (host, zone) = (series % HOSTS, series % 7);
    writeln!(
        lines,
        "requests,host=host-{host},id={series:08x},path=/a/{},zone=z{zone} count={series}i 1",
        series % 97
    )
    .expect("a string takes everything");
}

fn questions(series_count: usize) -> [(&'static str, String); 8] {
    let middle = series_count / 2;
    [
        ("one-series", format!("SELECT * FROM requests WHERE id = '{middle:08x}'")),
        (
            "one-host",
            "SELECT count(\"count\"), sum(\"count\") FROM requests WHERE host = 'host-7'".to_owned(),
        ),
        ("by-zone", "SELECT count(\"count\") FROM requests GROUP BY zone".to_owned()),
        ("count", "SELECT count(\"count\") FROM requests".to_owned()),
        ("cardinality", "SHOW SERIES EXACT CARDINALITY".to_owned()),
        ("tag-values", "SHOW TAG VALUES WITH KEY = host".to_owned()),
        ("many-tag-values", "SHOW TAG VALUES CARDINALITY WITH KEY = id".to_owned()),
        ("series-of-host", "SHOW SERIES WHERE host = 'host-7' LIMIT 5".to_owned()),
    ]
}

fn ask(server: &Server, series_count: usize) {
    for (name, question) in questions(series_count) {
        let start = Instant::now();
        let answer = server.query("db", &question).to_string();
        let shown: String = answer.chars().take(120).collect();
        println!("  {name:<16} {:>10.1?}  {} MB  {shown}", start.elapsed(), server.memory_bytes_max() >> 20);
    }
}

fn main() {
    let series_count = number_of("TIDEGAUGE_BENCH_SERIES", SERIES);
    let memory = number_of("TIDEGAUGE_BENCH_MEMORY_BYTES", MEMORY_BYTES).to_string();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder can be made");
    let settings = [("TIDEGAUGE_MEMORY_BYTES", memory.as_str())];
    let server = Server::start(folder.path(), &settings);
    println!("idle: {} MB", server.memory_bytes_max() >> 20);
    server.query("db", "CREATE DATABASE db");
    let start = Instant::now();
    for first in (0..series_count).step_by(LINES_PER_REQUEST) {
        let mut lines = String::new();
        (first..(first + LINES_PER_REQUEST).min(series_count)).for_each(|series| line(&mut lines, series));
        loop {
            let answer = server.write("db", lines.clone());
            match answer.status {
                204 => break,
                503 => std::thread::sleep(std::time::Duration::from_millis(100)),
                status => panic!("{status}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
    }
    println!(
        "{series_count} series written in {:.1?}: {} MB",
        start.elapsed(),
        server.memory_bytes_max() >> 20
    );
    ask(&server, series_count);
    drop(server);
    let start = Instant::now();
    let server = Server::start(folder.path(), &settings);
    println!("started again in {:.1?}", start.elapsed());
    ask(&server, series_count);
}
