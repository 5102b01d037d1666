//! What an engine is to its store: the only one that writes to it, or one of those that read what another process writes.

use super::Engine;
use super::error::EngineError;
use super::follow::Reader;
use crate::manifest::Manifest;
use crate::wal::{RecoveryReport, Wal};

/// A writer or a reader, for as long as the engine lives.
#[derive(Debug)]
pub(super) enum Role {
    /// Has a log and has fenced all writers before it.
    Writer(Box<Writer>),
    /// Has neither.
    Reader(Box<Reader>),
}

/// What only a writer has.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) manifest: Manifest,
    pub(super) wal: Wal,
    pub(super) recovery: RecoveryReport,
}

impl Engine {
    /// Whether it only reads what another process writes.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(self.role, Role::Reader(_))
    }

    /// What every change needs.
    ///
    /// # Errors
    /// [`EngineError::ReadOnly`].
    pub(super) fn writer(&self) -> Result<&Writer, EngineError> {
        match &self.role {
            Role::Writer(writer) => Ok(writer),
            Role::Reader(_) => Err(EngineError::ReadOnly),
        }
    }
}
