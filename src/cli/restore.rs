//! `tidegauge restore`: from a place for backups to the data of a server.

use super::client::ServerArgs;
use super::error::CliError;
use super::place::PlaceOptions;
use super::progress;
use super::remote::Remote;
use super::settings::StorageSettings;
use super::stopped::{self, Empty};
use super::terminal::{self, counted};
use crate::backup::{self, BackupError, Description, Recipient};
use crate::object::Store;
use clap::Args;
use indicatif::{HumanBytes, ProgressBar};

const EXAMPLES: &str = "\
Examples:
  tidegauge restore --from /backups/nyc --list              the backups of a place
  tidegauge restore --from /backups/nyc --check             compare every byte of the newest
  tidegauge restore --from /backups/nyc --data ./restored   all, into a folder without data; then
  tidegauge serve --data ./restored
  tidegauge restore --from /backups/nyc --database nyc      one, into the server on 127.0.0.1:8086
  tidegauge restore --from /backups/nyc --database nyc --as nyc_then --url http://db1:8086
  tidegauge restore --from s3://bucket/nyc --option region=eu-central-1 --data ./restored \\
      --backup 20240301T120000.000Z

Every file is compared with its checksum before it counts. A restore that fails leaves no database
behind, and can be begun anew.";

/// Restore everything into an empty folder or object store, or one database into a server.
///
/// Without --database all databases, users and continuous queries are restored where no server has been yet. With it, one database is
/// added to a running server, or with --data, --object-store or --config to a stopped one, which need not have been started yet.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Restore {
    /// Where the backups lie: a folder, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix
    #[arg(long, value_name = "URL")]
    from: String,
    /// Which backup, instead of the newest
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
    /// List the backups and end
    #[arg(long, conflicts_with_all = ["backup", "check", "database"])]
    list: bool,
    /// Read and compare every file of the backup and end
    #[arg(long, conflicts_with = "database")]
    check: bool,
    /// Restore this database only
    #[arg(short, long, value_name = "NAME")]
    database: Option<String>,
    /// Restore the database under this name; its continuous queries and subscriptions are left out then
    #[arg(long = "as", value_name = "NAME", requires = "database")]
    new_name: Option<String>,
    #[command(flatten)]
    place: PlaceOptions,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten, next_help_heading = "A stopped server")]
    storage: StorageSettings,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), CliError> {
        super::block_on(async move {
            let place = self.place.open_for_reading(&self.from)?;
            if self.list {
                return terminal::print(&list(&place).await?);
            }
            let backup = match &self.backup {
                Some(name) => backup::open(&place, name).await?,
                None => backup::newest(&place).await?,
            };
            let bar = progress::hidden_bar();
            let done = self.restore(&place, &backup, &bar).await;
            bar.finish_and_clear();
            terminal::tell(done?);
            Ok(())
        })
    }

    /// Does it; returns what to say about it.
    async fn restore(
        &self,
        place: &Store,
        backup: &Description,
        bar: &ProgressBar,
    ) -> Result<String, CliError> {
        let follow = |step| progress::follow(bar, step);
        let what = format!(
            "backup {}: {}, {}",
            backup.name,
            counted(backup.files.len(), "data file"),
            HumanBytes(backup.size_bytes())
        );
        if self.check {
            backup::check(place, backup, &follow).await?;
            return Ok(format!("{what}; every byte is as it was written"));
        }
        if let Some(database) = &self.database {
            return self.restore_database(place, backup, database, bar).await;
        }
        if self.server.is_named() && !self.storage.are_named() {
            return Err(CliError::failed(
                "a whole backup is restored where no server has been, not into one that runs: name the place with --data, \
                 --object-store or --config, or a single database for the server with --database",
            ));
        }
        let config = self.storage.load()?.config;
        let empty = Empty::make(&config)?;
        backup::restore(place, backup, &empty.store, &follow).await?;
        Ok(format!("{what}; restored into {}", empty.store.url()))
    }

    async fn restore_database(
        &self,
        place: &Store,
        backup: &Description,
        database: &str,
        bar: &ProgressBar,
    ) -> Result<String, CliError> {
        let names = (database, self.new_name.as_deref().unwrap_or(database));
        if !self.storage.are_named() {
            let remote = Remote::new(&self.server)?;
            return Ok(restore_into(&remote, place, backup, names, bar).await?);
        }
        // Before a store is made for nothing.
        backup.check_has(database)?;
        let engine = stopped::engine(&self.storage.load()?.config).await?;
        let restored = restore_into(engine.as_ref(), place, backup, names, bar).await;
        stopped::close(&engine).await?;
        Ok(restored?)
    }
}

async fn restore_into(
    recipient: &dyn Recipient,
    place: &Store,
    backup: &Description,
    (database, name): (&str, &str),
    bar: &ProgressBar,
) -> Result<String, BackupError> {
    let follow = |step| progress::follow(bar, step);
    let image = backup::restore_database(place, backup, (database, name), recipient, &follow).await?;
    let rows: u64 = image.files.iter().map(|file| file.row_count).sum();
    Ok(format!(
        "database {name}: {}, {} in {}, from backup {}",
        counted(image.tables.len(), "measurement"),
        counted(rows, "point"),
        counted(image.files.len(), "data file"),
        backup.name
    ))
}

/// The backups of a place as a table.
async fn list(place: &Store) -> Result<String, CliError> {
    let mut rows = Vec::new();
    for name in backup::list(place).await? {
        rows.push(match backup::open(place, &name).await {
            Ok(backup) => vec![
                name,
                backup.databases.join(", "),
                backup.files.len().to_string(),
                HumanBytes(backup.size_bytes()).to_string(),
                backup.made_by,
            ],
            Err(error) => vec![name, error.to_string(), String::new(), String::new(), String::new()],
        });
    }
    if rows.is_empty() {
        return Ok(format!("there is no backup in {}\n", place.url()));
    }
    let header = ["backup", "databases", "files", "size", "made by"].map(ToOwned::to_owned);
    Ok(terminal::table(&header, rows, |column| column == 2 || column == 3))
}
