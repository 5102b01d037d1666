//! `tidegauge export`: points of a server as line protocol or Parquet, in a stream.
//!
//! ```text
//! catalog ─ selection ─▶ tables, one after the other ─ Arrow IPC ─▶ batches ─▶ one text file, as `influx_inspect export` writes it
//!                    └─▶ DDL                                              └─▶ a folder of Parquet files for each measurement
//! ```
//!
//! | file | what |
//! |---|---|
//! | [`selection`] | which tables, and over which times |
//! | [`ddl`] | the statements that make databases and retention policies |
//! | [`rows`] | the rows of a table, batch by batch |
//! | [`text`] | line protocol |
//! | [`parquet`] | Parquet |
//! | [`quarantined`] | the same text from a log that a server has put aside |

mod ddl;
mod parquet;
mod quarantined;
mod rows;
mod selection;
#[cfg(test)]
mod tests;
mod text;

pub(super) use parquet::{DATABASE_KEY, DDL_FILE, MEASUREMENT_KEY, POLICY_KEY};

use super::client::ServerArgs;
use super::error::CliError;
use super::progress::{self, Unit};
use super::remote::Remote;
use super::terminal::{self, counted};
use crate::encode::line_protocol::LineEncoder;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use parquet::ParquetFiles;
use quarantined::QuarantinedArgs;
use rows::Rows;
use selection::{Selected, Selection};
use std::path::{Path, PathBuf};
use text::TextFile;

const EXAMPLES: &str = "\
Examples:
  tidegauge export --out all.lp.gz --compress               every database
  tidegauge export -d nyc --out - | less                    to standard output
  tidegauge export -d nyc --rp autogen --measurement weather --out july.lp \\
      --start 2013-07-01T00:00:00Z --end 2013-08-01T00:00:00Z
  tidegauge export -d nyc --format parquet --out nyc/       a folder for each measurement
  tidegauge import all.lp.gz                                the way back, or into another server
  influx -import -path all.lp.gz -compressed                into InfluxDB 1.x
  tidegauge export --quarantined --data ./tidegauge-data --out aside.lp
                                                            what a start has put aside of its log

The points of one measurement are those of one moment; points that are written during the export may
be missing from others.

Points that were put aside come as they were written: deletions are not applied to them, and some may
be in data files already. Read what the command says of them before they are imported. The exit code
is 1 when something of them cannot be read; all others are written.";

/// Write points to a file that `tidegauge import` and InfluxDB's `influx -import` read, or to Parquet files.
///
/// The file is like that of `influx_inspect export`: statements that create databases and retention policies, then line protocol in which
/// comments say where it goes. Users, privileges and continuous queries are not part of it; `tidegauge backup` has these.
///
/// With --quarantined no server is asked. Points are read from parts of the write-ahead log that a start has put aside,
/// because they are damaged or because the store goes on from another log. The store that --data or --object-store names
/// says what their databases are called.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    selection: Selection,
    /// What is written
    #[arg(short, long, value_enum, default_value_t = Format::Lp)]
    format: Format,
    /// Compress the text with gzip
    #[arg(long)]
    compress: bool,
    /// Write points only, without statements and comments
    #[arg(long)]
    lponly: bool,
    /// The file, - for standard output; with --format parquet the folder, which must be empty or new
    #[arg(short, long, value_name = "PATH")]
    out: PathBuf,
    #[command(flatten, next_help_heading = "Points that a server has put aside")]
    quarantined: QuarantinedArgs,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Line protocol
    Lp,
    /// Parquet files
    Parquet,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    points: u64,
    /// Values that the format has no form for.
    values_left_out: u64,
    /// Parts of files of which nothing could be read.
    parts_lost: u64,
}

