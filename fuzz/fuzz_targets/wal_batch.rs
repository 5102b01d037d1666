//! Bytes as a record of the write-ahead log, and as damage to a log.
//!
//! An even first byte: the rest is decoded as a batch; what is one must survive a round trip. An odd one: the rest is a
//! list of patches (offset u16, value u8) to the last but one segment of a small log, which must then open without
//! an error and hand out only what was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::OnceLock;
use tidegauge::model::batch::WriteBatch;
use tidegauge::model::ids::{DatabaseId, PolicyId, Sequence};
use tidegauge::wal::{Wal, WalError, WalOptions, batch};

const RECORDS: u32 = 5;

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    if mode % 2 == 0 { decode(rest) } else { replay(rest) }
});

fn decode(bytes: &[u8]) {
    if let Ok(found) = batch::decode(bytes) {
        // Compared as bytes: not every NaN equals itself.
        let encoded = batch::encode(&found);
        let again = batch::decode(&encoded).expect("own bytes are a batch");
        assert_eq!(batch::encode(&again), encoded);
    }
}

fn batch_of(number: u32) -> WriteBatch {
    WriteBatch { database: DatabaseId(number), policy: PolicyId(!number), tables: Vec::new() }
}

/// The segments of a log of [`RECORDS`] records, two to a segment.
fn segments() -> &'static [(PathBuf, Vec<u8>)] {
    static SEGMENTS: OnceLock<Vec<(PathBuf, Vec<u8>)>> = OnceLock::new();
    SEGMENTS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let (wal, _) = open(folder.path()).expect("an empty log opens");
        for number in 1..=RECORDS {
            let appended = wal.append(batch::encode(&batch_of(number))).expect("the log is open");
            appended.durable.wait().expect("the disk works");
            if number % 2 == 0 {
                wal.rotate();
            }
        }
        drop(wal);
        let files = std::fs::read_dir(folder.path()).expect("the folder exists");
        let mut segments: Vec<_> = files
            .map(|file| file.expect("the folder can be read").path())
            .filter(|path| path.extension().is_some_and(|e| e == "wal"))
            .map(|path| {
                (path.file_name().expect("it has a name").into(), std::fs::read(&path).expect("it is there"))
            })
            .collect();
        segments.sort();
        segments
    })
}

fn open(folder: &std::path::Path) -> Result<(Wal, Vec<(Sequence, WriteBatch)>), WalError> {
    let options = WalOptions { disk_low_water_bytes: 0, ..WalOptions::new(folder) };
    let mut found = Vec::new();
    let (wal, _) = Wal::open(options, Sequence::ZERO, |sequence, batch| {
        found.push((sequence, batch));
        Ok::<(), Infallible>(())
    })?;
    Ok((wal, found))
}

fn replay(patches: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let segments = segments();
    for (i, (name, bytes)) in segments.iter().enumerate() {
        let mut bytes = bytes.clone();
        if i + 2 == segments.len() {
            for patch in patches.chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % bytes.len();
                bytes[at] = patch[2];
            }
        }
        std::fs::write(folder.path().join(name), bytes).expect("the segment can be written");
    }
    let (_, found) = open(folder.path()).expect("a damaged log opens");
    assert!(found.is_sorted_by(|a, b| a.0 < b.0));
    for (sequence, batch) in &found {
        let number = u32::try_from(sequence.0).expect("few records");
        assert_eq!(*batch, batch_of(number), "record {sequence}");
    }
    assert!(found.len() >= RECORDS as usize - 2, "only one segment was damaged");
}
