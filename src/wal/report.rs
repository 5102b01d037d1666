//! What opening a log found: how much was read, what was damaged and what is missing.

use crate::model::ids::Sequence;
use std::fmt;
use std::path::PathBuf;

/// How a log was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Segments that were read.
    pub segment_count: usize,
    /// Batches that were handed to the caller.
    pub record_count: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// The last record found, or what the caller had already, whichever is later.
    pub last_sequence: Sequence,
    /// Bytes of unfinished, never acknowledged records that were cut from the end of the log. Normal after a
    /// crash.
    pub torn_bytes: u64,
    /// What was put aside: damaged parts, segments of a log that the store does not go on from, and records of policies that
    /// the store has never had. Never normal.
    pub damage: Vec<Damage>,
    /// Records that should be there and are not, as inclusive ranges. Never normal.
    pub missing: Vec<(Sequence, Sequence)>,
}

impl RecoveryReport {
    /// Whether every acknowledged record was found.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.damage.is_empty() && self.missing.is_empty()
    }

    /// How many acknowledged records were not found.
    #[must_use]
    pub fn missing_count(&self) -> u64 {
        self.missing.iter().map(|(first, last)| last.0.saturating_sub(first.0).saturating_add(1)).sum()
    }
}

/// A part of a segment that is damaged, or a segment that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub file: PathBuf,
    /// Where the part starts.
    pub offset: u64,
    /// How far it reaches.
    pub bytes: u64,
    /// What is wrong.
    pub reason: String,
    /// Where these bytes are now.
    pub quarantined_to: Option<PathBuf>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, bytes, reason, quarantined_to } = self;
        write!(f, "{bytes} bytes of {} from byte {offset}: {reason}", file.display())?;
        match quarantined_to {
            Some(to) => write!(f, "; moved to {}", to.display()),
            None => Ok(()),
        }
    }
}
