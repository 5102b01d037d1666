//! Where backups lie, as arguments name it.

use super::error::CliError;
use crate::app::AppError;
use crate::object::{Store, StoreOptions};
use clap::Args;

/// Settings of the place of backups, beside its address.
#[derive(Debug, Args)]
pub(super) struct PlaceOptions {
    /// A setting of the place of the backups, such as region=eu-central-1 or endpoint=http://127.0.0.1:9000 (may be repeated); what is
    /// missing is taken from the provider's usual variables (AWS_…, GOOGLE_…, AZURE_…)
    #[arg(long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
}

impl PlaceOptions {
    /// The place of this address, to write to it. A folder that is not there is made.
    pub(super) fn open(&self, url: &str) -> Result<Store, CliError> {
        Ok(Store::open(&self.of(url)?).map_err(AppError::Store)?)
    }

    /// The place of this address, to read from it.
    pub(super) fn open_for_reading(&self, url: &str) -> Result<Store, CliError> {
        Ok(Store::open_for_reading(&self.of(url)?).map_err(AppError::Store)?)
    }

    fn of(&self, url: &str) -> Result<StoreOptions, CliError> {
        let mut options = StoreOptions::new(url);
        for option in &self.options {
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| CliError::failed(format!("--option {option}: expected NAME=VALUE")))?;
            options = options.with(name.trim(), value);
        }
        Ok(options)
    }
}
