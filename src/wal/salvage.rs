//! Reading what was put aside: files of `quarantine/`, or segments wherever they lie. Changes nothing and takes no lock.
//!
//! In: a folder or a file. Out: one file after the other, its records, and what cannot be read of it. Whether a record is in data
//! files already, or which names its numbers stand for, is not known here.
//!
//! | a file | what is read of it |
//! |---|---|
//! | `00000000000000000001.wal` | a segment; the records before, between and behind its damage |
//! | `00000000000000000001.wal.2` | another one of this name |
//! | `00000000000000000001.wal.4711` | a damaged part, which began at this byte: there is nothing in it that has a valid checksum |
//! | `00000000000000000001.wal.0` | one of the two headers: no record is missing |
//!
//! The parts lie here for those who know better than a checksum what the bytes should have been.

use super::batch;
use super::error::WalError;
use super::frame::{Frame, RecordKind, SaltMask, scan_masked};
use super::lost_header;
use super::report::Damage;
use super::segment::{EXTENSION, HeaderState, QUARANTINE, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::model::batch::WriteBatch;
use crate::model::ids::{DatabaseId, PolicyId, Sequence};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The folder where the log in `directory` puts things aside. It need not be there.
#[must_use]
pub fn quarantine_of(directory: &Path) -> PathBuf {
    directory.join(QUARANTINE)
}

/// A file that may have records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    /// Whether it is a segment from its header on, and no damaged part of one.
    is_whole: bool,
    /// The first record of the segment that comes next.
    following: Option<Sequence>,
}

/// What was read of a file. It is in memory as a whole.
#[derive(Debug)]
pub struct Salvaged {
    path: PathBuf,
    bytes: Vec<u8>,
    frames: Vec<Frame>,
    lost: Vec<Damage>,
    unfinished: Option<Damage>,
}

/// A record with a valid checksum.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    file: &'a Path,
    frame: &'a Frame,
    payload: &'a [u8],
}

/// The files at `path`, which is a folder or one of them, in the order of their records. Other files of a folder are left out.
///
/// # Errors
/// [`WalError::Io`] when it is neither, or cannot be listed.
pub fn sources(path: &Path) -> Result<Vec<Source>, WalError> {
    let failed = |e| WalError::io("listing", path, e);
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        let is_whole = Name::of(path).is_some_and(|name| name.is_whole());
        return Ok(vec![Source { path: path.to_owned(), is_whole, following: None }]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if let Some(name) = Name::of(&file) {
            found.push((name, file));
        }
    }
    found.sort();
    let mut following = None;
    let mut sources = Vec::with_capacity(found.len());
    for (name, path) in found.into_iter().rev() {
        let is_whole = name.is_whole();
        sources.push(Source { path, is_whole, following });
        if is_whole {
            following = Some(name.first);
        }
    }
    sources.reverse();
    Ok(sources)
}

/// What the name of a file says.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    /// The first record of the segment.
    first: Sequence,
    /// The offset of a damaged part, and what makes the name a new one; see `repair`.
    numbers: Vec<u64>,
}

