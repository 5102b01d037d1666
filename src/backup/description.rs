//! The bytes of a description: JSON lines, the last of which guards the others.
//!
//! ```text
//! {"format":"tidegauge-backup","version":1,"name":"20240301T120000.000Z","created":"…","manifest_number":123,…}
//! {"path":"backup/20240301T120000.000Z/state.jsonl","size_bytes":5120,"crc32c":"9a3f0b12"}       the state, first
//! {"path":"data/0/0/4/…/….parquet","size_bytes":81234,"crc32c":"11223344"}                       one line for each file
//! {"file_count":1,"crc32c":"5566aabb"}                                                           of all bytes before this line
//! ```
//!
//! Checksums are CRC-32C (Castagnoli), 8 hexadecimal digits. A description appears whole or not at all; one that does not decode
//! is damaged.

use super::BackupError;
use crate::object::layout;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The version of this format.
pub(super) const VERSION: u32 = 1;

const FORMAT: &str = "tidegauge-backup";

/// What a backup consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name, which is the time of its cut: names sort by age.
    pub name: String,
    /// When it was begun: RFC 3339, UTC.
    pub created: String,
    /// The version of Tidegauge that made it.
    pub made_by: String,
    /// The edit of the manifest whose state it has.
    pub manifest_number: u64,
    /// The names of the databases in it, in the order in which they were created. For people.
    pub databases: Vec<String>,
    /// The state: [`crate::manifest::format`], a checkpoint.
    pub state: BackedUp,
    /// The data files that the state names, sorted by path.
    pub files: Vec<BackedUp>,
}

/// An object of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Its path below the root of the place.
    pub path: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The checksum of its bytes.
    #[serde(with = "hexadecimal")]
    pub crc32c: u32,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    name: String,
    created: String,
    made_by: String,
    manifest_number: u64,
    databases: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Foot {
    file_count: usize,
    #[serde(with = "hexadecimal")]
    crc32c: u32,
}

/// What must be readable of any version.
#[derive(Deserialize)]
struct Version {
    format: String,
    version: u32,
}

impl BackedUp {
    /// What `bytes` are as the object `path`.
    #[must_use]
    pub fn of(path: impl Into<String>, bytes: &[u8]) -> Self {
        Self { path: path.into(), size_bytes: bytes.len() as u64, crc32c: crc32c::crc32c(bytes) }
    }

    /// Whether bytes of this number and checksum are this object.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] with what differs.
    pub(super) fn check(&self, size_bytes: u64, crc32c: u32) -> Result<(), BackupError> {
        self.check_size(size_bytes)?;
        if crc32c != self.crc32c {
            let reason = format!("it has the checksum {crc32c:08x} and should have {:08x}", self.crc32c);
            return Err(BackupError::damaged(&self.path, reason));
        }
        Ok(())
    }

    /// Whether this object has so many bytes.
    ///
    /// # Errors
    /// As [`BackedUp::check`].
    pub(super) fn check_size(&self, size_bytes: u64) -> Result<(), BackupError> {
        if size_bytes == self.size_bytes {
            return Ok(());
        }
        let reason = format!("it has {size_bytes} bytes and should have {}", self.size_bytes);
        Err(BackupError::damaged(&self.path, reason))
    }
}

impl Description {
    /// All its objects but the description itself.
    pub fn objects(&self) -> impl Iterator<Item = &BackedUp> {
        std::iter::once(&self.state).chain(&self.files)
    }

    /// Whether it has a database of this name.
    ///
    /// # Errors
    /// [`BackupError::NotFound`] with those that it has.
    pub fn check_has(&self, database: &str) -> Result<(), BackupError> {
        if self.databases.iter().any(|name| name == database) { Ok(()) } else { Err(self.has_not(database)) }
    }

    pub(super) fn has_not(&self, database: &str) -> BackupError {
        let known = self.databases.join(", ");
        BackupError::NotFound(format!("the backup has no database {database:?}; it has: {known}"))
    }

    /// The bytes of all its objects.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.objects().map(|object| object.size_bytes).sum()
    }

    /// The bytes of the description.
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        push_line(
            &mut out,
            &Head {
                format: FORMAT.to_owned(),
                version: VERSION,
                name: self.name.clone(),
                created: self.created.clone(),
                made_by: self.made_by.clone(),
                manifest_number: self.manifest_number,
                databases: self.databases.clone(),
            },
        );
        for object in self.objects() {
            push_line(&mut out, object);
        }
        let crc32c = crc32c::crc32c(&out);
        push_line(&mut out, &Foot { file_count: self.files.len(), crc32c });
        out.into()
    }

    /// The description that `bytes` hold, which is of the backup `name`.
    pub(super) fn decode(name: &str, bytes: &[u8]) -> Result<Self, BackupError> {
        let path = layout::backup(name);
        let damaged = |reason: String| BackupError::damaged(&path, reason);
        let text =
            bytes.strip_suffix(b"\n").ok_or_else(|| damaged("its last line does not end".to_owned()))?;
        let mut lines = text.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        if let Ok(Version { format, version }) = serde_json::from_slice(first)
            && format == FORMAT
            && version > VERSION
        {
            return Err(BackupError::Newer { path, version });
        }
        let last = lines.next_back().unwrap_or_default();
        let foot: Foot = serde_json::from_slice(last).map_err(|e| damaged(format!("its last line: {e}")))?;
        let guarded = &text[..text.len() - last.len()];
        let found = crc32c::crc32c(guarded);
        if found != foot.crc32c {
            return Err(damaged(format!(
                "it has the checksum {found:08x} and should have {:08x}",
                foot.crc32c
            )));
        }
        let head: Head = serde_json::from_slice(first).map_err(|e| damaged(format!("line 1: {e}")))?;
        let object = |(at, line): (usize, &[u8])| {
            serde_json::from_slice(line).map_err(|e| damaged(format!("line {}: {e}", at + 2)))
        };
        let mut objects = lines.enumerate().map(object);
        let state = objects.next().ok_or_else(|| damaged("it names no state".to_owned()))??;
        let files: Vec<BackedUp> = objects.collect::<Result<_, _>>()?;
        if head.format != FORMAT || head.name != name || files.len() != foot.file_count {
            return Err(damaged("it is the description of something else".to_owned()));
        }
        Ok(Self {
            name: head.name,
            created: head.created,
            made_by: head.made_by,
            manifest_number: head.manifest_number,
            databases: head.databases,
            state,
            files,
        })
    }
}

fn push_line(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *out, value).expect("names and numbers are JSON");
    out.push(b'\n');
}

/// A checksum as 8 hexadecimal digits.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:08x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
