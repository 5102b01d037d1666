//! The log as its users see it: what was acknowledged is there, whatever happened to the process or the disk.

use super::batch;
use super::{RecoveryReport, Wal, WalError, WalOptions};
use crate::model::batch::{FieldColumn, TableRows, WriteBatch};
use crate::model::ids::{DatabaseId, PolicyId, Sequence};
use arrow::array::Int64Array;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

mod damage;
mod faults;
mod foreign;
mod life;
mod salvage;

/// A batch of two rows that can be told from every other.
fn batch_of(number: i64) -> WriteBatch {
    let values = Int64Array::from(vec![number, -number]);
    let field = FieldColumn { name: "v".into(), values: Arc::new(values) };
    let table = TableRows {
        table: "t".into(),
        series: vec!["host\u{1}a\u{1}".into()],
        series_index: vec![0, 0],
        times_ns: vec![number, number + 1],
        fields: vec![field],
    };
    WriteBatch { database: DatabaseId(1), policy: PolicyId(2), tables: vec![table] }
}

fn payload_of(number: i64) -> Vec<u8> {
    batch::encode(&batch_of(number))
}

/// An empty folder, in memory where the machine has such a disk: these tests sync some ten thousand times.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

/// Options for tests: a low-water mark would make them depend on the machine's disk.
fn options(directory: &TempDir) -> WalOptions {
    WalOptions { disk_low_water_bytes: 0, ..WalOptions::new(directory.path()) }
}

/// An open log, what opening it said, and the batches it replayed with their sequences.
type Opened = (Wal, RecoveryReport, Vec<(u64, WriteBatch)>);

fn open(options: WalOptions, after: u64) -> Opened {
    try_open(options, after).expect("the log opens")
}

fn try_open(options: WalOptions, after: u64) -> Result<Opened, WalError> {
    let mut found = Vec::new();
    let (wal, report) = Wal::open(options, Sequence(after), |sequence, batch| {
        found.push((sequence.0, batch));
        Ok::<(), Infallible>(())
    })?;
    Ok((wal, report, found))
}

/// Appends batch `number` and waits for the disk. Its sequence.
fn append(wal: &Wal, number: i64) -> Result<u64, WalError> {
    let appended = wal.append(payload_of(number))?;
    appended.durable.wait()?;
    Ok(appended.sequence.0)
}

/// What recovery finds when batch N has sequence N.
fn numbered(sequences: impl IntoIterator<Item = u64>) -> Vec<(u64, WriteBatch)> {
    sequences.into_iter().map(|n| (n, batch_of(n as i64))).collect()
}

/// Writes batches 1 to `count`, each its own group, `per_segment` to a segment.
fn write_numbered(directory: &TempDir, count: u64, per_segment: u64) {
    let (wal, ..) = open(options(directory), 0);
    for n in 1..=count {
        assert_eq!(append(&wal, n as i64).unwrap(), n);
        if n.is_multiple_of(per_segment) {
            wal.rotate();
        }
    }
    wal.close().unwrap();
}

/// The segments, in order.
fn segments(directory: &TempDir) -> Vec<PathBuf> {
    super::segment::list(directory.path()).unwrap().into_iter().map(|(_, path)| path).collect()
}

/// A copy of the folder, to damage.
fn copy_of(directory: &TempDir) -> TempDir {
    let copy = folder();
    for path in segments(directory) {
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn quarantined(directory: &Path) -> usize {
    std::fs::read_dir(directory.join(super::segment::QUARANTINE)).map_or(0, Iterator::count)
}
