//! Frames: how one record lies in a segment, and how frames are found again among damage.
//!
//! ```text
//!  0        4         8            16            24      25
//! ┌────────┬─────────┬────────────┬─────────────┬───────┬─────────┐
//! │ len    │ crc32c  │ sequence   │ synced      │ kind  │ payload │   little-endian
//! │ u32    │ u32     │ u64        │ u64         │ u8    │ len     │
//! └────────┴─────────┴────────────┴─────────────┴───────┴─────────┘
//!  crc32c over: payload ‖ the segment's salt ‖ len ‖ sequence ‖ synced ‖ kind
//!
//!  kind 1 batch: payload = the bytes of a write batch (see `wal::batch`)
//!  kind 2 gap:   payload = u64 first; the records first ..= sequence were refused for lack of space
//!  kind 3 mark:  no payload, no record: sequence is that of the next one
//! ```
//!
//! Sequences are contiguous: a record that is missing is missed. `synced` is the last record
//! that was known to be on disk when this frame was written; it tells recovery whether a hole before this
//! frame can be a torn write (nobody was ever told that those records are safe) or must be damage. A mark says so
//! of the last records while no further one follows.
//!
//! The salt is a random number of the segment. Without it, a client could write a string that looks
//! like a frame, and the search for the next intact frame behind a damaged one would find it.
//!
//! A checksum is linear: the salt changes those of all frames by the same bits, its [`SaltMask`]. By it frames can be checked
//! where the header with the salt is lost.

use crate::model::ids::Sequence;
use std::ops::Range;

/// Bytes before the payload.
pub(super) const FRAME_HEADER_BYTES: usize = 25;

/// The longest payload. Far above what a request body makes, and small enough to be sure that a length
/// fits the frame on every platform.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// How much a search for intact frames may checksum, as a multiple of the segment. Only a segment made to
/// be slow needs more; what is not found then counts as damaged.
pub(super) const SEARCH_EFFORT_MAX: usize = 16;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A write batch.
    Batch,
    /// Sequences that were given out, but refused for lack of space.
    Gap,
    /// No record: all before it are on disk.
    Mark,
}

impl RecordKind {
    const fn code(self) -> u8 {
        match self {
            Self::Batch => 1,
            Self::Gap => 2,
            Self::Mark => 3,
        }
    }

    const fn of_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Batch),
            2 => Some(Self::Gap),
            3 => Some(Self::Mark),
            _ => None,
        }
    }
}

/// A frame that passed its checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Where it lies in the segment.
    pub(super) range: Range<usize>,
    pub(super) sequence: Sequence,
    pub(super) synced: Sequence,
    pub(super) kind: RecordKind,
    /// The first sequence it accounts for: its own, or an earlier one when it is a gap.
    pub(super) first: Sequence,
}

impl Frame {
    /// Where the payload lies in the segment.
    pub(super) fn payload(&self) -> Range<usize> {
        self.range.start + FRAME_HEADER_BYTES..self.range.end
    }
}

/// A mark that passed its checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where it lies in the segment.
    pub(super) range: Range<usize>,
    /// The last record that is on disk.
    pub(super) synced: Sequence,
}

/// What a salt does to the checksum of every frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SaltMask(u32);

impl SaltMask {
    /// The mask of a salt.
    pub(super) fn of(salt: u64) -> Self {
        Self(frame_crc(salt, 0, 0, 0, 0, 0) ^ frame_crc(0, 0, 0, 0, 0, 0))
    }
}

/// Appends a frame. `payload_crc` is the CRC-32C of `payload` alone, so that it can be computed
/// before the sequence is known.
pub(super) fn push_frame(
    out: &mut Vec<u8>,
    salt: u64,
    sequence: Sequence,
    synced: Sequence,
    kind: RecordKind,
    payload: &[u8],
    payload_crc: u32,
) {
    let length = u32::try_from(payload.len()).expect("a payload is at most PAYLOAD_BYTES_MAX");
    let crc = frame_crc(salt, length, sequence.0, synced.0, kind.code(), payload_crc);
    out.reserve(FRAME_HEADER_BYTES + payload.len());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&sequence.0.to_le_bytes());
    out.extend_from_slice(&synced.0.to_le_bytes());
    out.push(kind.code());
    out.extend_from_slice(payload);
}

