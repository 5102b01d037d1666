//! `tidegauge import`: a file of any size, in batches, several of them on their way at a time.
//!
//! ```text
//! file ─ gzip? ─▶ source (lines, DDL and DML) ─▶ batches ─▶ up to N requests at a time ─▶ report
//! ```
//!
//! | file | what |
//! |---|---|
//! | [`source`] | the file as statements and batches of whole lines |
//! | [`report`] | what the server refused, with the lines it came from |

mod report;
mod source;
#[cfg(test)]
mod tests;

use super::client::{Client, ServerArgs, Written};
use super::error::CliError;
use super::write::TargetArgs;
use clap::Args;
use flate2::bufread::MultiGzDecoder;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::Report;
use source::{Batch, Item, Source};
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

const EXAMPLES: &str = "\
Examples:
  tidegauge import -d nyc testdata/weather/weather.lp
  tidegauge import -d mydb --precision s points.lp.gz
  tidegauge import export.txt      a file of `influx_inspect export`, which names its databases itself
  zstd -dc points.lp.zst | tidegauge import -d mydb -

Where a file has the same point twice, the later one wins only with --in-flight 1.";

/// Batches that are read ahead of the requests.
const BATCHES_AHEAD: usize = 4;

/// Write a file of line protocol, plain or gzip.
///
/// The file may start with the sections `# DDL` and `# DML` of `influx -import`: statements of the first are
/// run, `# CONTEXT-DATABASE:` and `# CONTEXT-RETENTION-POLICY:` in the second say where points go.
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
    /// Requests on their way at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    in_flight: u32,
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Import {
    pub(super) fn run(self) -> Result<(), CliError> {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(ProgressDrawTarget::hidden());
        let input = open(&self.file, &bar)?;
        let source = Source::new(input, self.target.clone(), self.batch_lines as usize);
        let client = Client::new(&self.server)?;
        let report = super::block_on(send_all(client, source, self.in_flight as usize));
        bar.finish_and_clear();
        let report = report?;
        eprintln!("{}", report.summary());
        if report.refused_count() == 0 { Ok(()) } else { Err(CliError::failed("not everything was stored")) }
    }
}

/// The file's text, unpacked when it starts like gzip. The bar follows the bytes of the file itself.
fn open(path: &Path, bar: &ProgressBar) -> Result<Box<dyn BufRead + Send>, CliError> {
    let raw: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let file = std::fs::File::open(path).map_err(|source| CliError::file("open", path, source))?;
        let length = file.metadata().map_err(|source| CliError::file("open", path, source))?.len();
        if std::io::stderr().is_terminal() {
            bar.set_length(length);
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_style(progress_style());
        }
        Box::new(bar.wrap_read(file))
    };
    let mut raw = BufReader::with_capacity(1 << 16, raw);
    let start = raw.fill_buf().map_err(|source| CliError::file("read", path, source))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(raw))));
    }
    Ok(Box::new(raw))
}

fn progress_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Reads on a thread of its own, sends up to `in_flight` batches at a time. A statement waits for all
/// points before it, and points for the statements before them.
async fn send_all<R: BufRead + Send + 'static>(
    client: Client,
    mut source: Source<R>,
    in_flight: usize,
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
                if running.len() == in_flight
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
                let failed = |error| CliError::failed(format!("line {line}: {error}"));
                let answer =
                    client.query(&text, &[], "application/json").await.map_err(|e| failed(e.to_string()))?;
                let body = answer.text().await.map_err(|e| failed(e.to_string()))?;
                if let Some(error) = statement_error(&body) {
                    return Err(failed(error));
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
    let written = client.write(&batch.target, batch.text.clone()).await.map_err(|error| {
        CliError::failed(format!("lines {} to {}: {error}", batch.line_first, batch.line_last))
    })?;
    Ok((batch, written))
}

/// The error of the one statement that was sent.
fn statement_error(body: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(body).ok()?;
    let error = answer.get("error").or_else(|| answer.pointer("/results/0/error"))?;
    error.as_str().map(ToOwned::to_owned)
}
