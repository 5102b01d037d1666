//! What compaction takes from ingest and queries while it runs. `cargo bench --bench compacting`.
//!
//! Wanted is that both keep at least 80 % of their speed. An engine on a disk, with the settings of a server on this machine,
//! holds a day of points to ask for. Each round adds a backlog of overlapping level-0 files and measures two windows twice, *alone*
//! and *compacting*, in turns which of them first:
//!
//! | window | what runs |
//! |---|---|
//! | `ingest` | writers, each with one request of 5,000 lines under way at a time, to a new database |
//! | `questions` | clients, each with one question at a time: nine times a `panel`, one series over one hour by minute, then a `day`, the means of all fields by hour and host over the day |
//!
//! The engine's upkeep is off, so that nothing is compacted unasked. *Compacting*, the backlog is merged as the upkeep would:
//! with the same jobs, threads and pace. Files that the ingest makes meanwhile are not of these jobs. A round counts only when
//! compaction goes on from before its first window to after its last; else the next backlog is twice as large.
//!
//! Windows of ingest are of equal work, so that as many flushes fall into each: as many requests as a first window, which does not
//! count, had time for. What is written begins with an empty buffer and an empty table. Windows of questions are of equal time.
//!
//! Printed are rates, latencies over all rounds, busy cores of the whole process, clients included, and how much was compacted.
//! `kept` is the part of the speed that is left, for latencies alone ÷ compacting. The engine is called directly: a server also
//! has HTTP to do, which compaction slows no more than the rest.
//!
//! | variable | default | what |
//! |---|---|---|
//! | `TIDEGAUGE_BENCH_ROUNDS` | 4 | rounds that count |
//! | `TIDEGAUGE_BENCH_WINDOW_S` | 10 | seconds of a window |
//! | `TIDEGAUGE_BENCH_CLIENTS` | 2 | writers, and clients that ask |
//! | `TIDEGAUGE_BENCH_HOSTS` | 100 | hosts of the day that is asked for |
//! | `TIDEGAUGE_BENCH_BACKLOG_POINTS` | 500,000 | points of each of the eight files of a table of the backlog |
//! | `TIDEGAUGE_BENCH_BACKLOG_TABLES` | 2 | tables of the first backlog, but at least one a job |
//! | `TIDEGAUGE_BENCH_WORK_PERCENT` | the server's | `compaction.work_percent` |

mod generator;
mod loaded;

use bytes::Bytes;
use generator::bodies::Bodies;
use generator::{Generator, START_NS, STEP_NS};
use loaded::{BODY_LINES, Database, host_count, number_of};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tidegauge::config::{Config, Machine};
use tidegauge::engine::{CompactionOptions, EngineOptions, WriteError, WriteRequest};
use tidegauge::line_protocol::Precision;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The part of the speed that is to be left.
const WANTED: f64 = 0.8;

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_HOURS: usize = 24;
/// How often a client asks for a panel before it asks for the day.
const PANELS: usize = 9;

/// The database that windows of ingest write to.
const INGEST: &str = "ingest";
/// Hosts that each writer writes points of.
const WRITER_HOSTS: usize = 1_000;

/// Files of a table of the backlog: enough to be due at once, and no more than one job takes.
const BACKLOG_FILES: usize = 8;
/// Between the points of two of them, so that they overlap without having a point in common.
const FILE_SHIFT_NS: i64 = STEP_NS / BACKLOG_FILES as i64;
/// An answer of more bytes has points.
const EMPTY_BYTES_MAX: usize = 100;
/// What a refused writer waits.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Write,
    Panel,
    Day,
}

/// What was seen in a window.
struct Window {
    took: Duration,
    /// What was asked, and how long the answer took.
    answers: Vec<(Request, Duration)>,
    /// Busy cores.
    cores: f64,
    flush_count: u64,
    compacted_bytes: u64,
}

impl Window {
    /// Answers a second.
    fn rate(&self) -> f64 {
        self.answers.len() as f64 / self.took.as_secs_f64()
    }
}

struct Windows {
    ingest: Window,
    questions: Window,
}

impl Windows {
    fn print(&self, state: &str) {
        let lines = [
            ("ingest", &self.ingest, self.ingest.rate() * BODY_LINES as f64, "points/s"),
            ("questions", &self.questions, self.questions.rate(), "questions/s"),
        ];
        for (name, window, rate, unit) in lines {
            println!(
                "  {state:<10} {name:<9} {rate:>9.0} {unit:<11} in {:.1?}, {:.2} cores, {} flushes, {:.1} MB compacted",
                window.took,
                window.cores,
                window.flush_count,
                megabytes(window.compacted_bytes)
            );
        }
    }
}