impl Name {
    /// `None` when it is not named like a segment.
    fn of(path: &Path) -> Option<Self> {
        let mut parts = path.file_name()?.to_str()?.split('.');
        let stem = parts.next().filter(|s| s.len() == 20 && s.bytes().all(|b| b.is_ascii_digit()))?;
        parts.next().filter(|extension| *extension == EXTENSION)?;
        let first = Sequence(stem.parse::<u64>().ok()?);
        let numbers = parts.map(|number| number.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
        Some(Self { first, numbers })
    }

    /// No damaged part begins within the header but at its start.
    fn is_whole(&self) -> bool {
        self.numbers.first().is_none_or(|number| (1..SEGMENT_HEADER_BYTES as u64).contains(number))
    }
}

impl Source {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it. That it is damaged is no error.
    ///
    /// # Errors
    /// [`WalError::Io`].
    pub fn read(&self) -> Result<Salvaged, WalError> {
        let bytes = std::fs::read(&self.path).map_err(|e| WalError::io("reading", &self.path, e))?;
        let (path, frames) = (self.path.clone(), Vec::new());
        let mut read = Salvaged { path, bytes, frames, lost: Vec::new(), unfinished: None };
        match SegmentHeader::decode(&read.bytes) {
            HeaderState::Intact(header) | HeaderState::OneCopy(header) => {
                read.scan(SEGMENT_HEADER_BYTES, SaltMask::of(header.salt));
                self.look_at_end(&mut read);
            }
            HeaderState::Unsupported(version) => {
                read.lose_all(format!("a newer version wrote it: segment format version {version}"));
            }
            // A part cannot be told from the inside of one record, which a client may have made look like several.
            HeaderState::Unreadable if !self.is_whole => {
                read.lose_all("a damaged part, no record with a valid checksum".to_owned());
            }
            HeaderState::Unreadable => match lost_header::find_mask(&read.bytes) {
                Some(mask) => read.scan(SEGMENT_HEADER_BYTES, mask),
                None => read
                    .lose_all("the header is unreadable, and no record could be found without it".to_owned()),
            },
        }
        Ok(read)
    }

    /// Decides what unreadable bytes behind the last record are. In the last segment they may be a record that was never
    /// finished. In an earlier one they are a torn mark, and nothing is lost, when the next segment goes on right after
    /// that record; else they are damage.
    fn look_at_end(&self, read: &mut Salvaged) {
        let is_end = |lost: &mut Damage| lost.offset + lost.bytes == read.bytes.len() as u64;
        let Some(end) = read.lost.pop_if(is_end) else { return };
        let last = read.frames.last().map(|frame| frame.sequence.next());
        match self.following {
            None => read.unfinished = Some(end),
            following if following == last => {}
            _ => read.lost.push(end),
        }
    }
}

impl Salvaged {
    /// The records with a valid checksum, in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let batches = self.frames.iter().filter(|frame| frame.kind == RecordKind::Batch);
        batches.map(|frame| Record { file: &self.path, frame, payload: &self.bytes[frame.payload()] })
    }

    /// The parts of which nothing can be read, in order.
    #[must_use]
    pub fn lost(&self) -> &[Damage] {
        &self.lost
    }

    /// Unreadable bytes behind the last record of the last segment: at the end of a log, a record that was never
    /// acknowledged.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Damage> {
        self.unfinished.as_ref()
    }

    /// Finds the records from byte `start` on.
    fn scan(&mut self, start: usize, mask: SaltMask) {
        let found = scan_masked(&self.bytes, start.min(self.bytes.len()), mask, Sequence::ZERO);
        self.frames = found.frames;
        for part in found.damaged {
            self.lose(&part, "no record with a valid checksum".to_owned());
        }
    }

    fn lose_all(&mut self, reason: String) {
        self.lose(&(0..self.bytes.len()), reason);
    }

    fn lose(&mut self, part: &Range<usize>, reason: String) {
        self.lost.push(damage(&self.path, part, reason));
    }
}

impl Record<'_> {
    /// Its place in its log.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.frame.sequence
    }

    /// The database and the retention policy it was written to; `None` when it is no batch.
    #[must_use]
    pub fn target(&self) -> Option<(DatabaseId, PolicyId)> {
        batch::target_of(self.payload).ok()
    }

    /// Its rows.
    ///
    /// # Errors
    /// When it is no batch: where it lies, and why.
    pub fn decode(&self) -> Result<WriteBatch, Damage> {
        batch::decode(self.payload).map_err(|error| {
            let reason = format!("record {}: {error}", self.frame.sequence);
            damage(self.file, &self.frame.range, reason)
        })
    }
}

fn damage(file: &Path, part: &Range<usize>, reason: String) -> Damage {
    let (offset, bytes) = (part.start as u64, part.len() as u64);
    Damage { file: file.to_owned(), offset, bytes, reason, quarantined_to: None }
}
