//! `tidegauge config`: every setting with its meaning, and the value that a server started the same way has.

use super::error::CliError;
use super::settings::Settings;
use super::terminal;
use crate::config::{Config, to_commented_toml};
use crate::telemetry;
use clap::Args;

const EXAMPLES: &str = "\
Examples:
  tidegauge config                              the settings as they are now, with file and environment
  tidegauge config --defaults > tidegauge.toml  a file to start from
  tidegauge config --config tidegauge.toml      check a file";

/// Print every setting, with its meaning, as a TOML file.
///
/// Settings come from the file, then the environment, then flags; the later wins. A value of 0 that stands for "by the
/// machine" is shown as what it comes to. Secrets are not shown.
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
        if self.defaults {
            return terminal::print(&to_commented_toml(&Config::default()));
        }
        let loaded = self.settings.load()?;
        telemetry::check(&loaded.config.log.level)?;
        for name in loaded.unknown_variables {
            terminal::tell(format_args!("the environment variable {name} names no setting"));
        }
        terminal::print(&to_commented_toml(&loaded.config))
    }
}
