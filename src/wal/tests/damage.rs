//! Whatever bytes are lost or changed: no wrong record, no panic, and no acknowledged record lost in silence.

use super::{
    append, batch_of, copy_of, folder, numbered, open, options, payload_of, quarantined, segments, try_open,
    write_numbered,
};
use crate::model::batch::WriteBatch;
use crate::model::ids::Sequence;
use crate::wal::frame::{FRAME_HEADER_BYTES, RecordKind, push_frame};
use crate::wal::inspect::inspect;
use crate::wal::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name};
use crate::wal::{WalError, WalOptions};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const SALT: u64 = 0x5a17_5a17_5a17_5a17;

fn strict(directory: &TempDir) -> WalOptions {
    WalOptions { strict: true, ..options(directory) }
}

fn contents(directory: &TempDir) -> Vec<Vec<u8>> {
    segments(directory).iter().map(|p| fs::read(p).unwrap()).collect()
}

/// A segment made by hand: each record with the last one that was on disk when it was written.
fn segment_of(first: u64, records: &[(u64, u64)]) -> Vec<u8> {
    let mut bytes = SegmentHeader { first: Sequence(first), salt: SALT }.encode().to_vec();
    for &(sequence, synced) in records {
        push_batch(&mut bytes, sequence, synced, &payload_of(sequence as i64));
    }
    bytes
}

fn push_batch(out: &mut Vec<u8>, sequence: u64, synced: u64, payload: &[u8]) {
    let crc = crc32c::crc32c(payload);
    push_frame(out, SALT, Sequence(sequence), Sequence(synced), RecordKind::Batch, payload, crc);
}

fn put(directory: &TempDir, first: u64, bytes: &[u8]) {
    fs::write(directory.path().join(file_name(Sequence(first))), bytes).unwrap();
}

