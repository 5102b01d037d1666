//! How answers slow down as history grows. `cargo bench --bench history`.
//!
//! A server takes points of many series, one each minute, over HTTP and in order of time; 5 % of them come up to a week late. After
//! a month and after the last month everything is flushed and compacted, and these are asked over HTTP, the median of several
//! times:
//!
//! | question | what it reads |
//! |---|---|
//! | `day-of-one` | the last day of one series, by 10 minutes |
//! | `day-of-all` | the last day of all series, by hour |
//! | `all-of-one` | the whole history of one series, by day |
//! | `last-of-all` | the last value of each series |
//! | `tag-values` | the names of all series |
//!
//! `TIDEGAUGE_BENCH_SERIES` sets the number of series (100), `TIDEGAUGE_BENCH_MONTHS` that of months of 30 days (12).

mod generator;
mod loaded;

use fastrand::Rng;
use generator::START_NS;
use loaded::{DATABASE, number_of};
use reqwest::{Client, StatusCode, Url};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidegauge::app::App;
use tidegauge::config::{Config, Machine};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MINUTE_NS: i64 = 60_000_000_000;
const DAY_MINUTES: i64 = 24 * 60;
const MONTH_MINUTES: i64 = 30 * DAY_MINUTES;
/// One point in so many comes late.
const LATE_ONE_IN: usize = 20;
/// How often each question is asked.
const ASKED: usize = 25;
/// Lines of one write.
const BODY_LINES: usize = 10_000;
/// Writes under way at a time.
const WRITES_MAX: u32 = 4;

/// A server in this process, on a folder in Cargo's target folder, and a client of it.
struct Server {
    runtime: Runtime,
    app: App,
    client: Client,
    _folder: TempDir,
}

impl Server {
    /// A server as this machine has it by default, with an empty database.
    fn start() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder can be made");
        let runtime = Runtime::new().expect("threads can be had");
        let mut config = Config::default();
        config.set("bind", "127.0.0.1:0").expect("a setting");
        config.set("data", folder.path().to_str().expect("the path is UTF-8")).expect("a setting");
        let config = config.fitted_to(&Machine::detect()).expect("the defaults fit");
        let app = runtime.block_on(App::start(&config)).expect("the server starts");
        let server = Self { runtime, app, client: Client::new(), _folder: folder };
        server.ask(&format!("CREATE DATABASE {DATABASE}"));
        server
    }

    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let base = format!("http://{}{path}", self.app.address());
        Url::parse_with_params(&base, parameters).expect("an address and names")
    }

    /// The answer to a query, read to its end.
    fn ask(&self, text: &str) -> Vec<u8> {
        let request = self.client.post(self.url("/query", &[("db", DATABASE), ("epoch", "ns"), ("q", text)]));
        self.runtime.block_on(async {
            let answer = request.send().await.expect("the server answers");
            assert_eq!(answer.status(), StatusCode::OK, "{text}");
            answer.bytes().await.expect("the answer has an end").to_vec()
        })
    }
}

/// Sends lines until the server has room for them.
async fn send(client: Client, url: Url, lines: String) {
    let lines = bytes::Bytes::from(lines);
    loop {
        let answer = client.post(url.clone()).body(lines.clone()).send().await.expect("the server answers");
        match answer.status() {
            StatusCode::NO_CONTENT => return,
            StatusCode::SERVICE_UNAVAILABLE => tokio::time::sleep(Duration::from_millis(100)).await,
            status => panic!("{status}: {}", answer.text().await.unwrap_or_default()),
        }
    }
}

/// Writes points minute by minute and keeps some back.
struct Writer<'a> {
    server: &'a Server,
    series_count: usize,
    lines: String,
    line_count: usize,
    late: Vec<String>,
    random: Rng,
    point_count: u64,
    under_way: Arc<Semaphore>,
}

impl<'a> Writer<'a> {
    fn new(server: &'a Server, series_count: usize) -> Self {
        Self {
            server,
            series_count,
            lines: String::new(),
            line_count: 0,
            late: Vec::new(),
            random: Rng::with_seed(1),
            point_count: 0,
            under_way: Arc::new(Semaphore::new(WRITES_MAX as usize)),
        }
    }

