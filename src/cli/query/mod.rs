//! `tidegauge query`: one query, or a shell.
//!
//! | file | what |
//! |---|---|
//! | [`session`] | language, database, form of output: what a query is run with |
//! | [`influxql`] | InfluxQL over HTTP, and its answers as tables |
//! | [`sql`] | SQL over Flight, and its batches as tables, CSV and JSON |
//! | [`shell`] | the interactive shell: history, commands, statements over several lines |

mod influxql;
mod session;
mod shell;
mod sql;
#[cfg(test)]
mod tests;

use super::client::{Client, ServerArgs};
use super::error::CliError;
use clap::Args;
use session::{Format, Language, Session};
use std::io::{IsTerminal, Read};

const EXAMPLES: &str = "\
Examples:
  tidegauge query 'SHOW DATABASES'
  tidegauge query -d nyc 'SELECT mean(temp) FROM weather GROUP BY time(30d), origin'
  tidegauge query -d nyc -f csv --precision s 'SELECT * FROM weather LIMIT 10'
  tidegauge query -d nyc --sql 'SELECT origin, max(temp) FROM weather GROUP BY origin'
  echo 'SHOW MEASUREMENTS' | tidegauge query -d nyc
  tidegauge query -d nyc        start a shell; `help` lists its commands";

/// Run a query, or start an interactive shell.
///
/// InfluxQL goes over HTTP, SQL (--sql) over Flight SQL; both use the same port.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Query {
    #[command(flatten)]
    server: ServerArgs,
    /// The database that names without one mean
    #[arg(short, long, value_name = "NAME")]
    database: Option<String>,
    /// The retention policy that names without one mean, instead of the database's default (InfluxQL)
    #[arg(long = "rp", value_name = "NAME")]
    policy: Option<String>,
    /// How results are printed
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// How InfluxQL's times are printed: as text or as a number of this unit
    #[arg(short, long, value_parser = session::PRECISIONS, default_value = "rfc3339")]
    precision: String,
    /// The query is SQL
    #[arg(long)]
    sql: bool,
    /// The query; without one a shell starts, or the query is read from standard input
    #[arg(value_name = "QUERY")]
    query: Option<String>,
}

impl Query {
    pub(super) fn run(self) -> Result<(), CliError> {
        let mut session = Session {
            client: Client::new(&self.server)?,
            server: self.server,
            language: if self.sql { Language::Sql } else { Language::Influxql },
            database: self.database,
            policy: self.policy,
            format: self.format,
            precision: self.precision,
        };
        let text = match self.query {
            Some(text) => text,
            None if std::io::stdin().is_terminal() => return shell::run(&mut session),
            None => {
                let mut text = String::new();
                std::io::stdin()
                    .lock()
                    .read_to_string(&mut text)
                    .map_err(|source| CliError::io("read standard input", source))?;
                text
            }
        };
        super::block_on(async move { session.run(&text).await })
    }
}
