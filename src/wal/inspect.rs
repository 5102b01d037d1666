//! Looking at a log without opening it: reads segments, changes nothing, takes no lock.
//!
//! In: a folder. Out: per segment what is in it and whether it is intact. A log that a running server writes to may
//! show an unfinished record at its end.

use super::batch;
use super::error::WalError;
use super::frame::{RecordKind, scan};
use super::segment::{self, HeaderState, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::model::ids::Sequence;
use std::path::{Path, PathBuf};

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// The sequence in its name.
    pub named_first: Sequence,
    /// Whether its header could be read; without it no record can.
    pub header_is_readable: bool,
    /// First and last record, when there are any.
    pub sequences: Option<(Sequence, Sequence)>,
    /// Intact batches.
    pub batch_count: u64,
    /// Rows of the intact batches.
    pub row_count: u64,
    /// Bytes of the intact batches.
    pub payload_bytes: u64,
    /// Sequences that were refused for lack of space, as inclusive ranges.
    pub gaps: Vec<(Sequence, Sequence)>,
    /// Parts without an intact record, as (offset, length).
    pub damaged: Vec<(u64, u64)>,
    /// Records with a valid checksum that are no batch.
    pub malformed: Vec<Sequence>,
}

/// Describes every segment in `directory`, in order.
///
/// # Errors
/// [`WalError::Io`], and [`WalError::Unsupported`] for a segment of a newer version.
pub fn inspect(directory: &Path) -> Result<Vec<SegmentSummary>, WalError> {
    segment::list(directory)?.into_iter().map(|(first, path)| inspect_segment(first, path)).collect()
}

fn inspect_segment(named_first: Sequence, path: PathBuf) -> Result<SegmentSummary, WalError> {
    let bytes = std::fs::read(&path).map_err(|e| WalError::io("reading", &path, e))?;
    let mut summary = SegmentSummary {
        path,
        bytes: bytes.len() as u64,
        named_first,
        header_is_readable: true,
        sequences: None,
        batch_count: 0,
        row_count: 0,
        payload_bytes: 0,
        gaps: Vec::new(),
        damaged: Vec::new(),
        malformed: Vec::new(),
    };
    let header = match SegmentHeader::decode(&bytes) {
        HeaderState::Intact(header) => header,
        HeaderState::OneCopy(header) => {
            summary.damaged.push((0, SEGMENT_HEADER_BYTES as u64));
            header
        }
        HeaderState::Unreadable => {
            summary.header_is_readable = false;
            summary.damaged.push((0, summary.bytes));
            return Ok(summary);
        }
        HeaderState::Unsupported(version) => {
            let reason = format!("segment format version {version}");
            return Err(WalError::Unsupported { file: summary.path, reason });
        }
    };
    let found = scan(&bytes, SEGMENT_HEADER_BYTES.min(bytes.len()), header.salt, Sequence::ZERO);
    for frame in &found.frames {
        summary.sequences = Some((summary.sequences.map_or(frame.first, |(first, _)| first), frame.sequence));
        match frame.kind {
            RecordKind::Mark => {}
            RecordKind::Gap => summary.gaps.push((frame.first, frame.sequence)),
            RecordKind::Batch => match batch::decode(&bytes[frame.payload()]) {
                Ok(batch) => {
                    summary.batch_count += 1;
                    summary.row_count += batch.row_count() as u64;
                    summary.payload_bytes += frame.payload().len() as u64;
                }
                Err(_) => summary.malformed.push(frame.sequence),
            },
        }
    }
    summary.damaged.extend(found.damaged.iter().map(|d| (d.start as u64, d.len() as u64)));
    Ok(summary)
}