    /// All points of these minutes; they are acknowledged when this returns.
    fn write_minutes(&mut self, minutes: std::ops::Range<i64>) {
        let late_max = self.series_count * 7 * DAY_MINUTES as usize / LATE_ONE_IN;
        for minute in minutes {
            for series in 0..self.series_count {
                let value = self.random.u16(..1_000);
                let time_s = (START_NS + minute * MINUTE_NS) / 1_000_000_000;
                let start = self.lines.len();
                writeln!(self.lines, "m,host=host_{series} value={}.{} {time_s}", value / 10, value % 10)
                    .expect("a string");
                if self.random.usize(..LATE_ONE_IN) == 0 {
                    self.late.push(self.lines.split_off(start));
                } else {
                    self.count_line();
                }
            }
            // Late ones come in any order, after a week at the latest.
            while self.late.len() > late_max / 2 {
                let at = self.random.usize(..self.late.len());
                let line = self.late.swap_remove(at);
                self.lines.push_str(&line);
                self.count_line();
            }
        }
        for line in std::mem::take(&mut self.late) {
            self.lines.push_str(&line);
            self.count_line();
        }
        self.send();
        let all = self.under_way.acquire_many(WRITES_MAX);
        drop(self.server.runtime.block_on(all).expect("never closed"));
    }

    fn count_line(&mut self) {
        self.line_count += 1;
        if self.line_count == BODY_LINES {
            self.send();
        }
    }

    /// Begins to send what was collected, as soon as there are not too many writes under way.
    fn send(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.point_count += std::mem::take(&mut self.line_count) as u64;
        let turn = self.server.runtime.block_on(self.under_way.clone().acquire_owned());
        let url = self.server.url("/write", &[("db", DATABASE), ("precision", "s")]);
        let sent = send(self.server.client.clone(), url, lines);
        self.server.runtime.spawn(async move {
            sent.await;
            drop(turn);
        });
    }
}

/// The questions after so many minutes of history.
fn questions(minutes: i64) -> [(&'static str, String); 5] {
    let end_ns = START_NS + minutes * MINUTE_NS;
    let last_day = format!("time >= {} AND time < {end_ns}", end_ns - DAY_MINUTES * MINUTE_NS);
    let all = format!("time >= {START_NS} AND time < {end_ns}");
    [
        (
            "day-of-one",
            format!("SELECT mean(value) FROM m WHERE host = 'host_7' AND {last_day} GROUP BY time(10m)"),
        ),
        ("day-of-all", format!("SELECT mean(value) FROM m WHERE {last_day} GROUP BY time(1h), host")),
        (
            "all-of-one",
            format!("SELECT mean(value) FROM m WHERE host = 'host_7' AND {all} GROUP BY time(1d)"),
        ),
        ("last-of-all", "SELECT last(*) FROM m GROUP BY host".to_owned()),
        ("tag-values", "SHOW TAG VALUES FROM m WITH KEY = host".to_owned()),
    ]
}

fn median(server: &Server, question: &str) -> Duration {
    let mut times: Vec<Duration> = (0..ASKED)
        .map(|_| {
            let start = Instant::now();
            assert!(!server.ask(question).is_empty());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ASKED / 2]
}

/// Flushes, compacts and asks; prints what that took.
fn measure(server: &Server, months: i64, points: u64, loaded: Duration) -> Vec<Duration> {
    let engine = server.app.engine();
    let start = Instant::now();
    server.runtime.block_on(async {
        engine.flush().await.expect("the disk works");
        engine.compact().await.expect("the disk works");
    });
    let compacted = start.elapsed();
    let status = engine.status();
    println!(
        "{months} months, {points} points: loaded in {loaded:.1?}, flushed and compacted in {compacted:.1?}; {} files, \
         {:.2} bytes per point, {} MB of memory",
        status.file_count,
        status.file_bytes as f64 / points as f64,
        memory_megabytes(),
    );
    questions(months * MONTH_MINUTES).iter().map(|(_, text)| median(server, text)).collect()
}

/// Resident memory of this process.
fn memory_megabytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    (pages * 4_096) >> 20
}

fn main() {
    let months = number_of("TIDEGAUGE_BENCH_MONTHS", 12) as i64;
    let server = Server::start();
    let mut writer = Writer::new(&server, number_of("TIDEGAUGE_BENCH_SERIES", 100));
    let start = Instant::now();
    writer.write_minutes(0..MONTH_MINUTES);
    let of_month = measure(&server, 1, writer.point_count, start.elapsed());
    let start = Instant::now();
    writer.write_minutes(MONTH_MINUTES..months * MONTH_MINUTES);
    let of_all = measure(&server, months, writer.point_count, start.elapsed());
    println!("{:<12} {:>12} {:>12} {:>7}", "question", "a month", "all", "ratio");
    for ((name, _), (month, all)) in questions(0).iter().zip(of_month.iter().zip(&of_all)) {
        let ratio = all.as_secs_f64() / month.as_secs_f64();
        println!("{name:<12} {month:>12.2?} {all:>12.2?} {ratio:>7.2}");
    }
}
