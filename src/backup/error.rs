//! Why a backup is not made or not restored.

use crate::engine::EngineError;
use crate::manifest::ManifestError;
use crate::object::StoreError;

/// Why a backup is not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The place of the backups, or the store to restore into, failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The engine that should take a database did not.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The server on the other side said no, or did not answer.
    #[error("{0}")]
    Remote(String),
    /// A data file of the source is not there any more.
    #[error("file {path:?} is not there any more")]
    Gone {
        /// The file.
        path: String,
    },
    /// An object of a backup is not what was written.
    #[error("{path:?} in the backup is damaged: {reason}")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An object of a backup is not there.
    #[error("{path:?} is missing in the backup")]
    Missing {
        /// The object.
        path: String,
    },
    /// A backup was written by a later version of Tidegauge: use that one.
    #[error(
        "the backup {path:?} has format version {version}, this program reads up to {}",
        super::description::VERSION
    )]
    Newer {
        /// Its description.
        path: String,
        /// The version of its format.
        version: u32,
    },
    /// There is no such backup, database or data.
    #[error("{0}")]
    NotFound(String),
    /// What should be made exists.
    #[error("{0}")]
    Exists(String),
    /// Files vanished from every state that was to be copied.
    #[error(
        "the data changed faster than it could be copied: file {path:?} vanished at the last of {attempts} attempts"
    )]
    Overtaken {
        /// The file that was missing last.
        path: String,
        /// The attempts.
        attempts: u32,
    },
}

impl BackupError {
    pub(super) fn damaged(path: &str, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }

    /// An error of reading an object of a backup.
    pub(super) fn of_object(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { path } => Self::Missing { path },
            other => Self::Store(other),
        }
    }
}
