//! A disk that is full, short, broken or slow.

use super::{append, folder, numbered, open, options, payload_of, segments};
use crate::model::ids::Sequence;
use crate::wal::files::{DiskFiles, LogFile, LogFiles};
use crate::wal::{Wal, WalError, WalOptions};
use parking_lot::{Condvar, Mutex};
use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// What the next operations do. All is well by default.
#[derive(Debug, Default)]
struct Faults {
    /// Most bytes that one write takes.
    write_bytes_max: Option<usize>,
    /// Bytes that still fit on the disk.
    room_bytes: Option<usize>,
    write: Option<io::ErrorKind>,
    sync: Option<io::ErrorKind>,
    truncate: Option<io::ErrorKind>,
    create: Option<io::ErrorKind>,
    /// Nothing can be opened any more.
    has_no_descriptors: bool,
    remove: Option<io::ErrorKind>,
    sync_directory: Option<io::ErrorKind>,
    free_bytes: Option<u64>,
    write_panics: bool,
    /// Syncs wait while this is set.
    sync_blocks: bool,
    /// Operations that reached the disk or tried to.
    write_count: usize,
    sync_count: usize,
}

#[derive(Clone, Debug, Default)]
struct FaultyFiles(Arc<(Mutex<Faults>, Condvar)>);

impl FaultyFiles {
    fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.0.0.lock());
        self.0.1.notify_all();
    }

    fn get<T>(&self, read: impl FnOnce(&Faults) -> T) -> T {
        read(&self.0.0.lock())
    }

    fn fault(&self, read: impl FnOnce(&Faults) -> Option<io::ErrorKind>) -> io::Result<()> {
        self.get(read).map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn wait_until_sync_blocks(&self) {
        let mut faults = self.0.0.lock();
        while !(faults.sync_blocks && faults.sync_count > 0) {
            self.0.1.wait(&mut faults);
        }
    }
}

impl LogFiles for FaultyFiles {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.fault(|f| f.create)?;
        if self.get(|f| f.has_no_descriptors) {
            return Err(rustix::io::Errno::MFILE.into());
        }
        Ok(Box::new(FaultyFile { file: DiskFiles.create(path)?, faults: self.clone() }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.fault(|f| f.remove)?;
        DiskFiles.remove(path)
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        self.fault(|f| f.sync_directory)?;
        DiskFiles.sync_directory(directory)
    }

    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        self.get(|f| f.free_bytes).map_or_else(|| DiskFiles.free_bytes(directory), Ok)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn LogFile>,
    faults: FaultyFiles,
}

impl LogFile for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.faults.set(|f| f.write_count += 1);
        assert!(!self.faults.get(|f| f.write_panics), "a bug in the writer");
        self.faults.fault(|f| f.write)?;
        let (short, room) = self.faults.get(|f| (f.write_bytes_max, f.room_bytes));
        if room == Some(0) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let length = bytes.len().min(short.unwrap_or(usize::MAX)).min(room.unwrap_or(usize::MAX));
        let written = self.file.write(&bytes[..length])?;
        self.faults.set(|f| f.room_bytes = f.room_bytes.map(|room| room - written));
        Ok(written)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut faults = self.faults.0.0.lock();
        faults.sync_count += 1;
        self.faults.0.1.notify_all();
        while faults.sync_blocks {
            self.faults.0.1.wait(&mut faults);
        }
        drop(faults);
        self.faults.fault(|f| f.sync)?;
        self.file.sync()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.faults.fault(|f| f.truncate)?;
        self.file.truncate(length)
    }
}

fn open_faulty(options: WalOptions) -> (Wal, FaultyFiles) {
    let files = FaultyFiles::default();
    let replay = |_, _| Ok::<(), Infallible>(());
    let (wal, _) = Wal::open_with(options, Arc::new(files.clone()), Sequence::ZERO, replay).unwrap();
    (wal, files)
}

/// After reopening on a healthy disk: exactly these records, and nothing torn, damaged or missing.
fn check_reopened(directory: &TempDir, sequences: &[u64]) {
    let (_, report, found) = open(WalOptions { strict: true, ..options(directory) }, 0);
    assert_eq!(found, numbered(sequences.iter().copied()));
    assert!(report.is_complete());
    assert_eq!(report.torn_bytes, 0);
}

