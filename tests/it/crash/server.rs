//! The server process: started, asked, killed.

use super::ledger::{MEASUREMENTS, Point, first_time_ns};
use crate::scenario::http::{Request, percent_encode, send};
use parking_lot::Mutex;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub(super) const DATABASE: &str = "crash";

/// What the server logs once it takes requests, before its address.
const LISTENING: &str = "listening on http://";

/// A server that has not recovered by then fails the test. Generous: machines that run tests are busy.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// With at most 100 points in a batch, an answer stays below the 10000 rows of InfluxDB's chunks.
const BATCHES_PER_QUERY: u64 = 100;

/// A running server. Killed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    process: Option<Child>,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

/// Starts the process without waiting for anything. Its log is its standard error.
pub(super) fn spawn(folder: &Path, settings: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tidegauge"))
        .args(["serve", "--bind", "127.0.0.1:0", "--data"])
        .arg(folder)
        .env("TIDEGAUGE_LOG_LEVEL", "info")
        .env("TIDEGAUGE_WAL_DISK_LOW_WATER_BYTES", "0")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server's program starts")
}

/// SIGKILL, and the end of the process.
pub(super) fn kill(mut process: Child) {
    process.kill().expect("the process was not waited for yet");
    process.wait().expect("the process ends");
}

impl Server {
    /// Starts the server on `folder` and waits until it listens.
    pub(super) fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut process = spawn(folder, settings);
        let stderr = process.stderr.take().expect("stderr is piped");
        let log = Arc::new(Mutex::new(Vec::new()));
        let listening = follow_log(BufReader::new(stderr), Arc::clone(&log));
        let mut server = Self { process: Some(process), address: SocketAddr::from(([127, 0, 0, 1], 0)), log };
        match listening.recv_timeout(START_TIMEOUT) {
            Ok(address) => server.address = address,
            Err(_) => panic!("the server does not listen; its log:\n{}", server.log_text()),
        }
        server
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it and gives its log.
    pub(super) fn kill(mut self) -> String {
        kill(self.process.take().expect("a server is killed once"));
        self.log_text()
    }

    pub(super) fn create_database(&self) {
        self.query(&format!("CREATE DATABASE {DATABASE}"));
    }

    /// Every point of the batches from `from` on, of which there are about `to - from`. Asks for a few at a time:
    /// InfluxDB marks long answers as partial.
    pub(super) fn read_points(&self, from: u64, to: u64) -> Vec<Point> {
        let mut points = Vec::new();
        let mut start = from;
        loop {
            let end = start + BATCHES_PER_QUERY;
            let mut range = format!("time >= {}", first_time_ns(start));
            if end <= to {
                range += &format!(" AND time < {}", first_time_ns(end));
            }
            for measurement in MEASUREMENTS {
                self.read_range(measurement, &range, &mut points);
            }
            if end > to {
                return points;
            }
            start = end;
        }
    }

    fn read_range(&self, measurement: &str, range: &str, points: &mut Vec<Point>) {
        let columns = "batch, index, note, size, writer";
        let answer = self.query(&format!("SELECT {columns} FROM {measurement} WHERE {range}"));
        let series = answer["results"][0]["series"].as_array().map(Vec::as_slice).unwrap_or_default();
        for series in series {
            assert_eq!(series["name"], measurement);
            assert!(series["partial"].is_null(), "the answer was cut");
            let rows = series["values"].as_array().expect("a series has values");
            points.extend(rows.iter().map(|row| point_of(measurement, row)));
        }
    }

    /// Asks for nothing that a crash explains: after SIGKILL the log of the server never speaks of damage.
    pub(super) fn check_log(&self) {
        let log = self.log_text();
        let suspicious = ["quarantine", "damaged", "panicked"].into_iter().find(|word| log.contains(word));
        assert!(suspicious.is_none(), "the server's log speaks of {suspicious:?}:\n{log}");
    }

    fn query(&self, statement: &str) -> Value {
        let target = format!("/query?db={DATABASE}&epoch=ns&q={}", percent_encode(statement));
        let request = Request { method: "POST".into(), target, headers: Vec::new(), body: Vec::new() };
        let response = send(self.address, &request)
            .unwrap_or_else(|error| panic!("{statement}: {error}; the server's log:\n{}", self.log_text()));
        let text = String::from_utf8_lossy(&response.body);
        assert_eq!(response.status, 200, "{statement}: {text}");
        let answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{statement}: {e}: {text}"));
        assert!(!text.contains("\"error\""), "{statement}: {text}");
        answer
    }

    fn log_text(&self) -> String {
        self.log.lock().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The test may be failing already: what cannot be killed is gone.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Collects the log in a thread until the process ends; tells the address when it stands there.
fn follow_log(stderr: impl BufRead + Send + 'static, log: Arc<Mutex<Vec<String>>>) -> Receiver<SocketAddr> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                let _ = sender.send(address);
            }
            log.lock().push(line);
        }
    });
    receiver
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENING)?;
    let is_address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']');
    rest.split(|c| !is_address(c)).next()?.parse().ok()
}

fn point_of(measurement: &str, row: &Value) -> Point {
    let number = |at: usize| row[at].as_u64().unwrap_or_else(|| panic!("column {at} of {row}"));
    let text = |at: usize| row[at].as_str().unwrap_or_else(|| panic!("column {at} of {row}")).to_owned();
    Point {
        measurement: measurement.to_owned(),
        time_ns: row[0].as_i64().unwrap_or_else(|| panic!("the time of {row}")),
        batch: number(1),
        index: number(2),
        note: text(3),
        size: number(4),
        writer: text(5),
    }
}
