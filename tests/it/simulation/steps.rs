//! What happens in a simulation, chosen at random.

use super::faulty_files::DiskFaults;
use super::model::{Batch, Fields, Filter, MEASUREMENTS, Point, Policy, Selection, Series, TableName, Value};
use crate::random::Choices;
use fastrand::Rng;
use tidegauge::model::time::{DAY_NS, HOUR_NS, TimeRange};

/// Where the clock starts.
pub(super) const START_NS: i64 = 20_000 * DAY_NS;

/// Days before and after the start that points lie in.
const DAYS: (i64, i64) = (-4, 4);

/// Different times within a day: few, so that points are often written again.
const TIMES_PER_DAY: i64 = 4;

const POINTS_PER_BATCH_MAX: u64 = 12;
const HOSTS: [&str; 4] = ["h0", "h1", "h2", "h3"];
const ZONES: [&str; 2] = ["z0", "z1"];

/// Store operations after which one is held or the process dies, at most: a flush has fewer.
const OPERATIONS_AHEAD_MAX: u64 = 10;

/// Something that changes the engine, and can be met by a crash.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Flush,
    Delete(Selection),
    DropMeasurement(&'static str),
    /// The policy that keeps rows for a while only; it is made again at once.
    DropPolicy,
    /// It is made again at once.
    DropDatabase,
    Compact,
    /// Files whose rows have all expired or are all deleted go.
    Expire,
    /// Objects that nothing names any more go.
    CollectUnreferenced,
    /// Objects that nothing ever named go.
    CollectOrphans,
}

/// What happens next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Requests at the same time, none of which touches a point of another.
    Write(Vec<Batch>),
    /// As `Write`; the process dies within the log's operation after `after` others.
    CrashAmidWrite {
        batches: Vec<Batch>,
        after: u64,
        power_loss: bool,
    },
    Run(Operation),
    /// The operation stands still at the store's request after `after` others, while other things happen; then it goes on, or
    /// the process dies.
    Amid {
        operation: Operation,
        after: u64,
        takes_effect: bool,
        meanwhile: Vec<Meanwhile>,
        end: End,
    },
    Query(Selection),
    Crash {
        power_loss: bool,
    },
    /// The process dies while it starts, at the store's request after `after` others, maybe; then it starts again.
    CrashAmidStart {
        after: u64,
        takes_effect: bool,
    },
    /// An orderly stop and a start.
    Restart,
    /// Of a thousand requests to the store, so many fail from now on.
    StoreFaults(u64),
    DiskFaults(DiskFaults),
    Advance {
        by_ns: i64,
    },
}

/// What happens while an operation stands still.
#[derive(Clone, Debug)]
pub(super) enum Meanwhile {
    Write(Batch),
    Delete(Selection),
    /// A compaction while a flush stands still, and the other way round.
    FlushOrCompact,
    Look,
}

/// How an operation that stood still ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    GoesOn,
    Crash { power_loss: bool },
}

/// Chooses steps.
#[derive(Debug)]
pub(super) struct Steps {
    random: Rng,
    /// Makes values unlike each other.
    value: i64,
}

impl Steps {
    pub(super) fn new(random: Rng) -> Self {
        Self { random, value: 0 }
    }

    pub(super) fn next(&mut self) -> Step {
        match self.random.u8(..100) {
            0..=37 => Step::Write(self.batches()),
            38..=41 => {
                let (batches, after) = (self.batches(), self.random.u64(..8));
                Step::CrashAmidWrite { batches, after, power_loss: self.random.bool() }
            }
            42..=63 => Step::Run(self.operation()),
            64..=73 => self.amid(),
            74..=75 => Step::Query(self.selection()),
            76..=81 => Step::Crash { power_loss: self.random.bool() },
            82..=83 => Step::CrashAmidStart {
                after: self.random.u64(..2 * OPERATIONS_AHEAD_MAX),
                takes_effect: self.random.bool(),
            },
            84..=87 => Step::Restart,
            88..=92 => Step::StoreFaults(self.random.pick(&[0, 0, 0, 20, 100, 300])),
            93..=96 => Step::DiskFaults(self.disk_faults()),
            _ => Step::Advance { by_ns: self.random.i64(1..30) * HOUR_NS },
        }
    }

    /// One line for each kind of operation, flushes more often than others.
    fn operation(&mut self) -> Operation {
        match self.random.u8(..40) {
            0..=15 => Operation::Flush,
            16..=22 => Operation::Delete(self.selection()),
            23..=24 => Operation::DropMeasurement(self.random.pick(&MEASUREMENTS)),
            25 => Operation::DropPolicy,
            26 => Operation::DropDatabase,
            27..=33 => Operation::Compact,
            34..=35 => Operation::Expire,
            36..=37 => Operation::CollectUnreferenced,
            _ => Operation::CollectOrphans,
        }
    }

