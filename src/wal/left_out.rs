//! Records that the caller cannot use, such as those of databases that an older copy of its store does not know. They are
//! copied to `quarantine/`, because their segments are deleted once the other records in them are flushed.

use super::error::WalError;
use super::frame::{RecordKind, scan};
use super::repair;
use super::report::Damage;
use super::segment::{HeaderState, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::writer::ClosedSegment;
use crate::model::ids::Sequence;
use std::fs;
use std::io;
use std::path::Path;

/// Copies `records`, which are in order, durably. Of each segment that has any there is a segment with these alone then.
pub(super) fn put_aside(
    directory: &Path,
    segments: &[ClosedSegment],
    records: &[Sequence],
    reason: &str,
) -> Result<Vec<Damage>, WalError> {
    let mut copied = Vec::new();
    let mut rest = records;
    for segment in segments {
        let (here, later) = rest.split_at(rest.partition_point(|record| *record <= segment.last));
        if let (Some(first), Some(last)) = (here.first(), here.last()) {
            let reason = format!("records {first} to {last} {reason}");
            copied.push(copy(directory, &segment.path, here, reason)?);
        }
        rest = later;
    }
    Ok(copied)
}

fn copy(directory: &Path, path: &Path, records: &[Sequence], reason: String) -> Result<Damage, WalError> {
    let bytes = fs::read(path).map_err(|e| WalError::io("reading", path, e))?;
    let (HeaderState::Intact(header) | HeaderState::OneCopy(header)) = SegmentHeader::decode(&bytes) else {
        // It has just been read, and repaired where it had to be.
        let changed = io::Error::new(io::ErrorKind::InvalidData, "its header cannot be read any more");
        return Err(WalError::io("reading", path, changed));
    };
    let found = scan(&bytes, SEGMENT_HEADER_BYTES.min(bytes.len()), header.salt, Sequence::ZERO);
    let is_left_out = |sequence: &Sequence| records.binary_search(sequence).is_ok();
    let frames = found.frames.iter().filter(|f| f.kind == RecordKind::Batch && is_left_out(&f.sequence));
    let mut content = header.encode().to_vec();
    let mut offset = None;
    for frame in frames {
        offset.get_or_insert(frame.range.start as u64);
        content.extend_from_slice(&bytes[frame.range.clone()]);
    }
    let to = repair::copy_to_quarantine(directory, path, &content)?;
    Ok(Damage {
        file: path.to_owned(),
        offset: offset.unwrap_or(0),
        bytes: (content.len() - SEGMENT_HEADER_BYTES) as u64,
        reason,
        quarantined_to: Some(to),
    })
}
