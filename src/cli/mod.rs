//! Layer 6: the command line. One file or folder for each subcommand.
//!
//! `serve` runs the server of [`crate::app`], `inspect` reads its files, `config` explains its settings. `backup` and
//! `restore` speak to a server or work on the files of a stopped one. The others (`query`, `write`, `import`, `export`) are
//! clients: they speak HTTP and Flight to a server, and know nothing of the engine; `export` also reads a log that was put aside.

mod backup;
mod client;
mod config;
mod error;
mod export;
mod import;
mod inspect;
mod place;
mod progress;
mod query;
mod remote;
mod restore;
mod serve;
mod settings;
mod stopped;
mod terminal;
mod write;

use clap::{Parser, Subcommand};
use error::CliError;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  tidegauge serve                                  on 127.0.0.1:8086, data in ./tidegauge-data
  tidegauge query 'CREATE DATABASE nyc'            one statement
  tidegauge import -d nyc testdata/weather/weather.lp
  tidegauge query -d nyc 'SELECT max(wind_gust) FROM weather GROUP BY origin'
  tidegauge query -d nyc --sql 'SELECT origin, count(*) FROM weather GROUP BY origin'
  tidegauge query -d nyc                           an interactive shell
  tidegauge export -d nyc --out nyc.lp.gz --compress
  tidegauge backup --to /backups/nyc               a running server's data, copied while it runs
  tidegauge restore --from /backups/nyc --data ./restored
  tidegauge inspect --data ./tidegauge-data        what the files hold, and if they are whole
  tidegauge config                                 every setting, with its value and its meaning

`tidegauge COMMAND --help` shows more of each.";

/// A time-series database in one binary for the clients of InfluxDB: line protocol, InfluxQL, SQL over Arrow Flight.
#[derive(Debug, Parser)]
#[command(name = "tidegauge", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Query(query::Query),
    Write(write::Write),
    Import(import::Import),
    Export(export::Export),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Inspect(inspect::Inspect),
    Config(config::PrintConfig),
}

/// Runs the command that the arguments of this process name. 0 = done, 1 = failed, 2 = wrong arguments.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(command) => command.run(),
        Command::Query(command) => command.run(),
        Command::Write(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Config(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has enough of it (`tidegauge query … | head`).
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            terminal::tell(format_args!("tidegauge: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a client or server command.
fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // A server answers small questions on these threads.
        .thread_stack_size(crate::query::STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|source| CliError::io("start the threads", source))?;
    let outcome = runtime.block_on(future);
    // A thread that waits for standard input cannot be woken up.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests;
