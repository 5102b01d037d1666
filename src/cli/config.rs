//! `tidegauge config`: every setting with its meaning, and the value that a server started the same way has.

use super::error::CliError;
use super::settings::Settings;
use super::terminal;
use crate::config::{Config, to_commented_toml};
use clap::Args;

const EXAMPLES: &str = "\
Examples:
  tidegauge config                              the settings as they are now, file and environment included
  tidegauge config --defaults > tidegauge.toml  a file to start from
  tidegauge config --config tidegauge.toml      check a file";

/// Print every setting, with its meaning, as a TOML file.
///
/// Settings come from the file, then the environment, then flags; the later wins. Values that are 0 to
/// follow from the machine are shown as what they come to. Secrets are not shown.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PrintConfig {
    #[command(flatten)]
    settings: Settings,
    /// Print the defaults instead of what is set
    #[arg(long)]
    defaults: bool,
}

impl PrintConfig {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = if self.defaults { Config::default() } else { self.settings.load()?.config };
        terminal::print(&to_commented_toml(&config))
    }
}