struct Round {
    alone: Windows,
    compacting: Windows,
}

struct Bench {
    database: Database,
    client_count: usize,
    window: Duration,
    /// Requests of a window of ingest.
    write_count: usize,
    /// Points of a file of the backlog.
    file_points: usize,
}

fn size(setting: u64) -> usize {
    usize::try_from(setting).expect("a setting of this machine")
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The options of a server, without upkeep.
fn set_options(options: &mut EngineOptions, config: &Config) {
    let work_percent = number_of("TIDEGAUGE_BENCH_WORK_PERCENT", size(config.compaction.work_percent));
    options.flush_bytes = size(config.buffer.flush_bytes);
    options.buffer_bytes_max = size(config.buffer.bytes_max);
    options.reader_cache_bytes = config.query.cache_bytes;
    options.compaction = CompactionOptions {
        enabled: false,
        quiet: Duration::from_secs(config.compaction.quiet_s),
        file_bytes: config.compaction.file_bytes,
        jobs: size(config.compaction.jobs),
        work_share: work_percent as f64 / 100.0,
        ..CompactionOptions::default()
    };
    options.upkeep_interval = None;
    options.delete_after = Duration::ZERO;
    println!("compaction: jobs at once {}, work_percent {work_percent}", options.compaction.jobs);
}

impl Bench {
    /// An engine with a day of points in one file, warmed up.
    fn new(config: &Config) -> Self {
        let mut bench = Self {
            database: Database::opened(|options| set_options(options, config)),
            client_count: number_of("TIDEGAUGE_BENCH_CLIENTS", 2),
            window: Duration::from_secs(number_of("TIDEGAUGE_BENCH_WINDOW_S", 10) as u64),
            write_count: 0,
            file_points: number_of("TIDEGAUGE_BENCH_BACKLOG_POINTS", 500_000),
        };
        bench.database.load(DAY_HOURS);
        bench.database.flush();
        bench.database.runtime.block_on(bench.database.engine.compact()).expect("the disk works");
        // From the first request on: before it, the bodies are made.
        let start = OnceLock::new();
        let in_time = || start.get_or_init(Instant::now).elapsed() < bench.window;
        bench.write_count = bench.ingest(&in_time).answers.len().max(1);
        bench.questions();
        bench
    }

    fn round(&self, number: usize, table_count: usize) -> Option<Round> {
        let databases: Vec<String> = (0..table_count).map(|table| format!("backlog_{table}")).collect();
        databases.iter().for_each(|name| self.write_backlog(name));
        let round = if number.is_multiple_of(2) {
            let compacting = self.compacting(table_count);
            let alone = self.alone();
            compacting.map(|compacting| Round { alone, compacting })
        } else {
            let alone = self.alone();
            self.compacting(table_count).map(|compacting| Round { alone, compacting })
        };
        databases.iter().for_each(|name| self.drop_database(name));
        round
    }

    /// Writes files that overlap each other and have no point in common.
    fn write_backlog(&self, name: &str) {
        self.create_database(name);
        let mut generators = self.generators();
        for file in 0..BACKLOG_FILES {
            let write_count = (self.file_points / BODY_LINES).max(1);
            let mut bodies = bodies(&mut generators, START_NS + file as i64 * FILE_SHIFT_NS);
            self.write_while(name, &mut bodies, &up_to(write_count));
            self.database.flush();
        }
    }

    fn alone(&self) -> Windows {
        let windows = self.windows();
        windows.print("alone");
        let compacted_bytes = windows.ingest.compacted_bytes + windows.questions.compacted_bytes;
        assert_eq!(compacted_bytes, 0, "nobody asked for it");
        windows
    }

    /// The windows while the backlog is compacted, unless that ended before them.
    fn compacting(&self, table_count: usize) -> Option<Windows> {
        let engine = self.database.engine.clone();
        let written_bytes = || self.database.engine.status().compaction_bytes;
        let (before, start) = (written_bytes(), Instant::now());
        let compaction = self.database.runtime.spawn(async move { engine.compact_gently().await });
        while written_bytes() == before && !compaction.is_finished() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let windows = self.windows();
        windows.print("compacting");
        let goes_on = !compaction.is_finished();
        let done = self.database.runtime.block_on(compaction).expect("it does not panic");
        assert_eq!(
            done.expect("the disk works"),
            table_count,
            "a job for each table, if its files fit the buffer"
        );
        println!(
            "  compaction of {table_count} tables: {:.1} MB in {:.1?}",
            megabytes(written_bytes() - before),
            start.elapsed()
        );
        goes_on.then_some(windows)
    }

    fn windows(&self) -> Windows {
        Windows { ingest: self.ingest(&up_to(self.write_count)), questions: self.questions() }
    }

    /// Writers, as long as `goes_on` says so before each request.
    fn ingest(&self, goes_on: &(impl Fn() -> bool + Sync)) -> Window {
        self.create_database(INGEST);
        let mut bodies = bodies(&mut self.generators(), START_NS);
        let window = self.watched(|| self.write_while(INGEST, &mut bodies, goes_on));
        self.database.flush();
        self.drop_database(INGEST);
        window
    }

    fn questions(&self) -> Window {
        let start = Instant::now();
        let client = |number: usize| -> Vec<(Request, Duration)> {
            let in_time = (0..).take_while(|_| start.elapsed() < self.window);
            let answer = |turn: usize| {
                let (request, question) = question(number, turn);
                let asked = Instant::now();
                assert!(self.database.ask(&question).len() > EMPTY_BYTES_MAX, "{question} finds points");
                (request, asked.elapsed())
            };
            in_time.map(answer).collect()
        };
        self.watched(|| in_threads(0..self.client_count, client))
    }

    /// The points of each writer.
    fn generators(&self) -> Vec<Generator> {
        (0..self.client_count).map(|writer| Generator::new(writer as u64, WRITER_HOSTS)).collect()
    }

    fn write_while(
        &self,
        database: &str,
        bodies: &mut [Bodies],
        goes_on: &(impl Fn() -> bool + Sync),
    ) -> Vec<(Request, Duration)> {
        in_threads(bodies, |bodies| {
            let mut answers = Vec::new();
            while goes_on() {
                let body = bodies.next_body();
                let asked = Instant::now();
                self.write(database, body);
                answers.push((Request::Write, asked.elapsed()));
            }
            answers
        })
    }

    fn write(&self, database: &str, body: Bytes) {
        let request = WriteRequest {
            database: database.to_owned(),
            policy: None,
            precision: Precision::Nanosecond,
            body,
        };
        while let Err(error) = self.database.runtime.block_on(self.database.engine.write(request.clone())) {
            assert!(matches!(error, WriteError::Overloaded { .. }), "{error}");
            std::thread::sleep(REFUSED_PAUSE);
        }
    }

    /// Does `work` and tells what happened meanwhile.
    fn watched(&self, work: impl FnOnce() -> Vec<(Request, Duration)>) -> Window {
        let (before, busy, start) = (self.database.engine.status(), busy_time(), Instant::now());
        let answers = work();
        let took = start.elapsed();
        let after = self.database.engine.status();
        Window {
            took,
            answers,
            cores: (busy_time() - busy).as_secs_f64() / took.as_secs_f64(),
            flush_count: after.flushes - before.flushes,
            compacted_bytes: after.compaction_bytes - before.compaction_bytes,
        }
    }

    fn create_database(&self, name: &str) {
        let Database { runtime, engine, .. } = &self.database;
        runtime.block_on(engine.create_database(name, None)).expect("the name will do");
    }

    /// Drops a database and deletes its files.
    fn drop_database(&self, name: &str) {
        let Database { runtime, engine, .. } = &self.database;
        runtime.block_on(engine.drop_database(name)).expect("the disk works");
        runtime.block_on(engine.collect_unreferenced());
    }
}

/// What each writer is to write.
fn bodies(generators: &mut [Generator], start_ns: i64) -> Vec<Bodies> {
    generators.iter_mut().map(|generator| Bodies::new(generator, BODY_LINES, start_ns)).collect()
}

/// Runs `work` for each of `items` in a thread of its own, and gives all answers.
fn in_threads<Item: Send>(
    items: impl IntoIterator<Item = Item>,
    work: impl Fn(Item) -> Vec<(Request, Duration)> + Sync,
) -> Vec<(Request, Duration)> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.into_iter().map(|item| scope.spawn(move || work(item))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no request fails")).collect()
    })
}