fn check_failed(wal: &Wal, files: &FaultyFiles) {
    let (writes, syncs) = files.get(|f| (f.write_count, f.sync_count));
    files.set(|f| *f = Faults { write_count: writes, sync_count: syncs, ..Faults::default() });
    assert!(matches!(append(wal, 99), Err(WalError::Failed { .. })), "even on a disk that is well again");
    assert!(matches!(wal.failure(), Some(WalError::Failed { .. })));
    assert!(!wal.is_writable());
    assert_eq!(files.get(|f| (f.write_count, f.sync_count)), (writes, syncs), "nothing was tried again");
    assert!(matches!(wal.close(), Err(WalError::Failed { .. })));
}

#[test]
fn short_writes_are_continued() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    files.set(|f| f.write_bytes_max = Some(7));
    for n in 1..=5 {
        append(&wal, n).unwrap();
    }
    drop(wal);
    check_reopened(&directory, &[1, 2, 3, 4, 5]);
}

#[test]
fn a_record_that_does_not_fit_is_taken_back_and_the_log_goes_on() {
    for room in 0..payload_of(1).len() + 25 {
        let directory = folder();
        let (wal, files) = open_faulty(options(&directory));
        assert_eq!(append(&wal, 1).unwrap(), 1);
        files.set(|f| f.room_bytes = Some(room));
        let length = segments(&directory)[0].metadata().unwrap().len();
        let refused = append(&wal, 2);
        assert!(matches!(&refused, Err(e @ WalError::DiskFull) if e.is_retryable()), "{refused:?}");
        assert_eq!(segments(&directory)[0].metadata().unwrap().len(), length);
        assert!(matches!(append(&wal, 3), Err(WalError::DiskFull)));
        files.set(|f| f.room_bytes = None);
        assert_eq!(append(&wal, 4).unwrap(), 4);
        assert_eq!(append(&wal, 5).unwrap(), 5);
        assert!(wal.is_writable());
        drop(wal);
        check_reopened(&directory, &[1, 4, 5]);
    }
}

#[test]
fn a_mark_that_does_not_fit_is_taken_back_and_the_record_stands() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    append(&wal, 1).unwrap();
    let marked = segments(&directory)[0].metadata().unwrap().len();
    files.set(|f| f.room_bytes = Some(payload_of(2).len() + 25 + 10));
    assert_eq!(append(&wal, 2).unwrap(), 2);
    let length = segments(&directory)[0].metadata().unwrap().len();
    assert_eq!(length, marked + payload_of(2).len() as u64 + 25);
    assert_eq!(wal.size_bytes(), length);
    files.set(|f| f.room_bytes = None);
    assert_eq!(append(&wal, 3).unwrap(), 3);
    drop(wal);
    check_reopened(&directory, &[1, 2, 3]);
}

#[test]
fn a_mark_that_cannot_be_taken_back_stops_the_log_and_the_record_stands() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    files.set(|f| f.room_bytes = Some(64 + payload_of(1).len() + 25 + 10));
    files.set(|f| f.truncate = Some(io::ErrorKind::Other));
    assert_eq!(append(&wal, 1).unwrap(), 1);
    assert!(matches!(append(&wal, 2), Err(WalError::Failed { .. })));
    check_failed(&wal, &files);
    drop(wal);
    let (_, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered([1]));
    assert!(report.is_complete());
}

#[test]
fn refused_records_at_a_change_of_segments_are_not_missed() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    append(&wal, 1).unwrap();
    wal.rotate();
    for room in [0, 10, 64, 80] {
        files.set(|f| f.room_bytes = Some(room));
        assert!(matches!(append(&wal, 0), Err(WalError::DiskFull)));
    }
    files.set(|f| f.room_bytes = None);
    wal.rotate();
    assert_eq!(append(&wal, 6).unwrap(), 6);
    wal.rotate();
    assert_eq!(append(&wal, 7).unwrap(), 7);
    let on_disk: u64 = segments(&directory).iter().map(|p| p.metadata().unwrap().len()).sum();
    assert_eq!(wal.size_bytes(), on_disk);
    wal.trim(Sequence(6)).unwrap();
    assert_eq!(segments(&directory).len(), 1);
    drop(wal);
    let (_, report, found) = open(WalOptions { strict: true, ..options(&directory) }, 6);
    assert!(report.is_complete());
    assert_eq!(found, numbered([7]));
}

