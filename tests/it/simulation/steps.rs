//! What happens in a simulation, chosen at random.

use super::batches::{Batches, TIMES_PER_DAY};
use super::faulty_files::DiskFaults;
use super::model::{Batch, Filter, MEASUREMENTS, Policy, Selection, TableName, table_names};
use super::points::{TAGS, values_of};
use super::query::Question;
use crate::random::Choices;
use fastrand::Rng;
use tidegauge::model::time::{DAY_NS, HOUR_NS, TimeRange};

/// Where the clock starts.
pub(super) const START_NS: i64 = 20_000 * DAY_NS;

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
    Query {
        selection: Selection,
        question: Question,
    },
    /// What tags and fields there are.
    ShowKeys,
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
    batches: Batches,
}

impl Steps {
    pub(super) fn new(mut random: Rng) -> Self {
        let batches = Batches::new(random.fork());
        Self { random, batches }
    }

    pub(super) fn next(&mut self) -> Step {
        match self.random.u8(..100) {
            0..=37 => Step::Write(self.batches.some()),
            38..=41 => {
                let (batches, after) = (self.batches.some(), self.random.u64(..8));
                Step::CrashAmidWrite { batches, after, power_loss: self.random.bool() }
            }
            42..=63 => Step::Run(self.operation()),
            64..=73 => self.amid(),
            74..=76 => Step::Query { selection: self.selection(), question: self.question() },
            77 => Step::ShowKeys,
            78..=82 => Step::Crash { power_loss: self.random.bool() },
            83..=84 => Step::CrashAmidStart {
                after: self.random.u64(..2 * OPERATIONS_AHEAD_MAX),
                takes_effect: self.random.bool(),
            },
            85..=87 => Step::Restart,
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
            _ => Meanwhile::Write(self.batches.any()),
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

    /// A request of which no point is refused.
    pub(super) fn batch(&mut self) -> Batch {
        self.batches.plain(None)
    }

    /// A question about all that there is.
    pub(super) fn last_question(&mut self) -> Step {
        match self.random.bool() {
            true => Step::ShowKeys,
            false => Step::Query { selection: Selection::all_of(table_names()), question: self.question() },
        }
    }

    fn question(&mut self) -> Question {
        match self.random.u8(..4) {
            0..=1 => Question::Rows,
            2 => Question::Fields(self.batches.some_fields()),
            _ => Question::Counts,
        }
    }

    /// Rows of one table or two.
    pub(super) fn selection(&mut self) -> Selection {
        let measurement = self.random.pick(&MEASUREMENTS);
        let tables: Vec<TableName> = match self.random.u8(..3) {
            0 => Policy::ALL.map(|policy| (policy, measurement)).to_vec(),
            1 => MEASUREMENTS.map(|measurement| (Policy::Autogen, measurement)).to_vec(),
            _ => vec![(self.random.pick(&Policy::ALL), measurement)],
        };
        let tag = if self.random.bool() { "host" } else { self.random.pick(&TAGS) };
        let value = self.random.pick(values_of(tag));
        let filter = match self.random.u8(..6) {
            0..=1 => Filter::All,
            2..=3 => Filter::Equal(tag, value),
            4 => Filter::NotEqual(tag, value),
            _ => Filter::Missing(tag),
        };
        // From one time to another, in the midst of days as well.
        let start_ns = self.batches.usual_time_ns();
        let end_ns = start_ns + self.random.i64(0..6) * DAY_NS + self.random.i64(1..TIMES_PER_DAY);
        let times = if self.random.once_in(5) { TimeRange::ALL } else { TimeRange::new(start_ns, end_ns) };
        Selection { tables, filter, times }
    }
}