fn frame_crc(salt: u64, length: u32, sequence: u64, synced: u64, kind: u8, payload_crc: u32) -> u32 {
    let mut rest = [0u8; 29];
    rest[..8].copy_from_slice(&salt.to_le_bytes());
    rest[8..12].copy_from_slice(&length.to_le_bytes());
    rest[12..20].copy_from_slice(&sequence.to_le_bytes());
    rest[20..28].copy_from_slice(&synced.to_le_bytes());
    rest[28] = kind;
    crc32c::crc32c_append(payload_crc, &rest)
}

/// What a segment holds besides its header.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Every intact frame, in order, with growing sequences.
    pub(super) frames: Vec<Frame>,
    /// Every intact mark, in order.
    pub(super) marks: Vec<Mark>,
    /// Everything else, in order.
    pub(super) damaged: Vec<Range<usize>>,
}

/// Finds the intact frames of `segment` from `start` on whose sequences come after `previous`.
pub(super) fn scan(segment: &[u8], start: usize, salt: u64, previous: Sequence) -> Scan {
    scan_masked(segment, start, SaltMask::of(salt), previous)
}

/// The same for a salt of which only the mask is known.
pub(super) fn scan_masked(segment: &[u8], start: usize, mask: SaltMask, previous: Sequence) -> Scan {
    let mut found = Scan::default();
    let mut offset = start;
    let mut previous = previous;
    let mut effort = segment.len().saturating_mul(SEARCH_EFFORT_MAX);
    while offset < segment.len() {
        let frame = match frame_at(segment, offset, mask, previous) {
            Some(frame) => frame,
            None => {
                let next = (offset + 1..segment.len()).find_map(|o| {
                    let cost = plausible_length(segment, o, previous)?;
                    effort = effort.checked_sub(cost)?;
                    frame_at(segment, o, mask, previous)
                });
                let end = next.as_ref().map_or(segment.len(), |f| f.range.start);
                found.damaged.push(offset..end);
                match next {
                    Some(frame) => frame,
                    None => break,
                }
            }
        };
        offset = frame.range.end;
        if frame.kind == RecordKind::Mark {
            found.marks.push(Mark { range: frame.range, synced: frame.synced });
            continue;
        }
        previous = frame.sequence;
        found.frames.push(frame);
    }
    found
}

/// The length of the frame that the bytes at `offset` claim to be, when nothing but the checksum can
/// speak against it.
fn plausible_length(segment: &[u8], offset: usize, previous: Sequence) -> Option<usize> {
    let header = segment.get(offset..)?.first_chunk::<FRAME_HEADER_BYTES>()?;
    let length = FRAME_HEADER_BYTES + u32_at(header, 0) as usize;
    let sequence = u64_at(header, 8);
    let plausible = sequence > previous.0
        && u64_at(header, 16) < sequence
        && RecordKind::of_code(header[24]).is_some()
        && length <= segment.len() - offset;
    plausible.then_some(length)
}

fn frame_at(segment: &[u8], offset: usize, mask: SaltMask, previous: Sequence) -> Option<Frame> {
    claimed_at(segment, offset, previous).filter(|frame| mask_of(segment, frame) == mask)
}

/// The frame that the bytes at `offset` claim to be. Nobody has looked at its checksum.
pub(super) fn claimed_at(segment: &[u8], offset: usize, previous: Sequence) -> Option<Frame> {
    let length = plausible_length(segment, offset, previous)?;
    let bytes = &segment[offset..offset + length];
    let (header, payload) = bytes.split_at(FRAME_HEADER_BYTES);
    let sequence = u64_at(header, 8);
    let kind = RecordKind::of_code(header[24])?;
    let first = match kind {
        RecordKind::Batch | RecordKind::Mark => sequence,
        RecordKind::Gap => u64::from_le_bytes(payload.try_into().ok()?),
    };
    (previous.0 < first && first <= sequence).then_some(Frame {
        range: offset..offset + length,
        sequence: Sequence(sequence),
        synced: Sequence(u64_at(header, 16)),
        kind,
        first: Sequence(first),
    })
}

/// The mask of the salt with which the checksum of a claimed frame is right.
pub(super) fn mask_of(segment: &[u8], frame: &Frame) -> SaltMask {
    let (header, payload) = segment[frame.range.clone()].split_at(FRAME_HEADER_BYTES);
    let (length, found) = (u32_at(header, 0), u32_at(header, 4));
    let (sequence, synced) = (frame.sequence.0, frame.synced.0);
    let unsalted = frame_crc(0, length, sequence, synced, frame.kind.code(), crc32c::crc32c(payload));
    SaltMask(found ^ unsalted)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
