//! How answers slow down as history grows. `cargo bench --bench history`.
//!
//! Points of many series, one each minute, come in order of time; 5 % of them come up to a week late. After a month and after
//! the last month everything is flushed and compacted, and these are asked, the median of several times:
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

use generator::START_NS;
use loaded::{BODY_LINES, Database, number_of, write_request};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MINUTE_NS: i64 = 60_000_000_000;
const DAY_MINUTES: i64 = 24 * 60;
const MONTH_MINUTES: i64 = 30 * DAY_MINUTES;
/// One point in so many comes late.
const LATE_ONE_IN: u64 = 20;
/// How often each question is asked.
const ASKED: usize = 7;

/// Writes points minute by minute and keeps some back.
struct Writer<'a> {
    database: &'a Database,
    series_count: usize,
    lines: String,
    line_count: usize,
    late: Vec<String>,
    random: u64,
    point_count: u64,
}

impl Writer<'_> {
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn write_minutes(&mut self, minutes: std::ops::Range<i64>) {
        for minute in minutes {
            for series in 0..self.series_count {
                let value = self.random() % 1_000;
                let time_ns = START_NS + minute * MINUTE_NS;
                let mut line = String::new();
                writeln!(line, "m,host=host_{series} value={}.{} {time_ns}", value / 10, value % 10)
                    .expect("a string");
                if self.random().is_multiple_of(LATE_ONE_IN) {
                    self.late.push(line);
                } else {
                    self.push(&line);
                }
            }
            // Late ones come in any order, after a week at the latest.
            let late_max = self.series_count * 7 * DAY_MINUTES as usize / LATE_ONE_IN as usize;
            while self.late.len() > late_max / 2 {
                let at = self.random() as usize % self.late.len();
                let line = self.late.swap_remove(at);
                self.push(&line);
            }
        }
        for line in std::mem::take(&mut self.late) {
            self.push(&line);
        }
        self.send();
    }

    fn push(&mut self, line: &str) {
        self.lines.push_str(line);
        self.line_count += 1;
        if self.line_count == BODY_LINES {
            self.send();
        }
    }

    fn send(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let count = std::mem::take(&mut self.line_count);
        while let Err(error) =
            self.database.runtime.block_on(self.database.engine.write(write_request(lines.clone())))
        {
            assert!(error.to_string().contains("try again"), "{error}");
            std::thread::sleep(Duration::from_millis(100));
        }
        self.point_count += count as u64;
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

fn median(database: &Database, question: &str) -> Duration {
    let mut times: Vec<Duration> = (0..ASKED)
        .map(|_| {
            let start = Instant::now();
            assert!(!database.ask(question).is_empty());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ASKED / 2]
}

/// Flushes, compacts and asks; prints what that took.
fn measure(database: &Database, months: i64, points: u64, loaded: Duration) -> Vec<Duration> {
    let start = Instant::now();
    database.flush();
    database.runtime.block_on(database.engine.compact()).expect("the disk works");
    let compacted = start.elapsed();
    let status = database.engine.status();
    println!(
        "{months} months, {points} points: loaded in {loaded:.1?}, flushed and compacted in {compacted:.1?}; {} files, \
         {:.2} bytes per point, {} MB of memory",
        status.file_count,
        status.file_bytes as f64 / points as f64,
        memory_megabytes(),
    );
    questions(months * MONTH_MINUTES).iter().map(|(_, text)| median(database, text)).collect()
}

/// Resident memory of this process.
fn memory_megabytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    (pages * 4_096) >> 20
}

fn main() {
    let months = number_of("TIDEGAUGE_BENCH_MONTHS", 12) as i64;
    let database = Database::empty();
    let mut writer = Writer {
        database: &database,
        series_count: number_of("TIDEGAUGE_BENCH_SERIES", 100),
        lines: String::new(),
        line_count: 0,
        late: Vec::new(),
        random: 0x9e37_79b9_7f4a_7c15,
        point_count: 0,
    };
    let start = Instant::now();
    writer.write_minutes(0..MONTH_MINUTES);
    let of_month = measure(&database, 1, writer.point_count, start.elapsed());
    let start = Instant::now();
    writer.write_minutes(MONTH_MINUTES..months * MONTH_MINUTES);
    let of_all = measure(&database, months, writer.point_count, start.elapsed());
    println!("{:<12} {:>12} {:>12} {:>7}", "question", "a month", "all", "ratio");
    for ((name, _), (month, all)) in questions(0).iter().zip(of_month.iter().zip(&of_all)) {
        let ratio = all.as_secs_f64() / month.as_secs_f64();
        println!("{name:<12} {month:>12.2?} {all:>12.2?} {ratio:>7.2}");
    }
}
