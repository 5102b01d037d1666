//! Whose log it is: records of a log that the store does not go on from are put aside, and never in silence.

use super::{append, folder, numbered, open, options, quarantined, segments, try_open, write_numbered};
use crate::model::ids::{LogId, Sequence};
use crate::wal::segment::{SegmentHeader, file_name};
use crate::wal::{FlushedLog, WalError, WalOptions, is_foreign, refuse_foreign, salvage};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// Options of a caller that goes on from this log.
fn going_on_from(log: &LogId, directory: &TempDir) -> WalOptions {
    WalOptions { flushed_log: FlushedLog::Is(log.clone()), ..options(directory) }
}

/// The files that say which log it is.
fn ids(directory: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "id")).collect()
}

#[test]
fn a_log_keeps_its_id() {
    let directory = folder();
    let (wal, ..) = open(options(&directory), 0);
    let id = wal.id().clone();
    append(&wal, 1).unwrap();
    drop(wal);
    for flushed_log in [FlushedLog::Unknown, FlushedLog::Is(id.clone())] {
        let (wal, report, found) = open(WalOptions { flushed_log, ..options(&directory) }, 0);
        assert_eq!((wal.id(), report.is_complete()), (&id, true));
        assert_eq!(found, numbered([1]));
    }
    let another = folder();
    assert_ne!(*open(options(&another), 0).0.id(), id);
}

#[test]
fn records_of_another_log_are_put_aside_and_named() {
    let directory = folder();
    write_numbered(&directory, 9, 4);
    let bytes: Vec<Vec<u8>> = segments(&directory).iter().map(|path| fs::read(path).unwrap()).collect();
    let (id, another) = (ids(&directory), LogId::new("another"));
    // All their sequences are flushed: those of the other log.
    match try_open(WalOptions { strict: true, ..going_on_from(&another, &directory) }, 20) {
        Err(WalError::Foreign { file, .. }) => assert_eq!(file, segments(&directory)[0]),
        other => panic!("{other:?}"),
    }
    assert_eq!((segments(&directory).len(), quarantined(directory.path())), (3, 0), "nothing was changed");
    assert_eq!(ids(&directory), id);

    let (wal, report, found) = open(going_on_from(&another, &directory), 20);
    assert!(found.is_empty());
    assert_eq!((report.damage.len(), report.record_count, report.last_sequence), (3, 0, Sequence(20)));
    for (damage, bytes) in report.damage.iter().zip(&bytes) {
        assert_eq!(fs::read(damage.quarantined_to.as_ref().unwrap()).unwrap(), *bytes);
    }
    let reason = &report.damage[0].reason;
    let expected = "records 1 to 4 may be in no file: another server has taken over, and its store goes on from log another, ";
    assert!(reason.starts_with(expected), "{reason}");
    assert!(segments(&directory).is_empty());

    // It goes on as a log of its own.
    assert_eq!(append(&wal, 21).unwrap(), 21);
    let renewed = wal.id().clone();
    drop(wal);
    assert_eq!(ids(&directory).len(), 1);
    assert_ne!(ids(&directory), id);
    let (_, report, found) = open(going_on_from(&renewed, &directory), 20);
    assert!(report.is_complete());
    assert_eq!(found, numbered([21]));
}

/// As when the address of the store is wrong: the right one must find them.
#[test]
fn a_log_with_records_is_refused_where_nothing_was_ever_written() {
    let directory = folder();
    write_numbered(&directory, 3, 9);
    let id = ids(&directory);
    for strict in [false, true] {
        let new_store = WalOptions { strict, flushed_log: FlushedLog::NoneYet, ..options(&directory) };
        assert!(matches!(refuse_foreign(&new_store), Err(WalError::NewStore { .. })));
        let refused = try_open(new_store, 0).expect_err("it has records").to_string();
        let reason =
            "records 1 to 3 came from another store: nothing was ever written to this one, this is log ";
        let away = format!("move the folder {} away", directory.path().display());
        for expected in [reason, "Start with the store that the log belongs to", away.as_str()] {
            assert!(refused.contains(expected), "{refused}");
        }
    }
    assert_eq!((segments(&directory).len(), quarantined(directory.path())), (1, 0), "nothing was changed");
    assert_eq!(ids(&directory), id);
    let (_, report, found) = open(options(&directory), 0);
    assert!(report.is_complete());
    assert_eq!(found, numbered(1..=3));

    let empty = folder();
    let new_store = WalOptions { flushed_log: FlushedLog::NoneYet, ..options(&empty) };
    refuse_foreign(&new_store).unwrap();
    assert_eq!(append(&open(new_store, 0).0, 1).unwrap(), 1);
}

