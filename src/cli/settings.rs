//! The flags that name a configuration, shared by the commands that need one.

use super::error::CliError;
use crate::config::{Config, Machine};
use clap::Args;
use std::path::PathBuf;

/// The variable that names the file.
const CONFIG_VARIABLE: &str = "TIDEGAUGE_CONFIG";

/// Variables that start like settings and are read by other commands.
const CLIENT_VARIABLES: [&str; 4] =
    [CONFIG_VARIABLE, "TIDEGAUGE_HOST", "TIDEGAUGE_USERNAME", "TIDEGAUGE_PASSWORD"];

/// Where settings come from: file, then environment, then flags; the later wins.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// The address and port to serve on; port 0 picks a free one [default: 127.0.0.1:8086]
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<String>,
    #[command(flatten)]
    storage: StorageSettings,
}

/// Those of them that say where a server's data is.
#[derive(Debug, Args)]
pub(super) struct StorageSettings {
    /// Read settings from this TOML file; `tidegauge config` shows what may stand in it
    #[arg(long, value_name = "FILE", env = CONFIG_VARIABLE)]
    config: Option<PathBuf>,
    /// The folder of the write-ahead log and of local data files [default: ./tidegauge-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Where the data files lie: file:///…, memory:///, s3://…, gs://…, az://… [default: DIR/store]
    #[arg(long, value_name = "URL")]
    object_store: Option<String>,
    /// Set any setting, such as buffer.flush_age_s=60 (may be repeated)
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// A configuration, and what somebody should be told about it.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The settings, fitted to this machine.
    pub(super) config: Config,
    /// Variables that start like settings and name none.
    pub(super) unknown_variables: Vec<String>,
}

impl Settings {
    /// Reads the file and the environment and adds the flags.
    pub(super) fn load(&self) -> Result<Loaded, CliError> {
        self.storage.load_with(&[("bind", &self.bind)])
    }

    /// The same with a flag of the command's own.
    pub(super) fn load_with(&self, flag: (&str, &Option<String>)) -> Result<Loaded, CliError> {
        self.storage.load_with(&[("bind", &self.bind), flag])
    }
}

impl StorageSettings {
    /// Whether a flag names the files of a server. The environment does not count: it is there for running servers too.
    pub(super) fn are_named(&self) -> bool {
        let variable = std::env::var_os(CONFIG_VARIABLE);
        let names_config =
            self.config.as_ref().is_some_and(|path| variable.as_deref() != Some(path.as_os_str()));
        names_config || self.data.is_some() || self.object_store.is_some()
    }

    /// Reads the file and the environment and adds the flags.
    pub(super) fn load(&self) -> Result<Loaded, CliError> {
        self.load_with(&[])
    }

    fn load_with(&self, own: &[(&str, &Option<String>)]) -> Result<Loaded, CliError> {
        let mut config = match &self.config {
            Some(path) => Config::from_file(path)?,
            None => Config::default(),
        };
        // A variable that is not Unicode is none of ours.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| !CLIENT_VARIABLES.contains(&name.as_str()));
        let unknown_variables = config.apply_environment(variables)?;
        let flags = [("data", &self.data), ("object_store.url", &self.object_store)];
        for (name, value) in own.iter().copied().chain(flags) {
            if let Some(value) = value {
                config.set(name, value)?;
            }
        }
        for assignment in &self.set {
            let (name, value) = assignment
                .split_once('=')
                .ok_or_else(|| CliError::failed(format!("--set {assignment}: expected NAME=VALUE")))?;
            config.set(name.trim(), value)?;
        }
        Ok(Loaded { config: config.fitted_to(&Machine::detect())?, unknown_variables })
    }
}
