//! A log that the store does not go on from. Its records are put aside: they are neither replayed nor taken for flushed.
//!
//! Where servers with folders of their own take turns on one store, each goes on behind what is flushed. So the same sequences
//! are given out more than once, and a sequence tells only of records of its own log whether they are in files:
//!
//! ```text
//! log A   …1000 flushed │ 1001…1100           the machine of A dies; nobody else has these records
//! log B                 │ 1001…1500 flushed   takes over where the files end
//! log A comes back: 1001…1100 are in no file, although the store is flushed through 1500
//! ```
//!
//! Nobody can tell which of A's and B's records are newer. So a person has to know of them, and their segments stay in `quarantine/`,
//! where [`salvage`](super::salvage) reads them.
//!
//! A log with records may also meet a store to which nothing was ever written. Its records name databases by numbers that
//! this store has not given out yet. Most likely the store's address is wrong, and the store they belong to would miss them
//! for ever once they were put aside, so the log is refused. A store in memory begins empty at each start; there the
//! records are put aside.
//!
//! A crash right after a flush leaves segments behind that are flushed completely; where another log takes over before the next start
//! they cannot be told from others, and are put aside too.

use super::error::WalError;
use super::identity::{self, FlushedLog};
use super::inspect::{SegmentSummary, inspect};
use super::log::WalOptions;
use super::recover::is_unfinished;
use super::repair::{self, Repair, SegmentRepair};
use super::report::{Damage, RecoveryReport};
use crate::model::ids::Sequence;
use std::fs;

/// Refuses a log that [`Wal::open`](super::Wal::open) would refuse because the store does not go on from it. Changes nothing, and takes
/// no lock: the caller [holds](super::hold) the log. So it can find out before it takes the store from another server.
///
/// # Errors
/// [`WalError::NewStore`], [`WalError::Foreign`] in strict mode, [`WalError::Unsupported`], [`WalError::Io`].
pub fn refuse_foreign(options: &WalOptions) -> Result<(), WalError> {
    match identity::is_foreign(&options.directory, &options.flushed_log)? {
        true => examine(options).map(drop),
        false => Ok(()),
    }
}

/// Moves the segments that have records to the quarantine folder and deletes the others, so that the log is empty and can go on
/// after `after`. The report names each of them. In strict mode, and where the store is new, nothing is changed when there are any.
pub(super) fn put_aside(options: &WalOptions, after: Sequence) -> Result<RecoveryReport, WalError> {
    let (repairs, mut report) = examine(options)?;
    report.last_sequence = after;
    repair::repair(&options.directory, repairs, &mut report)?;
    Ok(report)
}

/// What is to be done with the segments.
fn examine(options: &WalOptions) -> Result<(Vec<SegmentRepair>, RecoveryReport), WalError> {
    let mut report = RecoveryReport::default();
    let mut repairs = Vec::new();
    for segment in inspect(&options.directory)? {
        report.segment_count += 1;
        report.bytes_read += segment.bytes;
        if !may_have_records(&segment)? {
            repairs.push(SegmentRepair::delete(&segment.path));
            continue;
        }
        let reason = reason(options, &segment)?;
        if options.flushed_log == FlushedLog::NoneYet {
            let directory = options.directory.clone();
            return Err(WalError::NewStore { file: segment.path, reason, directory });
        }
        if options.strict {
            return Err(WalError::Foreign { file: segment.path, reason });
        }
        report.damage.push(Damage {
            file: segment.path.clone(),
            offset: 0,
            bytes: segment.bytes,
            reason,
            quarantined_to: None,
        });
        repairs.push(SegmentRepair {
            path: segment.path,
            repair: Repair::MoveAway,
            last: None,
            bytes: segment.bytes,
        });
    }
    Ok((repairs, report))
}

/// Whether records may be lost with the segment. In a segment without an intact record, a torn one cannot be told from
/// damage, so it counts.
fn may_have_records(segment: &SegmentSummary) -> Result<bool, WalError> {
    if segment.header_is_readable {
        return Ok(segment.batch_count > 0 || !segment.malformed.is_empty() || !segment.damaged.is_empty());
    }
    let bytes = fs::read(&segment.path).map_err(|e| WalError::io("reading", &segment.path, e))?;
    Ok(!is_unfinished(&bytes))
}

fn reason(options: &WalOptions, segment: &SegmentSummary) -> Result<String, WalError> {
    let records = match segment.sequences {
        Some((first, last)) => format!("records {first} to {last}"),
        None => "what it has".to_owned(),
    };
    let own = match identity::id_of(&options.directory)? {
        Some(id) => format!("this is log {id}"),
        None => "this log has no id".to_owned(),
    };
    Ok(match &options.flushed_log {
        FlushedLog::Is(flushed) => format!(
            "{records} may be in no file: another server has taken over, and its store goes on from log {flushed}, {own}"
        ),
        FlushedLog::NoneYet | FlushedLog::NoneInMemory | FlushedLog::Unknown => {
            format!("{records} came from another store: nothing was ever written to this one, {own}")
        }
    })
}
