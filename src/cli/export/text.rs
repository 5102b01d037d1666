//! The text of an export, in the form of InfluxDB 1.x's `influx_inspect export`.
//!
//! ```text
//! # INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z
//! # DDL
//! CREATE DATABASE nyc WITH DURATION INF REPLICATION 1 SHARD DURATION 1w NAME autogen
//! # DML
//! # CONTEXT-DATABASE:nyc
//! # CONTEXT-RETENTION-POLICY:autogen
//! weather,origin=EWR temp=39.02,humid=59.37 1356998400000000000
//! ```

use crate::cli::error::CliError;
use crate::encode::line_protocol::{LineCount, LineEncoder, RowLines};
use crate::model::batch::TableRows;
use crate::model::time::TimeRange;
use arrow::array::RecordBatch;
use chrono::{DateTime, SecondsFormat};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A text that is being written.
pub(super) struct TextFile {
    out: Out,
    /// Where the text is, and where it belongs when it is complete.
    moves: Option<(PathBuf, PathBuf)>,
    /// Room for the lines of a batch.
    lines: Vec<u8>,
}

type Raw = BufWriter<Box<dyn Write + Send>>;

enum Out {
    Plain(Raw),
    Gzip(Box<GzEncoder<Raw>>),
}

impl TextFile {
    /// A file at `path`, or standard output for `-`. A file has its name only once it is complete.
    pub(super) fn create(path: &Path, compress: bool) -> Result<Self, CliError> {
        let is_stream = path == Path::new("-") || path.metadata().is_ok_and(|found| !found.is_file());
        let mut moves = None;
        let raw: Box<dyn Write + Send> = if path == Path::new("-") {
            Box::new(std::io::stdout())
        } else {
            let mut place = path.to_owned();
            if !is_stream {
                place.as_mut_os_string().push(".partial");
                moves = Some((place.clone(), path.to_owned()));
            }
            Box::new(File::create(&place).map_err(|source| CliError::file("create", &place, source))?)
        };
        let raw = BufWriter::with_capacity(1 << 18, raw);
        let out = if compress {
            Out::Gzip(Box::new(GzEncoder::new(raw, Compression::default())))
        } else {
            Out::Plain(raw)
        };
        Ok(Self { out, moves, lines: Vec::new() })
    }

    /// What stands before all points.
    pub(super) fn head(&mut self, times: TimeRange, ddl: &[String]) -> Result<(), CliError> {
        let time = |ns| DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let (start, end) = (time(times.start_ns), time(times.end_ns));
        let mut text = format!("# INFLUXDB EXPORT: {start} - {end}\n# DDL\n");
        ddl.iter().for_each(|statement| text.extend([statement, "\n"]));
        text.push_str("# DML\n");
        self.write(text.as_bytes())
    }

    /// Says where the points that follow go.
    pub(super) fn target(&mut self, database: &str, policy: &str) -> Result<(), CliError> {
        let text = format!("# CONTEXT-DATABASE:{database}\n# CONTEXT-RETENTION-POLICY:{policy}\n");
        self.write(text.as_bytes())
    }

    /// Says, as `influx_inspect export` does, that what follows may have several versions of a point, of which the last counts.
    pub(super) fn versions_follow(&mut self) -> Result<(), CliError> {
        self.write(b"# writing wal data\n")
    }

    /// Writes those rows of a write that lie in `times`.
    pub(super) fn accepted_rows(
        &mut self,
        rows: &TableRows,
        times: TimeRange,
    ) -> Result<LineCount, CliError> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        let mut encoder = RowLines::new(rows).map_err(CliError::failed)?;
        let mut count = LineCount::default();
        for (row, time_ns) in rows.times_ns.iter().enumerate() {
            if times.contains(*time_ns) && encoder.push(row, &mut lines) {
                lines.push(b'\n');
                count.lines += 1;
            }
        }
        count.values_left_out = encoder.values_left_out();
        self.write(&lines)?;
        self.lines = lines;
        Ok(count)
    }

    /// Writes the rows of `batch`.
    pub(super) fn rows(&mut self, encoder: &LineEncoder, batch: &RecordBatch) -> Result<LineCount, CliError> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        let count = encoder.encode(batch, &mut lines).map_err(CliError::failed)?;
        self.write(&lines)?;
        self.lines = lines;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let written = match &mut self.out {
            Out::Plain(out) => out.write_all(bytes),
            Out::Gzip(out) => out.write_all(bytes),
        };
        written.map_err(CliError::output)
    }

    /// Completes the text.
    pub(super) fn finish(self) -> Result<(), CliError> {
        let mut out = match self.out {
            Out::Plain(out) => out,
            Out::Gzip(out) => out.finish().map_err(CliError::output)?,
        };
        out.flush().map_err(CliError::output)?;
        drop(out);
        match self.moves {
            None => Ok(()),
            Some((from, to)) => {
                std::fs::rename(&from, &to).map_err(|source| CliError::file("rename", &from, source))
            }
        }
    }
}
