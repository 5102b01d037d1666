//! Reading the log at start: every record that is still needed, and what is wrong with the rest.
//!
//! A thread reads, checks and decodes while the caller applies. Nothing on disk changes before the last record
//! was applied, so that a refused start (strict mode, a newer format, an error of the caller) leaves all as it was.

use super::batch::{self, BatchError};
use super::error::WalError;
use super::frame::{Frame, RecordKind, Scan, scan};
use super::log::WalOptions;
use super::repair::{self, Repair, SegmentRepair};
use super::report::{Damage, RecoveryReport};
use super::segment::{self, HeaderState, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::writer::ClosedSegment;
use crate::model::batch::WriteBatch;
use crate::model::ids::Sequence;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Decoded batches that may wait to be applied: enough to keep both threads busy, little memory.
const DECODED_AHEAD_MAX: usize = 16;

/// Reads the log, applies what comes after `after`, repairs. Returns the segments that are still needed.
pub(super) fn recover<E>(
    options: &WalOptions,
    after: Sequence,
    mut replay: impl FnMut(Sequence, WriteBatch) -> Result<(), E>,
) -> Result<(Vec<ClosedSegment>, RecoveryReport), WalError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let segments = segment::list(&options.directory)?;
    let mut report = RecoveryReport::default();
    let (sender, receiver) = sync_channel(DECODED_AHEAD_MAX);
    let (outcome, record_count) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let sender = sender;
            let mut reader = Reader {
                strict: options.strict,
                after,
                next_expected: after.next(),
                previous: Sequence::ZERO,
                report: &mut report,
                repairs: Vec::new(),
                sender: &sender,
            };
            reader.read_all(&segments).map(|()| reader.repairs)
        });
        let mut record_count = 0;
        let mut refused = None;
        // The channel ends when the reader is done; leaving early makes the reader stop.
        for (sequence, batch) in &receiver {
            if let Err(e) = replay(sequence, batch) {
                refused = Some(WalError::Replay { sequence, source: e.into().into() });
                break;
            }
            record_count += 1;
        }
        drop(receiver);
        let outcome = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (refused.map_or(outcome, Err), record_count)
    });
    let repairs = outcome?;
    report.record_count = record_count;
    report.last_sequence = report.last_sequence.max(after);
    let kept = repair::repair(&options.directory, repairs, &mut report)?;
    Ok((kept, report))
}

/// The reading side of recovery.
struct Reader<'a> {
    strict: bool,
    after: Sequence,
    /// The next sequence that an intact log would hold after those seen.
    next_expected: Sequence,
    /// The last sequence seen.
    previous: Sequence,
    report: &'a mut RecoveryReport,
    repairs: Vec<SegmentRepair>,
    sender: &'a SyncSender<(Sequence, WriteBatch)>,
}

