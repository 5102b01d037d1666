//! Segments: the files of the log, their names and their headers.
//!
//! ```text
//! wal/00000000000000000001.wal    named by the first sequence it can hold, 20 digits, so that names sort
//!     00000000000000004711.wal
//!     9f3c….id                    says by its name which log this is
//!     lock                        held by the process that has the log open
//!     quarantine/                 damaged parts, segments that the store does not go on from, and records that it does not know
//!
//! segment │ header │ the same header again │ frame … │
//!
//!  0              8         12              20         28        32
//! ┌──────────────┬─────────┬───────────────┬──────────┬─────────┐
//! │ "TIDEWAL\n"  │ version │ first         │ salt     │ crc32c  │   little-endian; the checksum covers the 28 bytes
//! │              │ u32 = 1 │ sequence u64  │ u64      │ u32     │   before it
//! └──────────────┴─────────┴───────────────┴──────────┴─────────┘
//! ```
//!
//! The header stands twice because without its salt no frame of the segment can be trusted.

use super::error::WalError;
use crate::model::ids::Sequence;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"TIDEWAL\n";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 32;

/// Bytes before the first frame.
pub(super) const SEGMENT_HEADER_BYTES: usize = 2 * HEADER_BYTES;

/// The subfolder that damaged parts are moved to.
pub(super) const QUARANTINE: &str = "quarantine";

pub(super) const EXTENSION: &str = "wal";

/// What the header of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) first: Sequence,
    pub(super) salt: u64,
}

/// What the start of a segment turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderState {
    /// Both copies are intact.
    Intact(SegmentHeader),
    /// One copy is intact.
    OneCopy(SegmentHeader),
    /// Neither copy is.
    Unreadable,
    /// An intact header of another version.
    Unsupported(u32),
}

impl SegmentHeader {
    /// The bytes at the start of the segment.
    pub(super) fn encode(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..20].copy_from_slice(&self.first.0.to_le_bytes());
        out[20..28].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c(&out[..28]);
        out[28..32].copy_from_slice(&crc.to_le_bytes());
        out.copy_within(..HEADER_BYTES, HEADER_BYTES);
        out
    }

    /// Reads the header of a segment that starts with `bytes`.
    pub(super) fn decode(bytes: &[u8]) -> HeaderState {
        let (mut copies, _) = bytes.as_chunks::<HEADER_BYTES>();
        copies = &copies[..copies.len().min(2)];
        let intact: Vec<&[u8; HEADER_BYTES]> = copies.iter().filter(|c| is_intact(c)).collect();
        let Some(header) = intact.first() else { return HeaderState::Unreadable };
        let word = |at: usize| header[at..at + 8].iter().rfold(0u64, |v, &b| v << 8 | u64::from(b));
        let version = word(8) as u32;
        if version != VERSION {
            return HeaderState::Unsupported(version);
        }
        let header = Self { first: Sequence(word(12)), salt: word(20) };
        if intact.len() == 2 { HeaderState::Intact(header) } else { HeaderState::OneCopy(header) }
    }
}

fn is_intact(copy: &[u8; HEADER_BYTES]) -> bool {
    copy.starts_with(MAGIC) && crc32c::crc32c(&copy[..28]).to_le_bytes() == copy[28..]
}

/// The name of the segment that starts with `first`.
pub(super) fn file_name(first: Sequence) -> String {
    format!("{:020}.{EXTENSION}", first.0)
}

/// The segments in `directory`, in order.
pub(super) fn list(directory: &Path) -> Result<Vec<(Sequence, PathBuf)>, WalError> {
    let failed = |e| WalError::io("listing", directory, e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(first) = sequence_of(&path) {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The sequence in a segment's name, or `None` when the file is not named like a segment.
fn sequence_of(path: &Path) -> Option<Sequence> {
    let stem = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    (stem.len() == 20 && stem.bytes().all(|b| b.is_ascii_digit()))
        .then(|| stem.parse().ok().map(Sequence))
        .flatten()
}
