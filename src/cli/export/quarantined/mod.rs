//! `tidegauge export --quarantined`: points from files of a write-ahead log that a server has put aside.
//!
//! ```text
//! files ─ wal::salvage ─▶ records ─▶ survey: what there is, and what cannot be read
//!              │                        │ names, by the manifest of a store
//!              └─ once more ─▶ rows, one retention policy after the other ─▶ text
//! ```
//!
//! Nothing is changed and nothing is locked, so that a server may run on log and store. One file is in memory at a time. What a
//! policy has stays in the order of the log: a later version of a point stands behind the earlier ones.
//!
//! | file | what |
//! |---|---|
//! | [`survey`] | what the files hold |
//! | [`names`] | from the numbers of a record to names, and the statements that make these |

mod names;
mod survey;
#[cfg(test)]
mod tests;

use super::selection::Selected;
use super::text::TextFile;
use super::{Export, Written, ddl};
use crate::cli::error::CliError;
use crate::cli::progress::{self, Unit};
use crate::cli::settings::StorageSettings;
use crate::cli::stopped;
use crate::cli::terminal::{self, counted};
use crate::config::Config;
use crate::manifest::snapshot;
use crate::model::ids::{DatabaseId, PolicyId};
use crate::model::state::State;
use crate::wal::salvage::{self, Source};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use indicatif::ProgressBar;
use names::{Names, Target};
use std::path::PathBuf;
use survey::{Content, Survey};

/// Where records say that they belong.
type Ids = (DatabaseId, PolicyId);

/// Which files are read, and what gives their points names.
#[derive(Debug, Args)]
pub(super) struct QuarantinedArgs {
    /// Read parts of the write-ahead log that a start has put aside, instead of asking a server. PATH is a folder or one
    /// file of it [default: wal/quarantine in --data]
    #[arg(long, value_name = "PATH")]
    quarantined: Option<Option<PathBuf>>,
    /// The database for points whose database or retention policy the store does not know
    #[arg(
        long,
        value_name = "NAME",
        default_value = "quarantined",
        requires = "quarantined",
        value_parser = NonEmptyStringValueParser::new()
    )]
    unknown_database: String,
    /// Take no names from a store: for a log whose own store is lost
    #[arg(long, requires = "quarantined")]
    no_store: bool,
    #[command(flatten)]
    storage: StorageSettings,
}

/// The points of one retention policy.
struct Chosen<'a> {
    ids: Ids,
    target: Target,
    content: &'a Content,
}

impl QuarantinedArgs {
    /// Whether files are read.
    pub(super) fn are_wanted(&self) -> bool {
        self.quarantined.is_some()
    }

    /// Whether a store is named.
    pub(super) fn name_a_store(&self) -> bool {
        self.storage.are_named()
    }

    /// The files to read.
    fn sources(&self, config: &Config) -> Result<Vec<Source>, CliError> {
        let path = match self.quarantined.clone().flatten() {
            Some(path) => path,
            None => salvage::quarantine_of(&config.wal_folder()),
        };
        if !path.exists() {
            return Err(CliError::failed(format!(
                "nothing was put aside in {}: it is not there",
                path.display()
            )));
        }
        let sources = salvage::sources(&path).map_err(CliError::failed)?;
        if sources.is_empty() {
            return Err(CliError::failed(format!("no file in {} is of a write-ahead log", path.display())));
        }
        Ok(sources)
    }
}

impl Export {
    /// Reads the files twice: first to tell what there is, then to write it.
    pub(super) fn export_quarantined(&self, bar: &ProgressBar) -> Result<Written, CliError> {
        let config = self.quarantined.storage.load()?.config;
        let sources = self.quarantined.sources(&config)?;
        let state = if self.quarantined.no_store { None } else { Some(read_state(&config)?) };
        let names = Names::new(state, &self.quarantined.unknown_database);
        let survey = Survey::of(&sources, &names);
        let chosen = self.choose(&survey, &names)?;
        chosen.iter().for_each(|policy| tell(policy, &names));
        progress::show(bar, Unit::Points, chosen.iter().map(|policy| policy.content.row_count).sum());

        let mut file = TextFile::create(&self.out, self.compress)?;
        if !self.lponly {
            file.head(self.selection.times(), &statements(&chosen, &names))?;
        }
        let mut written = Written { parts_lost: survey.lost_count, ..Written::default() };
        for policy in &chosen {
            if !self.lponly {
                file.target(&policy.target.database, &policy.target.policy)?;
                file.versions_follow()?;
            }
            self.write_policy(policy, &sources, &mut file, &mut written, bar)?;
        }
        file.finish()?;
        Ok(written)
    }

