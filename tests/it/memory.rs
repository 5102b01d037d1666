//! Queries that need more memory than they may have: they spill, or end with an error that says so, and writes go on.

use crate::scenario::http::{Request, Response, send};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tokio::runtime::Runtime;

const QUERY_BYTES: u64 = 8 << 20;
const ROWS: usize = 500_000;
const SERIES: usize = 50;
/// How long a small write may take while queries compete for memory. Generous: machines that run tests are busy.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

struct Server {
    app: App,
    runtime: Runtime,
    _folder: TempDir,
}

impl Server {
    fn start(threads: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        for (name, value) in [
            ("bind", "127.0.0.1:0"),
            ("data", folder.path().to_str().unwrap()),
            ("query.threads", threads),
            ("query.memory_per_query_bytes", &QUERY_BYTES.to_string()),
            ("query.memory_bytes", &(QUERY_BYTES * 3).to_string()),
        ] {
            config.set(name, value).unwrap();
        }
        let config = config.fitted_to(&Machine { memory_bytes: 2 << 30, core_count: 2 }).unwrap();
        let runtime = Runtime::new().unwrap();
        let app = runtime.block_on(App::start(&config)).unwrap();
        Self { app, runtime, _folder: folder }
    }

    fn load(&self) {
        ask(self.app.address(), "CREATE DATABASE db");
        let mut row = 0;
        while row < ROWS {
            let lines: String = (row..row + 10_000).map(line).collect();
            assert_eq!(write(self.app.address(), lines).status, 204);
            row += 10_000;
        }
        self.runtime.block_on(self.app.engine().flush()).unwrap();
    }
}

/// Five times as many bytes as a query may have, in all.
fn line(row: usize) -> String {
    let text = format!("{:0>30}", row.wrapping_mul(2_654_435_761));
    format!("m,host=h{} text=\"{text}\",value={row}i {}\n", row % SERIES, row * 1_000_000)
}

fn write(address: SocketAddr, lines: String) -> Response {
    let target = "/write?db=db".into();
    send(address, &Request { method: "POST".into(), target, headers: Vec::new(), body: lines.into() })
        .unwrap()
}

fn ask(address: SocketAddr, text: &str) -> Vec<Value> {
    let q: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let target = format!("/query?db=db&epoch=ns&chunked=true&q={q}");
    let request = Request { method: "POST".into(), target, headers: Vec::new(), body: Vec::new() };
    let body = send(address, &request).unwrap().body;
    serde_json::Deserializer::from_slice(&body).into_iter().map(Result::unwrap).collect()
}

/// The error of an answer.
fn error_of(documents: &[Value]) -> Option<&str> {
    documents.iter().find_map(|document| document["results"][0]["error"].as_str())
}

#[test]
fn what_does_not_fit_into_memory_is_sorted_on_disk() {
    // With several threads each sort has a part of the memory, and needs several batches to merge.
    let server = Server::start("1");
    server.load();
    let documents = ask(server.app.address(), "SELECT * FROM m");
    assert_eq!(error_of(&documents), None);
    let rows = documents
        .iter()
        .flat_map(|document| document["results"][0]["series"][0]["values"].as_array())
        .flatten();
    let times: Vec<i64> = rows.map(|row| row[0].as_i64().unwrap()).collect();
    assert_eq!(times.len(), ROWS);
    assert!(times.is_sorted());
}

#[test]
fn heavy_queries_end_and_writes_go_on() {
    let server = Server::start("2");
    server.load();
    let address = server.app.address();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                assert_eq!(write(address, format!("other value=1 {written}")).status, 204);
                assert!(start.elapsed() < WRITE_TIMEOUT, "a write took {:?}", start.elapsed());
                written += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            written
        });
        let heavy = [
            "SELECT * FROM m",
            "SELECT percentile(value, 50) FROM m GROUP BY time(10ms), host",
            "SELECT distinct(text) FROM m",
            "SELECT median(value) FROM m GROUP BY host",
            "SELECT mode(text) FROM m GROUP BY time(1s)",
        ];
        let queries: Vec<_> =
            heavy.iter().cycle().take(10).map(|text| scope.spawn(|| ask(address, text))).collect();
        for (query, text) in queries.into_iter().zip(heavy.iter().cycle()) {
            let documents = query.join().unwrap();
            match error_of(&documents) {
                None => assert!(!documents.is_empty(), "{text}"),
                Some(error) => assert!(error.contains("memory"), "{text}: {error}"),
            }
        }
        done.store(true, Ordering::Relaxed);
        let written = writer.join().unwrap();
        let counted = ask(address, "SELECT count(value) FROM other");
        assert_eq!(counted[0]["results"][0]["series"][0]["values"][0][1], written);
    });
    assert_eq!(error_of(&ask(address, "SELECT count(value) FROM m")), None, "memory was given back");
}