/// Says yes so many times.
fn up_to(count: usize) -> impl Fn() -> bool + Sync {
    let asked = AtomicUsize::new(0);
    move || asked.fetch_add(1, Ordering::Relaxed) < count
}

/// What a client asks at its turn.
fn question(client: usize, turn: usize) -> (Request, String) {
    let number = client * (PANELS + 1) / 2 + turn;
    if number % (PANELS + 1) == PANELS {
        let end_ns = START_NS + DAY_HOURS as i64 * HOUR_NS;
        let day = format!(
            "SELECT mean(*) FROM cpu WHERE time >= {START_NS} AND time < {end_ns} GROUP BY time(1h), hostname"
        );
        return (Request::Day, day);
    }
    let host = number * 7 % host_count();
    let start_ns = START_NS + (number % DAY_HOURS) as i64 * HOUR_NS;
    let panel = format!(
        "SELECT max(usage_user) FROM cpu WHERE hostname = 'host_{host}' AND time >= {start_ns} AND time < {} \
         GROUP BY time(1m)",
        start_ns + HOUR_NS
    );
    (Request::Panel, panel)
}

/// Time that all cores together have worked for this process, where the system tells.
fn busy_time() -> Duration {
    /// Of one tick, on every Linux.
    const TICK_MS: u64 = 10;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the process, in parentheses, may hold spaces. After it, user and system time are the 12th and 13th.
    let numbers = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let ticks: u64 = numbers.skip(11).take(2).filter_map(|number| number.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * TICK_MS)
}

