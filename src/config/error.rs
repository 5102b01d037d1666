//! What can be wrong with a configuration. The values themselves are not repeated where they may be secret.

use std::path::PathBuf;

/// A configuration that the server does not start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML, names an unknown setting or holds a value of a wrong type.
    #[error("in the configuration file {}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        message: String,
    },
    /// A flag names a setting that does not exist.
    #[error("there is no setting \"{name}\"; `tidegauge config` shows them all")]
    Unknown {
        /// The name given.
        name: String,
    },
    /// A variable or a flag holds a value that does not fit.
    #[error("{origin}: {reason}")]
    Value {
        /// The variable or flag.
        origin: String,
        /// What was expected.
        reason: String,
    },
    /// A setting is out of range or contradicts another one.
    #[error("setting {name}: {reason}")]
    Range {
        /// The setting.
        name: &'static str,
        /// What must hold.
        reason: &'static str,
    },
}