    /// The retention policies that are asked for. It is an error to ask for none of those that there are.
    fn choose<'a>(&self, survey: &'a Survey, names: &Names) -> Result<Vec<Chosen<'a>>, CliError> {
        let all = survey.contents.iter();
        let all = all.map(|(ids, content)| Chosen { ids: *ids, target: names.target(*ids), content });
        let (chosen, others): (Vec<_>, Vec<_>) =
            all.partition(|policy| self.selection.has_policy(&policy.target.database, &policy.target.policy));
        if chosen.is_empty() && !others.is_empty() {
            others.iter().for_each(|policy| tell(policy, names));
            return Err(CliError::failed(
                "none of these points are in the database or retention policy that is named",
            ));
        }
        Ok(chosen)
    }

    fn write_policy(
        &self,
        policy: &Chosen<'_>,
        sources: &[Source],
        out: &mut TextFile,
        written: &mut Written,
        bar: &ProgressBar,
    ) -> Result<(), CliError> {
        for at in &policy.content.files {
            let file = sources[*at].read().map_err(CliError::failed)?;
            for record in file.records().filter(|record| record.target() == Some(policy.ids)) {
                // What is no batch is told already.
                let Ok(batch) = record.decode() else { continue };
                for rows in batch.tables.iter().filter(|rows| self.selection.has_measurement(&rows.table)) {
                    let count = out.accepted_rows(rows, self.selection.times())?;
                    written.points += count.lines;
                    written.values_left_out += count.values_left_out;
                }
                bar.inc(batch.row_count() as u64);
            }
        }
        Ok(())
    }
}

/// What the manifest of the store says, beside a server or without one.
fn read_state(config: &Config) -> Result<State, CliError> {
    crate::cli::block_on(async {
        let store = stopped::open_store_for_reading(config)?;
        let snapshot = snapshot::read(&store, 0).await.map_err(CliError::failed)?;
        Ok(snapshot.state)
    })
    .map_err(|error: CliError| {
        CliError::failed(format!(
            "{error}; databases have their names from the store that the log belongs to: name it with --data or \
             --object-store, or go without names with --no-store"
        ))
    })
}

fn statements(chosen: &[Chosen<'_>], names: &Names) -> Vec<String> {
    let selected = chosen.iter().map(|policy| Selected {
        database: &policy.target.database,
        policy: &policy.target.policy,
        measurement: "",
        row_count: policy.content.row_count,
    });
    let selected: Vec<_> = selected.collect();
    ddl::statements(&names.catalog(chosen.iter().map(|policy| &policy.target)), &selected)
}

/// Says what there is of a retention policy, and what somebody should know of its names.
fn tell(policy: &Chosen<'_>, names: &Names) {
    let Chosen { ids: (database_id, policy_id), target, content } = policy;
    let Target { database, policy, is_known } = target;
    let place = format!("{database:?}.{policy:?}");
    let points = counted(content.row_count, "point");
    match (*is_known, names.have_store()) {
        (true, _) => terminal::tell(format_args!("{place}: {points}")),
        (false, true) => terminal::tell(format_args!(
            "{place}: {points} of database {database_id} and retention policy {policy_id}, which the store does not know"
        )),
        (false, false) => terminal::tell(format_args!(
            "{place}: {points} of database {database_id} and retention policy {policy_id}"
        )),
    }
    if *is_known && content.known_row_count == 0 && content.row_count > 0 {
        terminal::tell(format_args!(
            "{place}: none of the measurements of these points is in the store; if the log was another store's, the names are \
             wrong: name that one, or use --no-store"
        ));
    }
}
