//! What was sent, what was acknowledged, and what must therefore be found.
//!
//! Every value of a point follows from its batch and its place in it, so that a point that is found can be
//! checked completely.

use super::wide::{WideRow, wide_rows};
use fastrand::Rng;
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

/// Two measurements, so that a batch that is applied table by table shows.
pub(super) const MEASUREMENTS: [&str; 2] = ["crash_even", "crash_odd"];

/// Nanoseconds between two batches: files of many windows within a few rounds, and every batch within one
/// (a week divides by it).
const BATCH_INTERVAL_NS: i64 = 7 * 60 * 1_000_000_000;

/// A writer that has stopped writing fails the test instead of hanging it.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(120);

/// One point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) measurement: String,
    pub(super) time_ns: i64,
    pub(super) writer: String,
    pub(super) batch: u64,
    /// Points of the batch.
    pub(super) size: u64,
    /// The place within the batch.
    pub(super) index: u64,
    pub(super) note: String,
}

impl Point {
    pub(super) fn new(writer: usize, batch: u64, size: u64, index: u64) -> Self {
        Self {
            measurement: MEASUREMENTS[index as usize % MEASUREMENTS.len()].to_owned(),
            time_ns: first_time_ns(batch) + index as i64,
            writer: writer.to_string(),
            batch,
            size,
            index,
            note: format!("{index} of {size} \u{00fc} {batch}"),
        }
    }

    /// The point in line protocol.
    pub(super) fn line(&self) -> String {
        let Self { measurement, time_ns, writer, batch, size, index, note } = self;
        let place = index % 5;
        format!(
            "{measurement},writer={writer},place={place} batch={batch}i,size={size}i,index={index}i,note=\"{note}\" {time_ns}\n"
        )
    }
}

/// What a server has.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) points: Vec<Point>,
    pub(super) wide_rows: Vec<WideRow>,
}

/// The time of a batch's first point.
pub(super) fn first_time_ns(batch: u64) -> i64 {
    batch as i64 * BATCH_INTERVAL_NS
}

/// The batch that a time belongs to.
fn batch_at(time_ns: i64) -> u64 {
    u64::try_from(time_ns / BATCH_INTERVAL_NS).expect("batches have numbers from 1")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Sent, and no answer came, or one that promises nothing; or being deleted.
    Unknown,
    /// Must be found: it was acknowledged, or found before.
    Present,
    /// Must not be found: it was missing after a start, or its deletion was acknowledged.
    Absent,
}

#[derive(Debug)]
struct Batch {
    writer: usize,
    size: u64,
    fate: Fate,
}

#[derive(Debug, Default)]
struct Entries {
    /// By number; numbers are given out from 1.
    batches: BTreeMap<u64, Batch>,
    acknowledged_count: u64,
    deleted_count: u64,
    /// Points and wide rows that the last complete check found.
    found_counts: (usize, usize),
    /// The first batch that was sent after the last check.
    first_unchecked: u64,
}

/// The books, shared by the writers.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Mutex<Entries>,
    acknowledged: Condvar,
}

impl Ledger {
    /// Notes that a batch of `size` points is about to be sent. Its number.
    pub(super) fn enter(&self, writer: usize, size: u64) -> u64 {
        let mut entries = self.entries.lock();
        let number = entries.batches.len() as u64 + 1;
        entries.batches.insert(number, Batch { writer, size, fate: Fate::Unknown });
        number
    }

    /// Notes that the server has answered with success.
    pub(super) fn acknowledge(&self, batch: u64) {
        let mut entries = self.entries.lock();
        entries.batches.get_mut(&batch).expect("only entered batches are sent").fate = Fate::Present;
        entries.acknowledged_count += 1;
        self.acknowledged.notify_all();
    }

    /// Notes that a batch is about to be deleted: one of those that must be there. Its number, if there is one.
    pub(super) fn enter_deletion(&self, random: &mut Rng) -> Option<u64> {
        let mut entries = self.entries.lock();
        let is_present = |(_, batch): &(&u64, &mut Batch)| batch.fate == Fate::Present;
        let start = random.u64(..=entries.batches.len() as u64);
        let (number, batch) = entries.batches.range_mut(start..).find(is_present)?;
        batch.fate = Fate::Unknown;
        Some(*number)
    }

