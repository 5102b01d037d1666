//! Putting the log in order after it was read: cuts torn tails, moves damage to `quarantine/`, deletes what is not
//! needed. Every step leaves a log that can be recovered again if the process dies after it.

use super::error::WalError;
use super::report::RecoveryReport;
use super::segment::{QUARANTINE, SegmentHeader};
use super::writer::ClosedSegment;
use crate::model::ids::Sequence;
use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What is to be done about a segment.
#[derive(Debug)]
pub(super) enum Repair {
    /// Nothing but to make sure that it is on disk.
    Keep,
    /// Cut it to this length.
    Truncate(u64),
    /// Move the damaged parts away and write the segment anew with the intact frames.
    Rewrite { header: SegmentHeader, frames: Vec<Range<usize>>, damaged: Vec<Range<usize>> },
    /// Move the damaged parts away and delete it: no record of it is needed.
    Delete { damaged: Vec<Range<usize>> },
    /// Move it away as a whole.
    MoveAway,
}

/// A segment and what is to be done about it.
#[derive(Debug)]
pub(super) struct SegmentRepair {
    pub(super) path: PathBuf,
    pub(super) repair: Repair,
    /// The last record in it.
    pub(super) last: Option<Sequence>,
    /// Its length after the repair.
    pub(super) bytes: u64,
}

impl SegmentRepair {
    pub(super) fn delete(path: &Path) -> Self {
        let repair = Repair::Delete { damaged: Vec::new() };
        Self { path: path.to_owned(), repair, last: None, bytes: 0 }
    }
}

/// Carries out the repairs and returns the segments that remain. Notes in the report where damaged parts went.
pub(super) fn repair(
    directory: &Path,
    repairs: Vec<SegmentRepair>,
    report: &mut RecoveryReport,
) -> Result<Vec<ClosedSegment>, WalError> {
    let mut kept = Vec::new();
    for mut segment in repairs {
        let path = &segment.path;
        match &segment.repair {
            // What is found after a kill may lie in the page cache only; from now on it counts as safe.
            Repair::Keep => sync_file(path).map_err(|e| WalError::io("syncing", path, e))?,
            Repair::Truncate(length) => {
                truncate(path, *length).map_err(|e| WalError::io("cutting", path, e))?
            }
            Repair::Rewrite { header, frames, damaged } => {
                quarantine_parts(directory, path, damaged, report)?;
                segment.bytes = rewrite(directory, path, *header, frames)
                    .map_err(|e| WalError::io("rewriting", path, e))?;
            }
            Repair::Delete { damaged } => {
                quarantine_parts(directory, path, damaged, report)?;
                fs::remove_file(path).map_err(|e| WalError::io("deleting", path, e))?;
            }
            Repair::MoveAway => {
                let folder = quarantine_folder(directory)?;
                let to = free_name(&folder, &name_of(path));
                fs::rename(path, &to).map_err(|e| WalError::io("moving away", path, e))?;
                sync_directory(&folder)?;
                note_quarantined(report, path, 0, &to);
            }
        }
        let is_gone = matches!(segment.repair, Repair::Delete { .. } | Repair::MoveAway);
        if let Some(last) = segment.last.filter(|_| !is_gone) {
            kept.push(ClosedSegment { path: segment.path, last, bytes: segment.bytes });
        }
    }
    sync_directory(directory)?;
    Ok(kept)
}

fn truncate(path: &Path, length: u64) -> std::io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

fn sync_file(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// Copies the damaged parts to the quarantine folder, durably.
fn quarantine_parts(
    directory: &Path,
    path: &Path,
    damaged: &[Range<usize>],
    report: &mut RecoveryReport,
) -> Result<(), WalError> {
    if damaged.is_empty() {
        return Ok(());
    }
    let bytes = fs::read(path).map_err(|e| WalError::io("reading", path, e))?;
    let folder = quarantine_folder(directory)?;
    for range in damaged {
        let to = free_name(&folder, &format!("{}.{}", name_of(path), range.start));
        let part = bytes.get(range.clone()).unwrap_or_default();
        write_synced(&to, &[part]).map_err(|e| WalError::io("writing", &to, e))?;
        note_quarantined(report, path, range.start as u64, &to);
    }
    sync_directory(&folder)
}

/// Writes `content`, which stems from the segment `path`, to the quarantine folder, durably, and gives the file. A file
/// that an earlier start made with the same content is kept instead.
pub(super) fn copy_to_quarantine(directory: &Path, path: &Path, content: &[u8]) -> Result<PathBuf, WalError> {
    let folder = quarantine_folder(directory)?;
    let name = name_of(path);
    let names = std::iter::once(name.clone()).chain((1u64..).map(|n| format!("{name}.{n}")));
    let mut there = names.map(|name| folder.join(name)).take_while(|path| path.exists());
    let to = match there.find(|path| fs::read(path).is_ok_and(|bytes| bytes == content)) {
        Some(same) => {
            sync_file(&same).map_err(|e| WalError::io("syncing", &same, e))?;
            same
        }
        None => {
            let to = free_name(&folder, &name);
            write_synced(&to, &[content]).map_err(|e| WalError::io("writing", &to, e))?;
            to
        }
    };
    sync_directory(&folder)?;
    Ok(to)
}

/// Replaces the segment by one with the same header and only `frames`. Returns its length.
fn rewrite(
    directory: &Path,
    path: &Path,
    header: SegmentHeader,
    frames: &[Range<usize>],
) -> std::io::Result<u64> {
    let bytes = fs::read(path)?;
    let header = header.encode();
    let mut parts: Vec<&[u8]> = vec![&header];
    parts.extend(frames.iter().filter_map(|range| bytes.get(range.clone())));
    let replacement = directory.join("repaired.tmp");
    write_synced(&replacement, &parts)?;
    fs::rename(&replacement, path)?;
    Ok(parts.iter().map(|p| p.len() as u64).sum())
}

fn write_synced(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}

fn quarantine_folder(directory: &Path) -> Result<PathBuf, WalError> {
    let folder = directory.join(QUARANTINE);
    fs::create_dir_all(&folder).map_err(|e| WalError::io("creating", &folder, e))?;
    sync_directory(directory)?;
    Ok(folder)
}

/// `name` in `folder`, or with a number appended when that exists: nothing in quarantine is overwritten.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if !plain.exists() {
        return plain;
    }
    (1u64..).map(|n| folder.join(format!("{name}.{n}"))).find(|p| !p.exists()).unwrap_or(plain)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn note_quarantined(report: &mut RecoveryReport, path: &Path, offset: u64, to: &Path) {
    if let Some(damage) = report.damage.iter_mut().find(|d| d.file == path && d.offset == offset) {
        damage.quarantined_to = Some(to.to_owned());
    }
}

pub(super) fn sync_directory(directory: &Path) -> Result<(), WalError> {
    File::open(directory).and_then(|d| d.sync_all()).map_err(|e| WalError::io("syncing", directory, e))
}