    fn amid(&mut self) -> Step {
        let operation = self.operation();
        let meanwhile = (0..self.random.u64(..4)).map(|_| match self.random.u8(..5) {
            0 => Meanwhile::Delete(self.selection()),
            1 => Meanwhile::Look,
            2 => Meanwhile::FlushOrCompact,
            _ => Meanwhile::Write(self.batch(None)),
        });
        let meanwhile = meanwhile.collect();
        let power_loss = self.random.bool();
        let end = if self.random.bool() { End::GoesOn } else { End::Crash { power_loss } };
        let after = self.random.u64(..OPERATIONS_AHEAD_MAX);
        Step::Amid { operation, after, takes_effect: self.random.bool(), meanwhile, end }
    }

    fn disk_faults(&mut self) -> DiskFaults {
        let none = DiskFaults::default();
        match self.random.u8(..10) {
            0 => DiskFaults { write_fails: true, ..none },
            1 => DiskFaults { sync_fails: true, ..none },
            2 => DiskFaults { sync_directory_fails: true, ..none },
            3 => DiskFaults { remove_fails: true, ..none },
            4 => DiskFaults { write_bytes_max: Some(7), ..none },
            5..=7 => DiskFaults {
                room_bytes: Some(self.random.u64(..1_000)),
                room_is_told: self.random.bool(),
                ..none
            },
            _ => none,
        }
    }

    /// One batch, or one for each of some hosts.
    fn batches(&mut self) -> Vec<Batch> {
        if self.random.once_in(4) {
            let count = self.random.usize(1..=HOSTS.len());
            HOSTS.iter().take(count).map(|host| self.batch(Some(host))).collect()
        } else {
            vec![self.batch(None)]
        }
    }

    /// Points of one request, all of one host if it is given.
    pub(super) fn batch(&mut self, host: Option<&str>) -> Batch {
        let policy = self.random.pick(&Policy::ALL);
        let count = self.random.u64(1..=POINTS_PER_BATCH_MAX);
        let points = (0..count).map(|_| Point {
            measurement: self.random.pick(&MEASUREMENTS),
            series: Series {
                host: host.unwrap_or_else(|| self.random.pick(&HOSTS)).to_owned(),
                zone: self.random.bool().then(|| self.random.pick(&ZONES).to_owned()),
            },
            time_ns: self.day() + self.random.i64(0..TIMES_PER_DAY),
            fields: self.fields(),
        });
        Batch { policy, points: points.collect() }
    }

    fn day(&mut self) -> i64 {
        START_NS + self.random.i64(DAYS.0..DAYS.1) * DAY_NS
    }

    fn fields(&mut self) -> Fields {
        let mut fields = Fields::new();
        while fields.is_empty() {
            self.value += 1;
            let value = self.value;
            let all = [
                ("b", Value::Boolean(value % 2 == 0)),
                ("f", Value::Float(value as f64 / 8.0)),
                ("i", Value::Integer(value)),
                ("s", Value::Text(format!("text {value}"))),
            ];
            fields.extend(all.into_iter().filter(|_| self.random.once_in(3)));
        }
        fields
    }

    /// Rows of one table or two.
    pub(super) fn selection(&mut self) -> Selection {
        let measurement = self.random.pick(&MEASUREMENTS);
        let tables: Vec<TableName> = match self.random.u8(..3) {
            0 => Policy::ALL.map(|policy| (policy, measurement)).to_vec(),
            1 => MEASUREMENTS.map(|measurement| (Policy::Autogen, measurement)).to_vec(),
            _ => vec![(self.random.pick(&Policy::ALL), measurement)],
        };
        let host = self.random.pick(&HOSTS).to_owned();
        let filter = match self.random.u8(..6) {
            0..=1 => Filter::All,
            2..=3 => Filter::Host(host),
            4 => Filter::NotHost(host),
            _ => Filter::WithoutZone,
        };
        // From one time to another, in the midst of days as well.
        let start_ns = self.day() + self.random.i64(0..TIMES_PER_DAY);
        let end_ns = start_ns + self.random.i64(0..6) * DAY_NS + self.random.i64(1..TIMES_PER_DAY);
        let times = if self.random.once_in(5) { TimeRange::ALL } else { TimeRange::new(start_ns, end_ns) };
        Selection { tables, filter, times }
    }
}
