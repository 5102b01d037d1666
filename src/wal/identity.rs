//! Which log a folder holds: a file says it by its name. There is nothing in the file, so nothing that could be torn or rot.
//!
//! A log gets its id when it is first opened, before any record is in it; those of earlier versions get theirs when this version
//! first opens them.

use super::error::WalError;
use super::repair::sync_directory;
use crate::model::ids::LogId;
use crate::model::state::State;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use uuid::Uuid;

const EXTENSION: &str = "id";

/// The log that a store goes on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FlushedLog {
    /// It was not noted, as in stores of earlier versions: any log will do.
    #[default]
    Unknown,
    /// There is none: nothing was ever written to the store. A log names databases by number only, so its records would end
    /// up in whichever databases this store will create. Most likely another store is meant, so a log with records is
    /// refused.
    NoneYet,
    /// There is none, because the store is in memory and begins empty at each start. Records are put aside.
    NoneInMemory,
    /// This one.
    Is(LogId),
}

impl FlushedLog {
    /// What the state of a store says of it; `is_in_memory`: the store ends with its process.
    #[must_use]
    pub fn of(state: &State, is_in_memory: bool) -> Self {
        match state.flushed_log() {
            Some(log) => Self::Is(log.clone()),
            None if state.is_new() && is_in_memory => Self::NoneInMemory,
            None if state.is_new() => Self::NoneYet,
            None => Self::Unknown,
        }
    }
}

/// Whether the log in `directory` is another one than the one that a store goes on from. A log without an id is another one.
///
/// # Errors
/// [`WalError::Io`] when the folder cannot be listed.
pub fn is_foreign(directory: &Path, flushed: &FlushedLog) -> Result<bool, WalError> {
    match flushed {
        FlushedLog::Unknown => Ok(false),
        FlushedLog::NoneYet | FlushedLog::NoneInMemory => Ok(true),
        FlushedLog::Is(log) => Ok(id_of(directory)?.as_ref() != Some(log)),
    }
}

/// The id of the log in `directory`; `None` when it has none yet, or several, of which nobody knows which is right.
pub(super) fn id_of(directory: &Path) -> Result<Option<LogId>, WalError> {
    let mut ids = ids_in(directory)?;
    Ok(if ids.len() == 1 { ids.pop().map(|(id, _)| id) } else { None })
}

/// Gives the log in `directory` a new id, durably, in place of what it had.
pub(super) fn renew(directory: &Path) -> Result<LogId, WalError> {
    for (_, path) in ids_in(directory)? {
        fs::remove_file(&path).map_err(|e| WalError::io("deleting", &path, e))?;
    }
    let id = Uuid::new_v4().to_string();
    let path = directory.join(format!("{id}.{EXTENSION}"));
    let made = File::create(&path).and_then(|file| file.sync_all());
    made.map_err(|e| WalError::io("creating", &path, e))?;
    sync_directory(directory)?;
    Ok(LogId::new(id))
}

fn ids_in(directory: &Path) -> Result<Vec<(LogId, PathBuf)>, WalError> {
    let failed = |e| WalError::io("listing", directory, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(id) = id_in_name(&path) {
            found.push((id, path));
        }
    }
    Ok(found)
}

fn id_in_name(path: &Path) -> Option<LogId> {
    let id = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    Uuid::try_parse(id).is_ok().then(|| LogId::new(id))
}