impl Reader<'_> {
    fn read_all(&mut self, segments: &[(Sequence, PathBuf)]) -> Result<(), WalError> {
        for (i, (first, path)) in segments.iter().enumerate() {
            let following = segments.get(i + 1).map(|(first, _)| *first);
            if following.is_some_and(|next| next <= self.after.next()) {
                self.repairs.push(SegmentRepair::delete(path));
                continue;
            }
            self.read_segment(*first, path, following)?;
        }
        Ok(())
    }

    fn read_segment(
        &mut self,
        first: Sequence,
        path: &Path,
        following: Option<Sequence>,
    ) -> Result<(), WalError> {
        let bytes = std::fs::read(path).map_err(|e| WalError::io("reading", path, e))?;
        self.report.segment_count += 1;
        self.report.bytes_read += bytes.len() as u64;
        if following.is_none() && is_unfinished(&bytes) {
            self.report.torn_bytes += bytes.len() as u64;
            self.repairs.push(SegmentRepair::delete(path));
            return Ok(());
        }
        let mut damaged_header = None;
        let header = match SegmentHeader::decode(&bytes) {
            HeaderState::Unsupported(version) => {
                let reason = format!("segment format version {version}");
                return Err(WalError::Unsupported { file: path.to_owned(), reason });
            }
            HeaderState::Intact(header) | HeaderState::OneCopy(header) if header.first != first => {
                let reason =
                    format!("the header belongs to a segment that starts with record {}", header.first);
                return self.quarantine_whole(path, bytes.len(), reason);
            }
            HeaderState::Unreadable => {
                return self.quarantine_whole(path, bytes.len(), "the header is unreadable".into());
            }
            HeaderState::Intact(header) => header,
            HeaderState::OneCopy(header) => {
                let both = 0..SEGMENT_HEADER_BYTES;
                self.found_damage(path, &both, "one of the two headers is unreadable".into())?;
                damaged_header = Some(both);
                header
            }
        };

        let previous = self.previous.max(Sequence(first.0.saturating_sub(1)));
        let mut found = scan(&bytes, SEGMENT_HEADER_BYTES.min(bytes.len()), header.salt, previous);
        let torn = match following {
            None => torn_at(&found, previous),
            Some(following) => torn_mark_at(&found, bytes.len(), following),
        };
        if let Some(end) = torn {
            self.report.torn_bytes += (bytes.len() - end) as u64;
            found.frames.retain(|f| f.range.start < end);
            found.marks.retain(|m| m.range.start < end);
            found.damaged.retain(|d| d.start < end);
        }
        let Some(parts) = self.read_records(path, &bytes, damaged_header, found)? else { return Ok(()) };
        self.repairs.push(SegmentRepair {
            path: path.to_owned(),
            last: parts.last,
            bytes: torn.unwrap_or(bytes.len()) as u64,
            repair: parts.repair(header, torn, self.after),
        });
        Ok(())
    }

    /// Hands the records of a segment to the caller and sorts its parts into intact and damaged ones; `None` when the
    /// caller listens no more.
    fn read_records(
        &mut self,
        path: &Path,
        bytes: &[u8],
        damaged_header: Option<Range<usize>>,
        found: Scan,
    ) -> Result<Option<Parts>, WalError> {
        let mut parts = Parts { intact: Vec::new(), damaged: Vec::from_iter(damaged_header), last: None };
        for range in found.damaged {
            self.found_damage(path, &range, "no record with a valid checksum".into())?;
            parts.damaged.push(range);
        }
        for frame in found.frames {
            match self.apply(path, bytes, &frame)? {
                Applied::Yes => parts.intact.push(frame.range.clone()),
                Applied::Malformed(reason) => {
                    self.found_damage(path, &frame.range, reason)?;
                    parts.damaged.push(frame.range.clone());
                }
                Applied::CallerGone => return Ok(None),
            }
            self.previous = frame.sequence;
            self.report.last_sequence = frame.sequence;
            parts.last = Some(frame.sequence);
        }
        if let Some(mark) = found.marks.last() {
            // The last records may be among the damaged ones.
            self.expect(mark.synced.next(), path, mark.range.start)?;
            self.report.last_sequence = self.report.last_sequence.max(mark.synced);
        }
        parts.intact.extend(found.marks.into_iter().map(|mark| mark.range));
        parts.intact.sort_unstable_by_key(|range| range.start);
        Ok(Some(parts))
    }

    /// Checks that nothing is missing before `frame`, and hands its batch to the caller if it is needed.
    fn apply(&mut self, path: &Path, bytes: &[u8], frame: &Frame) -> Result<Applied, WalError> {
        self.expect(frame.first, path, frame.range.start)?;
        self.next_expected = self.next_expected.max(frame.sequence.next());
        if frame.kind == RecordKind::Gap || frame.sequence <= self.after {
            return Ok(Applied::Yes);
        }
        match batch::decode(&bytes[frame.payload()]) {
            Ok(batch) => match self.sender.send((frame.sequence, batch)) {
                Ok(()) => Ok(Applied::Yes),
                Err(_) => Ok(Applied::CallerGone),
            },
            Err(e @ BatchError::UnsupportedVersion(_)) => {
                Err(WalError::Unsupported { file: path.to_owned(), reason: e.to_string() })
            }
            Err(e) => Ok(Applied::Malformed(format!("record {}: {e}", frame.sequence))),
        }
    }

    /// Notes that records are missing when those before `next`, which `path` has at `offset`, were not all found.
    fn expect(&mut self, next: Sequence, path: &Path, offset: usize) -> Result<(), WalError> {
        if next > self.next_expected {
            let missing = (self.next_expected, Sequence(next.0 - 1));
            if self.strict {
                let reason = format!("records {} to {} are missing", missing.0, missing.1);
                return Err(WalError::Damaged { file: path.to_owned(), offset: offset as u64, reason });
            }
            self.report.missing.push(missing);
            self.next_expected = next;
        }
        Ok(())
    }

    fn quarantine_whole(&mut self, path: &Path, length: usize, reason: String) -> Result<(), WalError> {
        self.found_damage(path, &(0..length), reason)?;
        self.repairs.push(SegmentRepair {
            path: path.to_owned(),
            repair: Repair::MoveAway,
            last: None,
            bytes: length as u64,
        });
        Ok(())
    }

    fn found_damage(&mut self, path: &Path, range: &Range<usize>, reason: String) -> Result<(), WalError> {
        let (file, offset) = (path.to_owned(), range.start as u64);
        if self.strict {
            return Err(WalError::Damaged { file, offset, reason });
        }
        self.report.damage.push(Damage {
            file,
            offset,
            bytes: range.len() as u64,
            reason,
            quarantined_to: None,
        });
        Ok(())
    }
}

