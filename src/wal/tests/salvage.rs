//! What was put aside is read as far as its checksums reach, and what is not read is named.

use super::{folder, numbered, open, options, payload_of, write_numbered};
use crate::model::batch::WriteBatch;
use crate::model::ids::{LogId, Sequence};
use crate::wal::frame::{FRAME_HEADER_BYTES, RecordKind, push_frame};
use crate::wal::salvage::{quarantine_of, sources};
use crate::wal::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name};
use crate::wal::{FlushedLog, WalOptions};
use proptest::prelude::*;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use tempfile::TempDir;

const SALT: u64 = 0x0ddb_a115_0ddb_a115;

fn push_batch(out: &mut Vec<u8>, salt: u64, sequence: u64, payload: &[u8]) {
    let crc = crc32c::crc32c(payload);
    let synced = Sequence(sequence - 1);
    push_frame(out, salt, Sequence(sequence), synced, RecordKind::Batch, payload, crc);
}

/// A segment with these records.
fn segment_of(sequences: RangeInclusive<u64>) -> Vec<u8> {
    let mut bytes = SegmentHeader { first: Sequence(*sequences.start()), salt: SALT }.encode().to_vec();
    for sequence in sequences {
        push_batch(&mut bytes, SALT, sequence, &payload_of(sequence as i64));
    }
    bytes
}

/// The length of each of these records.
fn frame_bytes() -> usize {
    FRAME_HEADER_BYTES + payload_of(1).len()
}

fn put(directory: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(directory.path().join(name), bytes).unwrap();
}

fn name_of(first: u64) -> String {
    file_name(Sequence(first))
}

/// What is read of the files at a path: the records, the parts that are lost as (offset, bytes), and how many may be unfinished.
type Read = (Vec<(u64, WriteBatch)>, Vec<(u64, u64)>, usize);

fn read(path: &Path) -> Read {
    let (mut found, mut lost, mut unfinished) = (Vec::new(), Vec::new(), 0);
    for source in sources(path).unwrap() {
        let file = source.read().unwrap();
        lost.extend(file.lost().iter().map(|part| (part.offset, part.bytes)));
        unfinished += usize::from(file.unfinished().is_some());
        for record in file.records() {
            match record.decode() {
                Ok(batch) => {
                    assert_eq!(record.target(), Some((batch.database, batch.policy)));
                    found.push((record.sequence().0, batch));
                }
                Err(part) => lost.push((part.offset, part.bytes)),
            }
        }
    }
    (found, lost, unfinished)
}

#[test]
fn a_log_that_was_put_aside_is_read_as_it_was() {
    let directory = folder();
    write_numbered(&directory, 9, 4);
    let another = FlushedLog::Is(LogId::new("another"));
    drop(open(WalOptions { flushed_log: another, ..options(&directory) }, 20));
    let quarantine = quarantine_of(directory.path());
    assert_eq!(read(&quarantine), (numbered(1..=9), vec![], 0));
    // A single file of it.
    assert_eq!(read(&quarantine.join(name_of(5))), (numbered(5..=8), vec![], 0));
    assert!(sources(Path::new("/nonexistent/quarantine")).is_err());
}

#[test]
fn records_around_damage_are_read() {
    let directory = folder();
    let mut bytes = segment_of(1..=3);
    let (at, length) = (SEGMENT_HEADER_BYTES + frame_bytes(), frame_bytes());
    bytes[at] ^= 1;
    push_batch(&mut bytes, SALT, 4, &[1, 2, 3]);
    put(&directory, &name_of(1), &bytes);
    let malformed = (bytes.len() - FRAME_HEADER_BYTES - 3, FRAME_HEADER_BYTES + 3);
    let lost = [(at, length), malformed].map(|(offset, bytes)| (offset as u64, bytes as u64));
    assert_eq!(read(directory.path()), (numbered([1, 3]), lost.to_vec(), 0));
}

#[test]
fn a_tail_is_lost_where_the_log_goes_on_behind_it() {
    let directory = folder();
    let bytes = segment_of(1..=3);
    let (cut, end) = (bytes.len() - 10, SEGMENT_HEADER_BYTES + 2 * frame_bytes());
    put(&directory, &name_of(1), &bytes[..cut]);
    assert_eq!(read(directory.path()), (numbered([1, 2]), vec![], 1), "it was never acknowledged");
    put(&directory, &name_of(3), &segment_of(3..=3));
    assert_eq!(read(directory.path()), (numbered([1, 2, 3]), vec![], 0), "no record is missing");
    fs::remove_file(directory.path().join(name_of(3))).unwrap();
    put(&directory, &name_of(4), &segment_of(4..=4));
    let lost = vec![(end as u64, (cut - end) as u64)];
    assert_eq!(read(directory.path()), (numbered([1, 2, 4]), lost, 0));
}

