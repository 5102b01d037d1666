//! Reading frames without the salt, which stands in the header of a segment and is lost with it.
//!
//! Any bytes that claim to be a frame have a right checksum under some mask of a salt ([`SaltMask`]). Frames that follow one
//! another and agree on it are genuine, but for one chance in four billion:
//!
//! ```text
//! │ header, unreadable │ frame 7: mask a │ frame 8: mask a │ damage │ frame 10: mask a │ frame 11: mask a │      mask = a
//! ```
//!
//! Whoever writes points can write a string that looks like several frames in a row. They lie within a genuine frame, so the mask
//! that explains the most bytes is that of the segment. A frame that stands alone tells nothing.

use super::frame::{Frame, RecordKind, SEARCH_EFFORT_MAX, SaltMask, claimed_at, mask_of};
use crate::model::ids::Sequence;
use std::collections::BTreeMap;

/// The mask of the salt of a segment that has lost its header, or `None` when no two frames of it agree on one.
pub(super) fn find_mask(segment: &[u8]) -> Option<SaltMask> {
    let mut bytes_by_mask: BTreeMap<SaltMask, usize> = BTreeMap::new();
    // Bytes that may still be checksummed.
    let mut effort = segment.len().saturating_mul(SEARCH_EFFORT_MAX);
    let mut offset = 0;
    while offset < segment.len() && effort > 0 {
        match chain_at(segment, offset, &mut effort) {
            Some((end, mask)) => {
                *bytes_by_mask.entry(mask).or_default() += end - offset;
                offset = end;
            }
            None => offset += 1,
        }
    }
    bytes_by_mask.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(mask, _)| mask)
}

/// Where the frames end that start at `offset` and follow one another, and their mask, when there are two at least.
fn chain_at(segment: &[u8], offset: usize, effort: &mut usize) -> Option<(usize, SaltMask)> {
    let first = claimed_at(segment, offset, Sequence::ZERO)?;
    // Before anything is checksummed: hardly any bytes pass this that are no frames.
    let mut next = following(segment, &first)?;
    let mut checksum = |frame: &Frame| {
        *effort = effort.saturating_sub(frame.range.len());
        mask_of(segment, frame)
    };
    let mask = checksum(&first);
    if checksum(&next) != mask {
        return None;
    }
    loop {
        let end = next.range.end;
        match following(segment, &next) {
            Some(frame) if checksum(&frame) == mask => next = frame,
            _ => return Some((end, mask)),
        }
    }
}

/// What claims to be the frame behind another one, if it goes on where that one ends.
fn following(segment: &[u8], frame: &Frame) -> Option<Frame> {
    let expected = match frame.kind {
        // A mark has the sequence of the record that comes next.
        RecordKind::Mark => frame.sequence.0,
        RecordKind::Batch | RecordKind::Gap => frame.sequence.0.checked_add(1)?,
    };
    claimed_at(segment, frame.range.end, Sequence::ZERO).filter(|next| next.first.0 == expected)
}
