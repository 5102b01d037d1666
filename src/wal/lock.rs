//! One process at a time has a log open.

use super::error::WalError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// A log that nobody opens while this lives.
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// Keeps others from opening the log in `directory`, which is made when it is missing.
///
/// # Errors
/// [`WalError::InUse`] when it is open, [`WalError::Io`].
pub fn hold(directory: &Path) -> Result<Held, WalError> {
    Ok(Held { _lock: lock(directory)? })
}

/// Takes the lock of the log in `directory`; it is released when the file is dropped, or the process dies.
pub(super) fn lock(directory: &Path) -> Result<File, WalError> {
    std::fs::create_dir_all(directory).map_err(|e| WalError::io("creating", directory, e))?;
    let path = directory.join("lock");
    let file = File::create(&path).map_err(|e| WalError::io("creating", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WalError::InUse(directory.to_owned())),
        Err(TryLockError::Error(e)) => Err(WalError::io("locking", &path, e)),
    }
}
