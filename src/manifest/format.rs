//! The bytes of an edit and of a checkpoint: text that a person can read, guarded by a checksum.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────────┐
//! │ tidegauge-edit 1 crc32c=9a3f0b12 bytes=317 ⏎                                     │ header
//! ├──────────────────────────────────────────────────────────────────────────────────┤
//! │ {"number":7,"epoch":2,"writer":"…","id":"…","time_ns":1700000000000000000} ⏎     │ body, JSON lines:
//! │ {"put_table":{"id":4,…}} ⏎                                                       │ what it is, then
//! │ {"add_file":{"path":"data/1/1/4/…",…}} ⏎                                         │ one change a line
//! └──────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! | part of the header | form | meaning |
//! |---|---|---|
//! | kind | `tidegauge-edit` or `tidegauge-checkpoint` | what the body holds |
//! | version | decimal | of this format; a greater one than [`VERSION`] is refused |
//! | `crc32c=` | 8 hexadecimal digits | CRC-32C (Castagnoli) of the body |
//! | `bytes=` | decimal | length of the body |
//!
//! A checkpoint's changes are those that make its state of an empty one. Objects appear whole or not at
//! all, so there is no torn tail: an object that does not decode is damaged.

use super::ManifestError;
use crate::model::change::Change;
use crate::model::state::State;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// The version of this format.
pub const VERSION: u32 = 1;

const EDIT: &str = "tidegauge-edit";
const CHECKPOINT: &str = "tidegauge-checkpoint";

/// Who wrote an edit or checkpoint, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The edit's number; of a checkpoint, the number of the last edit in it. The first edit is 1.
    pub number: u64,
    /// The epoch of the writer; of a checkpoint, of the last edit in it.
    pub epoch: u64,
    /// The process that wrote it: unique for each opening of the manifest.
    pub writer: String,
    /// Unique for each edit, so that a writer knows its own after a lost answer.
    pub id: String,
    /// When it was written, by the writer's clock. For people: nothing is decided by it.
    pub time_ns: i64,
}

/// One entry of the log: changes that take effect together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Who wrote it, and its number.
    pub stamp: Stamp,
    /// What changes, in this order.
    pub changes: Vec<Change>,
}

/// A state, so that older edits need not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Who wrote it, and the last edit in it.
    pub stamp: Stamp,
    /// The state after that edit.
    pub state: State,
}

/// The bytes of an edit.
#[must_use]
pub fn encode_edit(edit: &Edit) -> Bytes {
    encode(EDIT, &edit.stamp, edit.changes.iter())
}

/// The bytes of a checkpoint.
#[must_use]
pub fn encode_checkpoint(checkpoint: &Checkpoint) -> Bytes {
    encode(CHECKPOINT, &checkpoint.stamp, checkpoint.state.to_changes())
}

/// The edit that `bytes` hold. `path` is only for the error.
///
/// # Errors
/// When the bytes are damaged, or of a newer version.
pub fn decode_edit(path: &str, bytes: &[u8]) -> Result<Edit, ManifestError> {
    let (stamp, lines) = decode(EDIT, path, bytes)?;
    let changes = lines.map(|line| change_of(path, line)).collect::<Result<_, _>>()?;
    Ok(Edit { stamp, changes })
}

/// The checkpoint that `bytes` hold. `path` is only for the error.
///
/// # Errors
/// When the bytes are damaged, or of a newer version.
pub fn decode_checkpoint(path: &str, bytes: &[u8]) -> Result<Checkpoint, ManifestError> {
    let (stamp, lines) = decode(CHECKPOINT, path, bytes)?;
    let mut state = State::default();
    for (number, line) in lines {
        let change = change_of(path, (number, line))?;
        state.apply(&change).map_err(|e| damaged(path, format!("line {number}: {e}")))?;
    }
    Ok(Checkpoint { stamp, state })
}

fn encode<C: std::borrow::Borrow<Change>>(
    kind: &str,
    stamp: &Stamp,
    changes: impl Iterator<Item = C>,
) -> Bytes {
    let mut body = Vec::new();
    push_line(&mut body, stamp);
    for change in changes {
        push_line(&mut body, change.borrow());
    }
    let mut out = Vec::with_capacity(body.len() + 80);
    let (crc, length) = (crc32c::crc32c(&body), body.len());
    writeln!(out, "{kind} {VERSION} crc32c={crc:08x} bytes={length}").expect("a vector takes any bytes");
    out.extend_from_slice(&body);
    out.into()
}

fn push_line(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *out, value).expect("stamps and changes have only string keys");
    out.push(b'\n');
}

/// The stamp, and the further lines of the body with their numbers in the object.
fn decode<'a>(
    kind: &str,
    path: &str,
    bytes: &'a [u8],
) -> Result<(Stamp, impl Iterator<Item = (usize, &'a [u8])>), ManifestError> {
    let body = checked_body(kind, path, bytes)?;
    let body = body.strip_suffix(b"\n").ok_or_else(|| damaged(path, "the last line does not end"))?;
    let mut lines = body.split(|b| *b == b'\n').enumerate().map(|(at, line)| (at + 2, line));
    let (_, first) = lines.next().unwrap_or_default();
    let stamp = serde_json::from_slice(first).map_err(|e| damaged(path, format!("line 2: {e}")))?;
    Ok((stamp, lines))
}

fn checked_body<'a>(kind: &str, path: &str, bytes: &'a [u8]) -> Result<&'a [u8], ManifestError> {
    let not_ours = || damaged(path, format!("it does not start with a line \"{kind} …\""));
    let header_end = bytes.iter().take(160).position(|b| *b == b'\n').ok_or_else(not_ours)?;
    let (header, body) = (&bytes[..header_end], &bytes[header_end + 1..]);
    let header = std::str::from_utf8(header).map_err(|_| not_ours())?;
    let mut words = header.split(' ');
    if words.next() != Some(kind) {
        return Err(not_ours());
    }
    let version: u32 = words.next().and_then(|w| w.parse().ok()).ok_or_else(not_ours)?;
    if version > VERSION {
        return Err(ManifestError::Newer { path: path.into(), version });
    }
    let crc = words.next().and_then(|w| w.strip_prefix("crc32c="));
    let crc = crc.and_then(|w| u32::from_str_radix(w, 16).ok()).ok_or_else(not_ours)?;
    let length = words.next().and_then(|w| w.strip_prefix("bytes="));
    let length: usize = length.and_then(|w| w.parse().ok()).ok_or_else(not_ours)?;
    if words.next().is_some() {
        return Err(not_ours());
    }
    if body.len() != length {
        return Err(damaged(path, format!("its body has {} bytes and should have {length}", body.len())));
    }
    let found = crc32c::crc32c(body);
    if found != crc {
        return Err(damaged(
            path,
            format!("its body has the checksum {found:08x} and should have {crc:08x}"),
        ));
    }
    Ok(body)
}

fn change_of(path: &str, (number, line): (usize, &[u8])) -> Result<Change, ManifestError> {
    serde_json::from_slice(line).map_err(|e| damaged(path, format!("line {number}: {e}")))
}

pub(super) fn damaged(path: &str, reason: impl Into<String>) -> ManifestError {
    ManifestError::Damaged { path: path.into(), reason: reason.into() }
}
