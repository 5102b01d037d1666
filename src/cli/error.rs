//! Why a command failed, in words for whoever typed it.

use super::client::ClientError;
use crate::app::AppError;
use crate::backup::BackupError;
use crate::config::ConfigError;
use crate::telemetry::TelemetryError;
use std::fmt::Display;
use std::io;

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Logging cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The server did not start or did not end well.
    #[error(transparent)]
    App(#[from] AppError),
    /// The server that was asked could not be reached or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A backup was not made or not restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Reading or writing something of this machine failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was attempted, on what.
        action: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The command ran, and its result is bad.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    pub(super) fn io(action: impl Into<String>, source: io::Error) -> Self {
        Self::Io { action: action.into(), source }
    }

    /// An error of a file, in words that name it.
    pub(super) fn file(action: &str, path: &std::path::Path, source: io::Error) -> Self {
        Self::io(format!("{action} {}", path.display()), source)
    }

    /// Output that cannot be written.
    pub(super) fn output(source: io::Error) -> Self {
        Self::io("write the output", source)
    }

    pub(super) fn failed(what: impl Display) -> Self {
        Self::Failed(what.to_string())
    }

    /// Whether the reader of our output went away.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