/// Its records name databases by their numbers, which a store that begins anew gives to other ones.
#[test]
fn records_that_come_to_a_store_in_memory_are_put_aside_and_named() {
    let directory = folder();
    write_numbered(&directory, 3, 9);
    let new_store = WalOptions { flushed_log: FlushedLog::NoneInMemory, ..options(&directory) };
    let strict = WalOptions { strict: true, ..new_store.clone() };
    assert!(matches!(refuse_foreign(&strict), Err(WalError::Foreign { .. })));
    assert!(matches!(try_open(strict, 0), Err(WalError::Foreign { .. })));
    assert_eq!((segments(&directory).len(), quarantined(directory.path())), (1, 0), "nothing was changed");

    refuse_foreign(&new_store).unwrap();
    let (wal, report, found) = open(new_store, 0);
    assert!(found.is_empty());
    let reason = &report.damage[0].reason;
    let expected =
        "records 1 to 3 came from another store: nothing was ever written to this one, this is log ";
    assert!(reason.starts_with(expected), "{reason}");
    assert_eq!((segments(&directory).len(), quarantined(directory.path())), (0, 1));
    assert_eq!(append(&wal, 1).unwrap(), 1);
}

#[test]
fn another_log_without_records_just_goes_on() {
    let directory = folder();
    // One segment was being created when the process died, and the other one never got a record.
    fs::write(directory.path().join(file_name(Sequence(1))), [0_u8; 30]).unwrap();
    let header = SegmentHeader { first: Sequence(2), salt: 7 }.encode();
    fs::write(directory.path().join(file_name(Sequence(2))), header).unwrap();
    let strict = WalOptions { strict: true, ..going_on_from(&LogId::new("another"), &directory) };
    let (wal, report, _) = open(strict, 5);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((segments(&directory).len(), quarantined(directory.path())), (0, 0));
    assert_eq!(append(&wal, 6).unwrap(), 6);
}

#[test]
fn a_log_without_one_certain_id_is_no_log_that_anybody_names() {
    for id_count in [0, 2] {
        let directory = folder();
        write_numbered(&directory, 1, 9);
        let path = ids(&directory).remove(0);
        let id = FlushedLog::Is(LogId::new(path.file_stem().unwrap().to_str().unwrap()));
        assert!(!is_foreign(directory.path(), &id).unwrap());
        if id_count == 0 {
            fs::remove_file(path).unwrap();
        } else {
            fs::write(directory.path().join("00000000-0000-0000-0000-000000000000.id"), "").unwrap();
        }
        assert!(is_foreign(directory.path(), &id).unwrap(), "{id_count} ids");
        assert!(!is_foreign(directory.path(), &FlushedLog::Unknown).unwrap(), "any log will do");
        // As when this version first opens what an earlier one has left.
        let (wal, _, found) = open(options(&directory), 0);
        assert_eq!(found, numbered([1]));
        assert_eq!(ids(&directory).len(), 1, "{}", wal.id());
    }
}

#[test]
fn records_that_the_caller_leaves_out_are_copied_alone_and_once() {
    let directory = folder();
    write_numbered(&directory, 9, 4);
    let left_out = [2, 3, 9].map(Sequence);
    for start in 1..=2 {
        let (wal, report, found) = open(options(&directory), 0);
        assert!(report.is_complete());
        assert_eq!(found, numbered(1..=9));
        let copied = wal.put_aside(&left_out, "are of nobody").unwrap();
        let reasons: Vec<&str> = copied.iter().map(|damage| damage.reason.as_str()).collect();
        assert_eq!(reasons, ["records 2 to 3 are of nobody", "records 9 to 9 are of nobody"]);
        assert_eq!(quarantined(directory.path()), 2, "start {start}");
    }
    let (wal, ..) = open(options(&directory), 0);
    wal.trim(Sequence(9)).unwrap();
    drop(wal);
    let mut aside = Vec::new();
    for source in salvage::sources(&salvage::quarantine_of(directory.path())).unwrap() {
        let read = source.read().unwrap();
        assert!(read.lost().is_empty() && read.unfinished().is_none());
        aside.extend(read.records().map(|record| (record.sequence().0, record.decode().unwrap())));
    }
    assert_eq!(aside, numbered([2, 3, 9]));
}