/// What lies behind the header of a segment, and the header where it is damaged.
struct Parts {
    /// Records and marks, in order.
    intact: Vec<Range<usize>>,
    damaged: Vec<Range<usize>>,
    /// The last record, damaged or not.
    last: Option<Sequence>,
}

impl Parts {
    /// What is to be done about the segment, which is `torn` from that byte on and whose records up to `after` are
    /// in data files already.
    fn repair(self, header: SegmentHeader, torn: Option<usize>, after: Sequence) -> Repair {
        let Self { intact, damaged, last } = self;
        if last.is_none_or(|last| last <= after) {
            return Repair::Delete { damaged };
        }
        if !damaged.is_empty() {
            return Repair::Rewrite { header, frames: intact, damaged };
        }
        torn.map_or(Repair::Keep, |end| Repair::Truncate(end as u64))
    }
}

enum Applied {
    Yes,
    /// The checksum is right and the batch is not: it was written wrongly.
    Malformed(String),
    /// The caller has refused an earlier record and listens no more.
    CallerGone,
}

/// Whether the segment was being created when the process died: no record can be in it.
pub(super) fn is_unfinished(bytes: &[u8]) -> bool {
    bytes.len() < SEGMENT_HEADER_BYTES || bytes.iter().all(|&b| b == 0)
}

/// Where the torn tail of the last segment starts, if it has one: at the first hole such that no frame behind it says
/// (`synced`) that a record of the hole was on disk.
fn torn_at(found: &Scan, previous: Sequence) -> Option<usize> {
    found.damaged.iter().map(|hole| hole.start).find(|&start| {
        let behind = found.frames.partition_point(|f| f.range.start < start);
        let before = behind.checked_sub(1).map_or(previous, |i| found.frames[i].sequence);
        let marks = found.marks.iter().filter(|m| m.range.start > start);
        found.frames[behind..].iter().map(|f| f.synced).chain(marks.map(|m| m.synced)).all(|s| s <= before)
    })
}

/// Where the torn mark at the end of a segment starts, if there is one; `following` is the first record of the next
/// segment. The last mark of a segment may not have reached the disk, since it is not synced. The hole is no record when
/// the next segment begins with the record after the last one here.
fn torn_mark_at(found: &Scan, end: usize, following: Sequence) -> Option<usize> {
    let hole = found.damaged.last().filter(|hole| hole.end == end)?;
    (found.frames.last()?.sequence.next() == following).then_some(hole.start)
}