/// Every record found is one that was written.
fn check_genuine(found: &[(u64, WriteBatch)]) {
    for (sequence, batch) in found {
        assert_eq!(*batch, batch_of(*sequence as i64), "record {sequence}");
    }
    assert!(found.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn a_log_cut_anywhere_replays_a_prefix() {
    let original = folder();
    write_numbered(&original, 6, 3);
    let last = segments(&original).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    // Each record is followed by its mark, which is of no use to it.
    let frame_bytes = (bytes.len() - SEGMENT_HEADER_BYTES) / 3;
    for length in 0..bytes.len() {
        let cut = copy_of(&original);
        let path = cut.path().join(last.file_name().unwrap());
        fs::write(&path, &bytes[..length]).unwrap();
        let whole = 3 + (length + FRAME_HEADER_BYTES).saturating_sub(SEGMENT_HEADER_BYTES) / frame_bytes;

        let (wal, report, found) = open(strict(&cut), 0);
        assert_eq!(found, numbered(1..=whole as u64), "cut to {length} bytes");
        assert!(report.is_complete() && quarantined(cut.path()) == 0);
        append(&wal, whole as i64 + 1).unwrap();
        drop(wal);
        let (_, report, found) = open(strict(&cut), 0);
        assert_eq!(found, numbered(1..=whole as u64 + 1), "cut to {length} bytes, appended, reopened");
        assert_eq!(report.torn_bytes, 0);
    }
}

#[test]
fn a_changed_byte_anywhere_loses_at_most_its_record_and_says_so() {
    let original = folder();
    write_numbered(&original, 4, 2);
    for (i, path) in segments(&original).iter().enumerate() {
        let bytes = fs::read(path).unwrap();
        for at in 0..bytes.len() {
            let damaged = copy_of(&original);
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            fs::write(damaged.path().join(path.file_name().unwrap()), &changed).unwrap();
            let before = contents(&damaged);

            let refused = try_open(strict(&damaged), 0).map(drop);
            let (_, report, found) = open(options(&damaged), 0);
            check_genuine(&found);
            if at >= bytes.len() - FRAME_HEADER_BYTES {
                // The last mark, which is of no use where it never got to the disk and where other segments follow.
                assert_eq!(found, numbered(1..=4), "segment {i}, byte {at}");
                assert!(report.is_complete() && refused.is_ok());
                continue;
            }
            assert_eq!(report.missing_count(), 4 - found.len() as u64, "segment {i}, byte {at}");
            assert!(found.len() >= 3, "segment {i}, byte {at}: {} records", found.len());
            assert!(!report.damage.is_empty(), "segment {i}, byte {at}");
            assert!(report.damage.iter().all(|d| d.quarantined_to.as_ref().is_some_and(|p| p.exists())));
            let Err(WalError::Damaged { file, .. }) = refused else { panic!("segment {i}, byte {at}") };
            assert_eq!(file.file_name(), path.file_name());
            assert_ne!(before, contents(&damaged), "the lenient start repaired it");

            let (_, report, again) = open(options(&damaged), 0);
            assert_eq!(again, found, "segment {i}, byte {at}: the second start finds the same");
            assert!(report.damage.is_empty(), "and nothing new to repair");
        }
    }
}

#[test]
fn strict_mode_changes_nothing() {
    let directory = folder();
    write_numbered(&directory, 6, 3);
    let path = segments(&directory).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let at = SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + 1;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let before = contents(&directory);
    match try_open(strict(&directory), 0) {
        Err(WalError::Damaged { file, offset, .. }) => {
            assert_eq!((file, offset), (path, SEGMENT_HEADER_BYTES as u64));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(contents(&directory), before);
    assert_eq!(quarantined(directory.path()), 0);
}

#[test]
fn a_missing_segment_is_missed_until_it_is_flushed_over() {
    let directory = folder();
    write_numbered(&directory, 9, 3);
    fs::remove_file(&segments(&directory)[1]).unwrap();
    assert!(matches!(try_open(strict(&directory), 0), Err(WalError::Damaged { .. })));
    let (wal, report, found) = open(options(&directory), 0);
    assert_eq!(report.missing, vec![(Sequence(4), Sequence(6))]);
    assert_eq!(found, numbered([1, 2, 3, 7, 8, 9]));
    drop(wal);
    let (_, report, found) = open(strict(&directory), 6);
    assert!(report.is_complete());
    assert_eq!(found, numbered(7..=9));
}

#[test]
fn an_unreadable_header_costs_the_segment_not_the_log() {
    let directory = folder();
    write_numbered(&directory, 9, 3);
    let path = segments(&directory).remove(1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[..SEGMENT_HEADER_BYTES].fill(0xee);
    fs::write(&path, &bytes).unwrap();
    let (_, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered([1, 2, 3, 7, 8, 9]));
    assert_eq!((report.damage[0].offset, report.damage[0].bytes), (0, bytes.len() as u64));
    assert_eq!(report.missing, vec![(Sequence(4), Sequence(6))]);
    assert_eq!(fs::read(report.damage[0].quarantined_to.as_ref().unwrap()).unwrap(), bytes);
    assert!(!path.exists());
}

#[test]
fn records_behind_damage_are_kept() {
    let directory = folder();
    let mut bytes = segment_of(1, &[(1, 0), (2, 1), (3, 2), (4, 3)]);
    let frame = (bytes.len() - SEGMENT_HEADER_BYTES) / 4;
    let second = SEGMENT_HEADER_BYTES + frame;
    bytes[second..second + frame].fill(0);
    put(&directory, 1, &bytes);
    let (_, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered([1, 3, 4]));
    assert_eq!((report.damage[0].offset, report.damage[0].bytes), (second as u64, frame as u64));
    assert_eq!(report.missing, vec![(Sequence(2), Sequence(2))]);
    assert_eq!(fs::read(report.damage[0].quarantined_to.as_ref().unwrap()).unwrap(), vec![0; frame]);
}

#[test]
fn a_hole_in_a_group_that_was_never_synced_is_a_torn_tail() {
    let directory = folder();
    // Records 2 to 4 are one group: each was written when only record 1 was on disk.
    let mut bytes = segment_of(1, &[(1, 0), (2, 1), (3, 1), (4, 1)]);
    let frame = (bytes.len() - SEGMENT_HEADER_BYTES) / 4;
    bytes[SEGMENT_HEADER_BYTES + 2 * frame..][..frame].fill(0);
    put(&directory, 1, &bytes);
    let (wal, report, found) = open(strict(&directory), 0);
    assert_eq!(found, numbered([1, 2]));
    assert!(report.is_complete());
    assert_eq!(report.torn_bytes, 2 * frame as u64);
    assert_eq!(append(&wal, 3).unwrap(), 3);
    drop(wal);
    assert_eq!(open(strict(&directory), 0).2, numbered(1..=3));
}

#[test]
fn the_same_hole_is_damage_in_a_segment_that_others_follow() {
    let directory = folder();
    let mut bytes = segment_of(1, &[(1, 0), (2, 1), (3, 1)]);
    let frame = (bytes.len() - SEGMENT_HEADER_BYTES) / 3;
    bytes[SEGMENT_HEADER_BYTES + frame..][..frame].fill(0);
    put(&directory, 1, &bytes);
    put(&directory, 4, &segment_of(4, &[(4, 3)]));
    let (_, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered([1, 3, 4]));
    assert_eq!(report.missing, vec![(Sequence(2), Sequence(2))]);
}

#[test]
fn a_frame_inside_a_value_is_never_taken_for_a_record() {
    let directory = folder();
    // A client that knows the format, but not the salt, hides a frame in what it writes; then the record
    // that carries it is damaged and recovery searches its bytes.
    let mut hidden = Vec::new();
    let payload = payload_of(666);
    let crc = crc32c::crc32c(&payload);
    push_frame(&mut hidden, SALT + 1, Sequence(2), Sequence(0), RecordKind::Batch, &payload, crc);
    let mut bytes = segment_of(1, &[]);
    push_batch(&mut bytes, 1, 0, &hidden);
    bytes[SEGMENT_HEADER_BYTES + 4] ^= 1;
    push_batch(&mut bytes, 2, 1, &payload_of(2));
    put(&directory, 1, &bytes);
    let (_, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered([2]));
    assert_eq!(report.missing, vec![(Sequence(1), Sequence(1))]);
}

#[test]
fn a_record_that_is_no_batch_is_quarantined() {
    let directory = folder();
    let mut bytes = segment_of(1, &[(1, 0)]);
    let offset = bytes.len() as u64;
    push_batch(&mut bytes, 2, 1, &[1, 2, 3]);
    push_batch(&mut bytes, 3, 2, &payload_of(3));
    put(&directory, 1, &bytes);
    assert_eq!(inspect(directory.path()).unwrap()[0].malformed, vec![Sequence(2)]);
    assert!(matches!(try_open(strict(&directory), 0), Err(WalError::Damaged { .. })));
    let (_, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered([1, 3]));
    assert_eq!(report.damage[0].offset, offset);
    assert_eq!(quarantined(directory.path()), 1);
}

#[test]
fn newer_formats_are_refused_and_left_alone() {
    let directory = folder();
    let mut bytes = segment_of(1, &[(1, 0)]);
    push_batch(&mut bytes, 2, 1, &[200, 0, 0]);
    put(&directory, 1, &bytes);
    assert!(matches!(try_open(options(&directory), 0), Err(WalError::Unsupported { .. })));
    for copy in [0, 32] {
        bytes[copy + 8] = 77;
        let crc = crc32c::crc32c(&bytes[copy..copy + 28]);
        bytes[copy + 28..copy + 32].copy_from_slice(&crc.to_le_bytes());
    }
    put(&directory, 1, &bytes);
    assert!(matches!(try_open(options(&directory), 0), Err(WalError::Unsupported { .. })));
    assert!(matches!(inspect(directory.path()), Err(WalError::Unsupported { .. })));
    assert_eq!(contents(&directory), vec![bytes]);
}

#[test]
fn a_segment_of_another_log_under_a_wrong_name_is_moved_away() {
    let directory = folder();
    put(&directory, 1, &segment_of(1, &[(1, 0)]));
    put(&directory, 2, &segment_of(1, &[(1, 0)]));
    put(&directory, 3, &segment_of(3, &[(3, 2)]));
    let (_, report, found) = open(options(&directory), 0);
    assert_eq!(found, numbered([1, 3]));
    assert_eq!(report.missing, vec![(Sequence(2), Sequence(2))]);
    assert_eq!(segments(&directory).len(), 2);
}

#[test]
fn damage_of_what_is_flushed_already_is_quarantined_and_the_segment_goes() {
    let directory = folder();
    let mut bytes = segment_of(1, &[(1, 0), (2, 1)]);
    bytes[SEGMENT_HEADER_BYTES] ^= 1;
    put(&directory, 1, &bytes);
    let (_, report, found) = open(options(&directory), 2);
    assert!(found.is_empty());
    assert_eq!((report.damage.len(), report.missing.len()), (1, 0));
    assert_eq!((segments(&directory).len(), quarantined(directory.path())), (0, 1));
}

#[test]
fn quarantine_never_overwrites() {
    let directory = folder();
    for round in 1..=3 {
        put(&directory, 1, &[0xee; 100]);
        put(&directory, 2, &segment_of(2, &[(2, 1)]));
        open(options(&directory), 0);
        assert_eq!(quarantined(directory.path()), round);
    }
}

#[test]
fn inspecting_names_the_damage_and_changes_nothing() {
    let directory = folder();
    let mut bytes = segment_of(1, &[(1, 0), (2, 1), (3, 2)]);
    let frame = (bytes.len() - SEGMENT_HEADER_BYTES) / 3;
    bytes[SEGMENT_HEADER_BYTES + frame] ^= 1;
    put(&directory, 1, &bytes);
    put(&directory, 4, b"no header");
    let summaries = inspect(directory.path()).unwrap();
    assert_eq!(summaries[0].damaged, vec![((SEGMENT_HEADER_BYTES + frame) as u64, frame as u64)]);
    assert_eq!(summaries[0].sequences, Some((Sequence(1), Sequence(3))));
    assert_eq!((summaries[0].batch_count, summaries[0].row_count), (2, 4));
    assert!(!summaries[1].header_is_readable);
    assert_eq!(contents(&directory), vec![bytes, b"no header".to_vec()]);
    assert!(inspect(Path::new("/nonexistent/wal")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_segment_of_garbage_never_panics_nor_stops_the_start(
        garbage in proptest::collection::vec(any::<u8>(), 0..600),
        with_header in any::<bool>(),
        is_last in any::<bool>(),
    ) {
        let directory = folder();
        let header = if with_header { segment_of(1, &[]) } else { Vec::new() };
        put(&directory, 1, &[header, garbage].concat());
        if !is_last {
            put(&directory, 5, &segment_of(5, &[(5, 4)]));
        }
        inspect(directory.path()).unwrap();
        let (_, _, found) = open(options(&directory), 0);
        prop_assert_eq!(found, if is_last { vec![] } else { numbered([5]) });
    }
}
