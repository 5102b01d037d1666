//! `tidegauge backup`: copies what a server has to a place for backups.

use super::client::ServerArgs;
use super::error::CliError;
use super::place::PlaceOptions;
use super::progress;
use super::remote::Remote;
use super::settings::StorageSettings;
use super::stopped;
use super::terminal::{self, counted};
use crate::backup::{self, Created, Source, StoreSource};
use crate::clock::SystemClock;
use crate::object::Store;
use clap::Args;
use indicatif::HumanBytes;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  tidegauge backup --to /backups/nyc                        the server on 127.0.0.1:8086
  tidegauge backup --to s3://bucket/nyc --url http://db1:8086 --option region=eu-central-1
  tidegauge backup --to /backups/nyc --keep 7               and delete all but the newest seven
  tidegauge backup --to /backups/nyc --data ./tidegauge-data
                                                            a stopped server's data
  tidegauge restore --from /backups/nyc --list              what is there

A backup has every point that was acknowledged before it began. Later backups to the same address
copy only the data files that are new. It is complete when its description is there, which is
written last; an interrupted one is none.";

/// Copy all databases to a place for backups, while the server runs.
///
/// The place is a folder or an object store. Without --data, --object-store or --config a running server is asked; with one of them
/// the files of a stopped one are read. Users and their password hashes are part of a backup: keep it as safe as the server.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Backup {
    /// Where to: a folder, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix
    #[arg(long, value_name = "URL")]
    to: String,
    /// Delete all but the newest N backups of the place afterwards, with the files that only they have
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
    #[command(flatten)]
    place: PlaceOptions,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten, next_help_heading = "A stopped server")]
    storage: StorageSettings,
}

impl Backup {
    pub(super) fn run(self) -> Result<(), CliError> {
        super::block_on(async move {
            let place = self.place.open(&self.to)?;
            let created = match self.create(&place.store).await {
                Ok(created) => created,
                Err(error) => {
                    place.remove_if_empty();
                    return Err(error);
                }
            };
            for reason in &created.unreadable {
                terminal::tell(format_args!("an earlier backup cannot be read: {reason}"));
            }
            terminal::tell(summary(&created));
            if let Some(kept) = self.keep {
                let deleted =
                    backup::delete_old(&place.store, usize::try_from(kept).unwrap_or(usize::MAX)).await?;
                terminal::tell(format_args!("{} deleted", counted(deleted, "older backup")));
            }
            Ok(())
        })
    }

    async fn create(&self, place: &Store) -> Result<Created, CliError> {
        if self.storage.are_named() {
            let store = stopped::flushed_store(&self.storage.load()?.config).await?;
            create(&StoreSource::new(store, Arc::new(SystemClock)), place).await
        } else {
            create(&Remote::new(&self.server)?, place).await
        }
    }
}

async fn create(source: &dyn Source, place: &Store) -> Result<Created, CliError> {
    let bar = progress::hidden_bar();
    let created = backup::create(source, place, &SystemClock, &|step| progress::follow(&bar, step)).await;
    bar.finish_and_clear();
    Ok(created?)
}

fn summary(created: &Created) -> String {
    let Created { description, copied_file_count, copied_bytes, .. } = created;
    format!(
        "backup {}: {}, {}, {}; copied {}, {}",
        description.name,
        counted(description.databases.len(), "database"),
        counted(description.files.len(), "data file"),
        HumanBytes(description.size_bytes()),
        counted(copied_file_count, "file"),
        HumanBytes(*copied_bytes),
    )
}