impl Export {
    pub(super) fn run(self) -> Result<(), CliError> {
        if self.format == Format::Parquet && (self.compress || self.lponly) {
            return Err(CliError::failed("--compress and --lponly are about line protocol"));
        }
        self.check_whom_to_ask()?;
        let bar = progress::hidden_bar();
        let written = if self.quarantined.are_wanted() {
            self.export_quarantined(&bar)
        } else {
            super::block_on(self.export(&bar))
        };
        bar.finish_and_clear();
        let Written { points, values_left_out, parts_lost } = written?;
        terminal::tell(format_args!("{} written", counted(points, "point")));
        if values_left_out > 0 {
            let values = counted(values_left_out, "value");
            terminal::tell(format_args!(
                "{values} left out: line protocol has no form for NaN and infinities"
            ));
        }
        match parts_lost {
            0 => Ok(()),
            count => Err(CliError::failed(format!("{} could not be read", counted(count, "part")))),
        }
    }

    /// Either a server or files are read.
    fn check_whom_to_ask(&self) -> Result<(), CliError> {
        let problem = if !self.quarantined.are_wanted() {
            self.quarantined.name_a_store().then_some(
                "points come from a running server, which --url names; --data, --object-store and --config belong to --quarantined",
            )
        } else if self.format == Format::Parquet {
            Some("--quarantined writes line protocol, no Parquet files")
        } else if self.server.is_named() {
            Some("--quarantined asks no server: name the store of the log with --data or --object-store")
        } else {
            None
        };
        problem.map_or(Ok(()), |problem| Err(CliError::failed(problem)))
    }

    async fn export(&self, bar: &ProgressBar) -> Result<Written, CliError> {
        let remote = Remote::new(&self.server)?;
        let catalog = remote.catalog().await?;
        let selected = self.selection.choose(&catalog)?;
        progress::show(bar, Unit::Points, selected.iter().map(|table| table.row_count).sum());
        let ddl = ddl::statements(&catalog, &selected);
        match self.format {
            Format::Lp => self.export_text(&remote, &selected, &ddl, bar).await,
            Format::Parquet => self.export_parquet(&remote, &selected, &ddl, bar).await,
        }
    }

    async fn export_text(
        &self,
        remote: &Remote,
        selected: &[Selected<'_>],
        ddl: &[String],
        bar: &ProgressBar,
    ) -> Result<Written, CliError> {
        let mut file = TextFile::create(&self.out, self.compress)?;
        if !self.lponly {
            file.head(self.selection.times(), ddl)?;
        }
        let mut target = None;
        let mut written = Written::default();
        for table in selected {
            let of_table = Some((table.database, table.policy));
            if target != of_table && !self.lponly {
                file.target(table.database, table.policy)?;
            }
            target = of_table;
            let mut rows = Rows::of(remote, table, self.selection.times()).await?;
            let encoder = LineEncoder::new(table.measurement, rows.schema()).map_err(CliError::failed)?;
            while let Some(batch) = rows.next().await? {
                let count = file.rows(&encoder, &batch)?;
                written.points += count.lines;
                written.values_left_out += count.values_left_out;
                bar.inc(batch.num_rows() as u64);
            }
        }
        file.finish()?;
        Ok(written)
    }

    async fn export_parquet(
        &self,
        remote: &Remote,
        selected: &[Selected<'_>],
        ddl: &[String],
        bar: &ProgressBar,
    ) -> Result<Written, CliError> {
        refuse_content(&self.out)?;
        let mut written = Written::default();
        for table in selected {
            let mut files = ParquetFiles::new(&self.out, table);
            let mut rows = Rows::of(remote, table, self.selection.times()).await?;
            while let Some(batch) = rows.next().await? {
                files.write(&batch)?;
                written.points += batch.num_rows() as u64;
                bar.inc(batch.num_rows() as u64);
            }
            files.finish()?;
        }
        // Last: a folder with it is complete.
        parquet::write_ddl(&self.out, ddl)?;
        Ok(written)
    }
}

/// Files of another export among ours would be imported with them.
fn refuse_content(folder: &Path) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(|source| CliError::file("make the folder", folder, source))?;
    let mut entries = std::fs::read_dir(folder).map_err(|source| CliError::file("read", folder, source))?;
    if entries.next().is_some() {
        return Err(CliError::failed(format!("the folder {} is not empty", folder.display())));
    }
    Ok(())
}
