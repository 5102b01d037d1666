//! Where backups lie, as arguments name it.

use super::error::CliError;
use crate::app::AppError;
use crate::object::{Store, StoreOptions};
use clap::Args;
use std::path::{Path, PathBuf};

/// Settings of the place of backups, beside its address.
#[derive(Debug, Args)]
pub(super) struct PlaceOptions {
    /// A setting of the place of the backups, such as region=eu-central-1 or endpoint=http://127.0.0.1:9000 (may be repeated); what is
    /// missing is taken from the provider's usual variables (AWS_…, GOOGLE_…, AZURE_…)
    #[arg(long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
}

/// A place to write to.
pub(super) struct Destination {
    pub(super) store: Store,
    /// Folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

impl Destination {
    /// Removes what was made for it, as far as nothing lies there.
    pub(super) fn remove_if_empty(self) {
        let Some((_, above)) = self.made.split_first() else { return };
        if self.store.remove_if_empty() {
            // The first one that cannot be removed keeps those above it.
            let _ = above.iter().try_for_each(std::fs::remove_dir);
        }
    }
}

/// The folders of a path that are not there, the innermost first.
fn missing(folder: &Path) -> Vec<PathBuf> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    folder.ancestors().take_while(is_missing).map(Path::to_path_buf).collect()
}

impl PlaceOptions {
    /// The place of this address, to write to it. A folder that is not there is made.
    pub(super) fn open(&self, url: &str) -> Result<Destination, CliError> {
        let options = self.of(url)?;
        let made = options.folder().map(|folder| missing(&folder)).unwrap_or_default();
        let store = Store::open(&options).map_err(AppError::Store)?;
        Ok(Destination { store, made })
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