/// The rate of one kind of window over all rounds, and what is kept of it in the worst and the best of them.
fn print_rate(name: &str, rounds: &[Round], of: impl Fn(&Windows) -> &Window, points: usize) {
    let rate = |windows: &[&Window]| {
        let count: usize = windows.iter().map(|window| window.answers.len() * points).sum();
        count as f64 / windows.iter().map(|window| window.took.as_secs_f64()).sum::<f64>()
    };
    let alone: Vec<&Window> = rounds.iter().map(|round| of(&round.alone)).collect();
    let compacting: Vec<&Window> = rounds.iter().map(|round| of(&round.compacting)).collect();
    let kept_of = |(alone, compacting): (&&Window, &&Window)| compacting.rate() / alone.rate();
    let mut kept: Vec<f64> = alone.iter().zip(&compacting).map(kept_of).collect();
    kept.sort_by(f64::total_cmp);
    let (before, after) = (rate(&alone), rate(&compacting));
    let range = format!("{:.2} to {:.2}", kept[0], kept[kept.len() - 1]);
    print_figure(name, (before, after), after / before, &range);
}

/// The median, the 99th of 100 and the longest latency of one kind of request over all rounds, in milliseconds.
fn print_latencies(name: &str, rounds: &[Round], request: Request) {
    let sorted = |of: fn(&Round) -> &Windows| {
        let windows = rounds.iter().map(of).flat_map(|windows| [&windows.ingest, &windows.questions]);
        let answers = windows.flat_map(|window| &window.answers);
        let mut times: Vec<Duration> =
            answers.filter(|(answered, _)| *answered == request).map(|(_, time)| *time).collect();
        times.sort_unstable();
        times
    };
    let (alone, compacting) = (sorted(|round| &round.alone), sorted(|round| &round.compacting));
    if alone.is_empty() || compacting.is_empty() {
        println!("{name}: none; longer windows have some");
        return;
    }
    for (what, percent) in [("median", 50), ("p99", 99), ("max", 100)] {
        let ms = |times: &[Duration]| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
        let (before, after) = (ms(&alone), ms(&compacting));
        print_figure(&format!("{name}, {what} ms"), (before, after), before / after, "");
    }
}

fn print_figure(name: &str, (alone, compacting): (f64, f64), kept: f64, range: &str) {
    let short = if kept < WANTED { "  less than wanted" } else { "" };
    println!("{name:<20} {alone:>12.2} {compacting:>12.2} {kept:>6.2}  {range:<13}{short}");
}

fn main() {
    let config = Config::default().fitted_to(&Machine::detect()).expect("the defaults fit each other");
    let bench = Bench::new(&config);
    // With fewer than jobs at once some would stand idle.
    let mut table_count = number_of("TIDEGAUGE_BENCH_BACKLOG_TABLES", 2).max(size(config.compaction.jobs));
    let round_count = number_of("TIDEGAUGE_BENCH_ROUNDS", 4);
    let mut rounds = Vec::new();
    while rounds.len() < round_count {
        println!("round {}, {table_count} tables of {BACKLOG_FILES} files", rounds.len() + 1);
        match bench.round(rounds.len(), table_count) {
            Some(round) => rounds.push(round),
            None => {
                println!(
                    "  compaction ended too early: this does not count, the next backlog is twice as large"
                );
                table_count *= 2;
            }
        }
    }
    println!("{:<20} {:>12} {:>12} {:>6}  of rounds", "", "alone", "compacting", "kept");
    print_rate("points/s", &rounds, |windows| &windows.ingest, BODY_LINES);
    print_latencies("write", &rounds, Request::Write);
    print_rate("questions/s", &rounds, |windows| &windows.questions, 1);
    print_latencies("panel", &rounds, Request::Panel);
    print_latencies("day", &rounds, Request::Day);
}