    /// Notes that the server has acknowledged a deletion.
    pub(super) fn deleted(&self, batch: u64) {
        let mut entries = self.entries.lock();
        entries.batches.get_mut(&batch).expect("only entered batches are deleted").fate = Fate::Absent;
        entries.deleted_count += 1;
    }

    pub(super) fn deleted_count(&self) -> u64 {
        self.entries.lock().deleted_count
    }

    pub(super) fn acknowledged_count(&self) -> u64 {
        self.entries.lock().acknowledged_count
    }

    /// Points and wide rows that the last complete check found.
    pub(super) fn found_counts(&self) -> (usize, usize) {
        self.entries.lock().found_counts
    }

    pub(super) fn wait_for_acknowledged(&self, count: u64) {
        let mut entries = self.entries.lock();
        while entries.acknowledged_count < count {
            let before = entries.acknowledged_count;
            let waited = self.acknowledged.wait_for(&mut entries, PROGRESS_TIMEOUT);
            let stuck = waited.timed_out() && entries.acknowledged_count == before;
            assert!(!stuck, "no write was acknowledged within {PROGRESS_TIMEOUT:?}");
        }
    }

    /// The first batch whose fate is not settled by a check.
    pub(super) fn first_unchecked(&self) -> u64 {
        self.entries.lock().first_unchecked
    }

    /// The batch that was entered last.
    pub(super) fn last(&self) -> u64 {
        self.entries.lock().batches.len() as u64
    }

    /// Compares what the server has of the batches from `from` on with what it must have.
    pub(super) fn check(&self, found: &Found, from: u64) {
        let mut entries = self.entries.lock();
        let mut points = by_batch(&found.points, |point| point.batch);
        let mut rows = by_batch(&found.wide_rows, |row| batch_at(row.time_ns));
        for (number, batch) in entries.batches.range_mut(from..) {
            let Batch { writer, size, fate } = *batch;
            let points = points.remove(number).unwrap_or_default();
            let expected: Vec<Point> =
                (0..size).map(|index| Point::new(writer, *number, size, index)).collect();
            check_batch(*number, fate, &expected, &points);
            batch.fate = if points.is_empty() { Fate::Absent } else { Fate::Present };
            let rows = rows.remove(number).unwrap_or_default();
            assert!(rows.is_empty() || !points.is_empty(), "batch {number} is torn: it has wide rows only");
            check_batch(*number, batch.fate, &wide_rows(writer, *number, size), &rows);
        }
        assert!(points.is_empty() && rows.is_empty(), "nobody sent these: {points:?} {rows:?}");
        entries.first_unchecked = entries.batches.len() as u64 + 1;
        if from == 0 {
            entries.found_counts = (found.points.len(), found.wide_rows.len());
        }
    }
}

fn by_batch<T: Ord + Debug>(found: &[T], batch_of: impl Fn(&T) -> u64) -> BTreeMap<u64, BTreeSet<&T>> {
    let mut by_batch: BTreeMap<u64, BTreeSet<&T>> = BTreeMap::new();
    for one in found {
        let is_new = by_batch.entry(batch_of(one)).or_default().insert(one);
        assert!(is_new, "found twice: {one:?}");
    }
    by_batch
}

fn check_batch<T: Ord + Debug>(number: u64, fate: Fate, expected: &[T], found: &BTreeSet<&T>) {
    for one in found {
        assert!(expected.contains(one), "batch {number}: nobody sent {one:?}");
    }
    let (count, size) = (found.len(), expected.len());
    match fate {
        Fate::Present => {
            let lost = expected.iter().find(|one| !found.contains(one));
            assert!(lost.is_none(), "batch {number}: {count} of {size} that must be there; lost: {lost:?}");
        }
        Fate::Unknown => {
            assert!(count == 0 || count == size, "batch {number} is torn: {count} of {size}");
        }
        Fate::Absent => {
            assert!(
                count == 0,
                "batch {number} was gone after a start or deleted, now {count} of {size} are there"
            )
        }
    }
}
