//! `tidegauge inspect`: what is in the files of a server, and whether they are whole. Changes nothing, and may
//! run beside a server.
//!
//! | file | what |
//! |---|---|
//! | [`log`] | the write-ahead log |
//! | [`manifest`] | the manifest, and the databases it adds up to |
//! | [`data`] | the data files, against what the manifest says of them |

mod data;
mod log;
mod manifest;
#[cfg(test)]
mod tests;

use super::error::CliError;
use super::settings::StorageSettings;
use super::stopped::open_store;
use super::terminal;
use clap::{Args, ValueEnum};
use std::fmt::Write;

const EXAMPLES: &str = "\
Examples:
  tidegauge inspect --data ./tidegauge-data            everything
  tidegauge inspect --data ./tidegauge-data wal        the write-ahead log only
  tidegauge inspect --data ./tidegauge-data files --verify
                                                       read every row of every data file
  tidegauge inspect --object-store s3://bucket/prefix manifest

It changes nothing. It may run beside a server, which then may be in the middle of writing the last
record.
The exit code is 1 when something is damaged.";

/// Show what is in the write-ahead log, the manifest and the data files, and whether they are whole.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Inspect {
    #[command(flatten)]
    settings: StorageSettings,
    /// Read every row of the data files, not only their footers
    #[arg(long)]
    verify: bool,
    /// What to look at; everything when nothing is named
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// A part of what a server keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The write-ahead log
    Wal,
    /// The manifest: databases, policies, tables, files
    Manifest,
    /// The data files
    Files,
}

/// What was found, as text, and how much of it is damaged.
#[derive(Debug, Default)]
struct Findings {
    text: String,
    damage_count: usize,
}

impl Findings {
    /// A title above what follows.
    fn section(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(title);
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    fn damage(&mut self, what: &str) {
        self.damage_count += 1;
        self.line(&format!("DAMAGED: {what}"));
    }

    fn table<const N: usize>(&mut self, header: [&str; N], numbers: &[usize], rows: Vec<[String; N]>) {
        if rows.is_empty() {
            return;
        }
        let header = header.map(ToOwned::to_owned);
        let rows = rows.into_iter().map(Vec::from);
        self.text.push_str(&terminal::table(&header, rows, |column| numbers.contains(&column)));
    }
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = self.settings.load()?.config;
        let wanted = |part| self.parts.is_empty() || self.parts.contains(&part);
        let mut findings = Findings::default();
        if wanted(Part::Wal) {
            log::inspect(&config.wal_folder(), &mut findings)?;
        }
        if wanted(Part::Manifest) || wanted(Part::Files) {
            super::block_on(async {
                let store = open_store(&config)?;
                let state = manifest::inspect(&store, wanted(Part::Manifest), &mut findings).await?;
                if let Some(state) = state.filter(|_| wanted(Part::Files)) {
                    data::inspect(&store, &state, self.verify, &mut findings).await;
                }
                Ok(())
            })?;
        }
        terminal::print(&findings.text)?;
        match findings.damage_count {
            0 => Ok(()),
            count => Err(CliError::failed(terminal::counted(count, "damaged or missing part"))),
        }
    }
}
