//! What a query is run with. The shell changes it between queries.

use super::{influxql, sql};
use crate::cli::client::{Client, ServerArgs};
use crate::cli::error::CliError;
use clap::ValueEnum;

/// How InfluxQL's times can be asked for.
pub(super) const PRECISIONS: [&str; 7] = ["rfc3339", "ns", "u", "ms", "s", "m", "h"];

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Tables for people
    Table,
    /// Comma-separated values
    Csv,
    /// JSON: InfluxQL's own answer, or an array of rows
    Json,
}

/// The language of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// InfluxQL, over HTTP.
    Influxql,
    /// SQL, over Flight SQL.
    Sql,
}

/// A server and how to speak to it.
#[derive(Debug)]
pub(super) struct Session {
    /// For HTTP.
    pub(super) client: Client,
    /// For Flight.
    pub(super) server: ServerArgs,
    /// The language of queries.
    pub(super) language: Language,
    /// The database that names without one mean.
    pub(super) database: Option<String>,
    /// The retention policy that names without one mean; `None` = the default one.
    pub(super) policy: Option<String>,
    /// How results are printed.
    pub(super) format: Format,
    /// One of [`PRECISIONS`].
    pub(super) precision: String,
}

impl Session {
    /// Runs a query and prints its result. A failing statement is printed among the others and makes
    /// the whole fail.
    pub(super) async fn run(&self, text: &str) -> Result<(), CliError> {
        match self.language {
            Language::Influxql => influxql::run(self, text).await,
            Language::Sql => sql::run(self, text).await,
        }
    }
}