#[test]
fn a_partial_record_that_cannot_be_taken_back_stops_the_log() {
    for fault in [(|f: &mut Faults| f.truncate = Some(io::ErrorKind::Other)) as fn(&mut Faults), |f| {
        f.sync = Some(io::ErrorKind::Other)
    }] {
        let directory = folder();
        let (wal, files) = open_faulty(options(&directory));
        append(&wal, 1).unwrap();
        files.set(|f| f.room_bytes = Some(5));
        files.set(fault);
        assert!(matches!(append(&wal, 2), Err(WalError::Failed { .. })));
        check_failed(&wal, &files);
        drop(wal);
        let (_, report, found) = open(options(&directory), 0);
        assert_eq!(found, numbered([1]));
        assert!(report.is_complete());
    }
}

#[test]
fn an_error_of_write_or_fsync_is_final() {
    for (fault, found_after) in [
        ((|f: &mut Faults| f.write = Some(io::ErrorKind::Other)) as fn(&mut Faults), 1),
        // The record is in the page cache and may be found: its writer was told "failed", not "refused".
        (|f| f.sync = Some(io::ErrorKind::Other), 2),
    ] {
        let directory = folder();
        let (wal, files) = open_faulty(options(&directory));
        append(&wal, 1).unwrap();
        files.set(fault);
        assert!(matches!(append(&wal, 2), Err(WalError::Failed { .. })));
        check_failed(&wal, &files);
        drop(wal);
        check_reopened(&directory, &[1, 2][..found_after]);
    }
}

#[test]
fn an_error_of_fsync_while_creating_a_segment_is_final() {
    for fault in [
        (|f: &mut Faults| f.sync = Some(io::ErrorKind::Other)) as fn(&mut Faults),
        |f| f.sync_directory = Some(io::ErrorKind::Other),
        |f| f.write = Some(io::ErrorKind::Other),
    ] {
        let directory = folder();
        let (wal, files) = open_faulty(options(&directory));
        files.set(fault);
        assert!(matches!(append(&wal, 1), Err(WalError::Failed { .. })));
        check_failed(&wal, &files);
        drop(wal);
        let (_, report, found) = open(options(&directory), 0);
        assert!(found.is_empty() && report.is_complete());
    }
}

#[test]
fn a_segment_that_cannot_be_created_refuses_the_writes_until_it_can() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    files.set(|f| f.create = Some(io::ErrorKind::PermissionDenied));
    assert!(matches!(append(&wal, 1), Err(WalError::Io { .. })));
    files.set(|f| f.create = Some(io::ErrorKind::QuotaExceeded));
    assert!(matches!(append(&wal, 2), Err(WalError::DiskFull)));
    files.set(|f| f.create = None);
    assert_eq!(append(&wal, 3).unwrap(), 3);
    drop(wal);
    check_reopened(&directory, &[3]);
}

#[test]
fn without_descriptors_writes_are_refused_until_there_are_some() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    append(&wal, 1).unwrap();
    wal.rotate();
    files.set(|f| f.has_no_descriptors = true);
    let refused = append(&wal, 2);
    assert!(matches!(&refused, Err(e @ WalError::NoDescriptors) if e.is_retryable()), "{refused:?}");
    assert!(wal.is_writable());
    files.set(|f| f.has_no_descriptors = false);
    assert_eq!(append(&wal, 3).unwrap(), 3);
    drop(wal);
    check_reopened(&directory, &[1, 3]);
}