/// Both copies of a header lie on one page of a disk.
#[test]
fn records_are_found_without_the_header() {
    let directory = folder();
    let mut bytes = segment_of(1..=5);
    bytes[..SEGMENT_HEADER_BYTES].fill(0);
    put(&directory, &name_of(1), &bytes);
    assert_eq!(read(directory.path()), (numbered(1..=5), vec![], 0));
    // The same under a name that was taken.
    fs::remove_file(directory.path().join(name_of(1))).unwrap();
    put(&directory, &format!("{}.1", name_of(1)), &bytes);
    assert_eq!(read(directory.path()), (numbered(1..=5), vec![], 0));
    // Records are missing at the start and in the middle, too.
    let (first, third) = (SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 2 * frame_bytes());
    bytes[first + 3] ^= 1;
    bytes[third + 30] ^= 1;
    put(&directory, &format!("{}.1", name_of(1)), &bytes);
    let lost = vec![(first as u64, frame_bytes() as u64), (third as u64, frame_bytes() as u64)];
    assert_eq!(read(directory.path()), (numbered([2, 4, 5]), lost, 0));
}

#[test]
fn a_record_that_stands_alone_is_not_believed_without_the_header() {
    let directory = folder();
    let mut bytes = segment_of(1..=1);
    bytes[..SEGMENT_HEADER_BYTES].fill(0);
    put(&directory, &name_of(1), &bytes);
    assert_eq!(read(directory.path()), (vec![], vec![(0, bytes.len() as u64)], 0));
}

/// A client chose the bytes of a string.
#[test]
fn what_looks_like_records_inside_of_one_is_not_believed() {
    let mut forged = Vec::new();
    for sequence in 100..104 {
        push_batch(&mut forged, 7, sequence, &payload_of(1));
    }
    let mut bytes = vec![0; SEGMENT_HEADER_BYTES];
    push_batch(&mut bytes, SALT, 1, &forged);
    push_batch(&mut bytes, SALT, 2, &payload_of(2));
    let directory = folder();
    put(&directory, &name_of(1), &bytes);
    let file = sources(directory.path()).unwrap()[0].read().unwrap();
    let sequences: Vec<u64> = file.records().map(|record| record.sequence().0).collect();
    assert_eq!((sequences, file.lost().len()), (vec![1, 2], 0));
    // The part that recovery cuts out when the record around them is damaged.
    let part = format!("{}.64", name_of(1));
    put(&directory, &part, &bytes[SEGMENT_HEADER_BYTES + 10..]);
    assert!(read(&directory.path().join(part)).0.is_empty());
}

#[test]
fn the_names_say_what_a_file_is() {
    let directory = folder();
    let mut header = SegmentHeader { first: Sequence(1), salt: SALT }.encode();
    header[5] ^= 1;
    put(&directory, &format!("{}.0", name_of(1)), &header);
    put(&directory, &format!("{}.0.1", name_of(1)), &header);
    put(&directory, &format!("{}.2", name_of(1)), &segment_of(1..=2));
    put(&directory, &name_of(1), &segment_of(1..=1));
    put(&directory, &format!("{}.4711", name_of(1)), &[1; 100]);
    for stranger in ["lock", "1.wal", "00000000000000000001.id", "00000000000000000001.wal.old", "notes.txt"]
    {
        put(&directory, stranger, &segment_of(7..=7));
    }
    assert_eq!(read(directory.path()), (numbered([1, 1, 2]), vec![(0, 100)], 0));
    // Whoever names a file means it.
    assert_eq!(read(&directory.path().join("notes.txt")), (numbered([7]), vec![], 0));
}

#[test]
fn a_newer_format_is_named_and_the_others_are_read() {
    let directory = folder();
    let mut bytes = segment_of(1..=1);
    for copy in [0, 32] {
        bytes[copy + 8] = 77;
        let crc = crc32c::crc32c(&bytes[copy..copy + 28]);
        bytes[copy + 28..copy + 32].copy_from_slice(&crc.to_le_bytes());
    }
    put(&directory, &name_of(1), &bytes);
    put(&directory, &name_of(2), &segment_of(2..=2));
    assert_eq!(read(directory.path()), (numbered([2]), vec![(0, bytes.len() as u64)], 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_read_was_written(
        patches in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<proptest::sample::Index>(),
        header_is_lost in any::<bool>(),
    ) {
        let directory = folder();
        let mut bytes = segment_of(1..=6);
        for (at, value) in patches {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if header_is_lost {
            bytes[..SEGMENT_HEADER_BYTES].fill(0);
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        put(&directory, &name_of(1), &bytes);
        for (sequence, batch) in read(directory.path()).0 {
            prop_assert_eq!(batch, super::batch_of(sequence as i64));
        }
    }
}
