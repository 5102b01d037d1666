//! `tidegauge import`: a file of any size, in batches, several of them on their way at a time.
//!
//! ```text
//! file ─ gzip? ─▶ source (lines, DDL and DML) ─┬▶ statements, batches ─▶ up to N requests at a time ─▶ report
//! Parquet files ─▶ rows ─▶ line protocol ──────┘
//! ```
//!
//! | file | what |
//! |---|---|
//! | [`source`] | a text as statements and batches of whole lines |
//! | [`statement`] | running a statement |
//! | [`parquet`] | Parquet files that `tidegauge export` wrote, as the same |
//! | [`report`] | what the server refused, with the lines it came from |

mod parquet;
mod report;
mod source;
mod statement;
#[cfg(test)]
mod tests;

use super::client::{Client, ServerArgs, Written};
use super::error::CliError;
use super::progress::{self, Unit};
use super::terminal;
use super::write::TargetArgs;
use clap::Args;
use flate2::bufread::MultiGzDecoder;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use indicatif::ProgressBar;
use parquet::ParquetSource;
use report::Report;
use source::{Batch, Item, Source};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

const EXAMPLES: &str = "\
Examples:
  tidegauge import -d nyc testdata/weather/weather.lp
  tidegauge import -d mydb --precision s points.lp.gz
  tidegauge import export.txt      of `tidegauge export` or `influx_inspect export`: it names databases
  tidegauge import nyc/            of `tidegauge export --format parquet`: all of the folder, or a part
  zstd -dc points.lp.zst | tidegauge import -d mydb -

Where another file has the same point twice, the later one wins only with --in-flight 1.";

/// Requests on their way at a time, unless told otherwise.
const IN_FLIGHT: usize = 4;

/// Batches that are read ahead of the requests.
const BATCHES_AHEAD: usize = 4;

/// Write a file of line protocol, plain or gzip, or Parquet files of an export.
///
/// A text may start with the sections `# DDL` and `# DML` of `influx -import`: statements of the first are
/// run, `# CONTEXT-DATABASE:` and `# CONTEXT-RETENTION-POLICY:` in the second say where points go. As there, a statement that fails
/// does not keep the points from being written.
///
/// Parquet files say themselves where their points go; --database and --rp override it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Lines of one request
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    batch_lines: u32,
    /// Requests that are under way at a time [default: 4, but 1 for text of `influx_inspect export`, which may hold a point
    /// twice, the newer one later]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    in_flight: Option<u32>,
    /// The file, or a folder of Parquet files; - is standard input
    #[arg(value_name = "PATH")]
    file: PathBuf,
}

/// Where statements and batches come from.
trait Items: Send {
    /// The next one, in order; `None` at the end.
    fn next_item(&mut self) -> Result<Option<Item>, CliError>;
}

impl<R: BufRead + Send> Items for Source<R> {
    fn next_item(&mut self) -> Result<Option<Item>, CliError> {
        Source::next_item(self)
    }
}

impl Import {
    pub(super) fn run(self) -> Result<(), CliError> {
        let bar = progress::hidden_bar();
        let batch_lines = self.batch_lines as usize;
        let items: Box<dyn Items> = if parquet::is_parquet(&self.file)? {
            Box::new(ParquetSource::open(&self.file, self.target.clone(), batch_lines, &bar)?)
        } else {
            Box::new(Source::new(open(&self.file, &bar)?, self.target.clone(), batch_lines))
        };
        let client = Client::new(&self.server)?;
        let report = super::block_on(send_all(client, items, self.in_flight.map(|n| n as usize)));
        bar.finish_and_clear();
        let report = report?;
        terminal::tell(report.summary());
        if report.is_complete() { Ok(()) } else { Err(CliError::failed("not everything was stored")) }
    }
}

/// The file's text, unpacked when it starts like gzip. The bar follows the bytes of the file itself.
fn open(path: &Path, bar: &ProgressBar) -> Result<Box<dyn BufRead + Send>, CliError> {
    let raw: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let file = std::fs::File::open(path).map_err(|source| CliError::file("open", path, source))?;
        let length = file.metadata().map_err(|source| CliError::file("open", path, source))?.len();
        progress::show(bar, Unit::Bytes, length);
        Box::new(bar.wrap_read(file))
    };
    let mut raw = BufReader::with_capacity(1 << 16, raw);
    let start = raw.fill_buf().map_err(|source| CliError::file("read", path, source))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(raw))));
    }
    Ok(Box::new(raw))
}

/// Reads on a thread of its own, sends up to `in_flight` batches at a time. A statement waits for all
/// points before it, and points for the statements before them.
async fn send_all(
    client: Client,
    mut source: Box<dyn Items>,
    in_flight: Option<usize>,
) -> Result<Report, CliError> {
    let (sender, mut items) = mpsc::channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || {
        while let Some(item) = source.next_item().transpose() {
            let is_last = item.is_err();
            // The receiver is gone when sending failed: there is nobody to read for.
            if sender.blocking_send(item).is_err() || is_last {
                return;
            }
        }
    });
    let mut report = Report::default();
    let mut running = FuturesUnordered::new();
    while let Some(item) = items.recv().await {
        match item? {
            Item::Batch(batch) => {
                let running_max = in_flight.unwrap_or(if batch.is_ordered { 1 } else { IN_FLIGHT });
                while running.len() >= running_max
                    && let Some(done) = running.next().await
                {
                    report.add(done?);
                }
                running.push(write(&client, batch).boxed());
            }
            Item::Statement { line, text } => {
                while let Some(done) = running.next().await {
                    report.add(done?);
                }
                match statement::run(&client, &text).await? {
                    None => {}
                    Some(error) => report.add_failed_statement(line, &text, &error),
                }
            }
        }
    }
    while let Some(done) = running.next().await {
        report.add(done?);
    }
    Ok(report)
}

async fn write(client: &Client, batch: Batch) -> Result<(Batch, Written), CliError> {
    let written = client.write(&batch.target, batch.text.clone()).await;
    let written = written.map_err(|error| CliError::failed(format!("{}: {error}", batch.lines())))?;
    Ok((batch, written))
}