#[test]
fn below_the_low_water_mark_nothing_is_written_until_there_is_room() {
    let directory = folder();
    let (wal, files) = open_faulty(WalOptions { disk_low_water_bytes: 1_000, ..options(&directory) });
    append(&wal, 1).unwrap();
    let writes = files.get(|f| f.write_count);
    files.set(|f| f.free_bytes = Some(1_010));
    assert!(matches!(append(&wal, 2), Err(WalError::DiskFull)), "the record would go below");
    files.set(|f| f.free_bytes = Some(999));
    let sequence = wal.last_sequence();
    assert!(matches!(wal.append(payload_of(2)), Err(WalError::DiskFull)), "refused before it is queued");
    assert_eq!(wal.last_sequence(), sequence);
    assert!(!wal.is_writable());
    assert!(wal.failure().is_none());
    assert_eq!(files.get(|f| f.write_count), writes);
    files.set(|f| f.free_bytes = Some(1 << 30));
    assert!(wal.is_writable());
    assert_eq!(append(&wal, 3).unwrap(), 3);
    drop(wal);
    check_reopened(&directory, &[1, 3]);
}

#[test]
fn a_full_queue_refuses_and_empties_again() {
    let directory = folder();
    let bytes = payload_of(1).len();
    let (wal, files) = open_faulty(WalOptions { queue_bytes_max: 3 * bytes, ..options(&directory) });
    files.set(|f| f.sync_blocks = true);
    let first = wal.append(payload_of(1)).unwrap();
    files.wait_until_sync_blocks();
    let waiting: Vec<_> = (2..=4).map(|n| wal.append(payload_of(n)).unwrap()).collect();
    let refused = wal.append(payload_of(5));
    assert!(matches!(&refused, Err(e @ WalError::QueueFull) if e.is_retryable()));
    assert_eq!(wal.durable_sequence(), Sequence::ZERO);
    files.set(|f| f.sync_blocks = false);
    first.durable.wait().unwrap();
    for appended in waiting {
        appended.durable.wait().unwrap();
    }
    assert_eq!(append(&wal, 5).unwrap(), 5);
    drop(wal);
    check_reopened(&directory, &[1, 2, 3, 4, 5]);
}

#[test]
fn all_that_waits_is_one_group() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    append(&wal, 1).unwrap();
    files.set(|f| (f.sync_blocks, f.sync_count) = (true, 0));
    let second = wal.append(payload_of(2)).unwrap();
    files.wait_until_sync_blocks();
    let waiting: Vec<_> = (3..=50).map(|n| wal.append(payload_of(n)).unwrap()).collect();
    files.set(|f| f.sync_blocks = false);
    second.durable.wait().unwrap();
    for appended in waiting {
        appended.durable.wait().unwrap();
    }
    assert_eq!(files.get(|f| f.sync_count), 2, "one for record 2, one for the other 48");
}

#[test]
fn everyone_who_waits_learns_of_a_failure() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    append(&wal, 1).unwrap();
    files.set(|f| (f.sync_blocks, f.sync_count, f.sync) = (true, 0, Some(io::ErrorKind::Other)));
    let writing = wal.append(payload_of(2)).unwrap();
    files.wait_until_sync_blocks();
    let waiting: Vec<_> = (3..=9).map(|n| wal.append(payload_of(n)).unwrap()).collect();
    files.set(|f| f.sync_blocks = false);
    assert!(matches!(writing.durable.wait(), Err(WalError::Failed { .. })));
    for appended in waiting {
        assert!(matches!(appended.durable.wait(), Err(WalError::Failed { .. })));
    }
    check_failed(&wal, &files);
}

#[test]
fn a_bug_in_the_writer_is_a_failure_not_a_hang() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    append(&wal, 1).unwrap();
    files.set(|f| f.write_panics = true);
    assert!(append(&wal, 2).is_err());
    drop(wal);
    check_reopened(&directory, &[1]);
}

#[test]
fn a_segment_that_cannot_be_deleted_is_tried_again() {
    let directory = folder();
    let (wal, files) = open_faulty(options(&directory));
    append(&wal, 1).unwrap();
    wal.rotate();
    append(&wal, 2).unwrap();
    files.set(|f| f.remove = Some(io::ErrorKind::PermissionDenied));
    assert!(matches!(wal.trim(Sequence(1)), Err(WalError::Io { .. })));
    assert_eq!(segments(&directory).len(), 2);
    files.set(|f| f.remove = None);
    wal.trim(Sequence(1)).unwrap();
    assert_eq!(segments(&directory).len(), 1);
    assert!(wal.is_writable());
}
