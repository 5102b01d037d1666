//! A file as statements and batches of whole lines.
//!
//! A line ends at its newline, except inside a quoted string of a field and after a backslash: such lines stay
//! together, as the server reads them. Which server that is, and what it says, is not known here.

use crate::cli::client::Target;
use crate::cli::error::CliError;
use crate::cli::write::TargetArgs;
use bytes::Bytes;
use std::io::BufRead;

/// A batch that has reached this size gets no further line, so that long lines do not make a request that the server
/// refuses as too large (25 MB).
pub(super) const BATCH_BYTES: usize = 4_000_000;

/// A longer line counts as broken: a quote must be missing, so that the rest of the file would be one string.
const LINE_BYTES_MAX: usize = 24_000_000;

/// What a file says to do next.
#[derive(Debug)]
pub(super) enum Item {
    /// Run a statement of the section DDL.
    Statement {
        /// The line it stands in, from 1.
        line: u64,
        /// Its text.
        text: String,
    },
    /// Write points.
    Batch(Batch),
}

/// Lines that go to one target.
#[derive(Debug)]
pub(super) struct Batch {
    /// Where the points go.
    pub(super) target: Target,
    /// The lines.
    pub(super) text: Bytes,
    /// The first line's number, from 1.
    pub(super) line_first: u64,
    /// The last line's number.
    pub(super) line_last: u64,
    /// Points: lines that are neither blank nor comments.
    pub(super) point_count: u64,
    /// Whether points may stand in the file twice, the newer ones later: batches must be written in their order.
    pub(super) is_ordered: bool,
}

impl Batch {
    /// Where its lines stand: `line 3`, `lines 3 to 7`.
    pub(super) fn lines(&self) -> String {
        let Self { line_first, line_last, .. } = self;
        if line_first == line_last {
            format!("line {line_first}")
        } else {
            format!("lines {line_first} to {line_last}")
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Statements,
    Points,
}

/// Reads a file. See [`Source::next_item`].
pub(super) struct Source<R> {
    input: R,
    section: Section,
    /// What the arguments say; the file's context overrides it.
    target: TargetArgs,
    batch_lines: usize,
    /// Whether it comes from files of InfluxDB, as a comment says: these may hold several versions of a point.
    is_ordered: bool,
    /// Lines read so far.
    line: u64,
    pending: Pending,
    /// A statement that was read while points before it were pending.
    statement: Option<Item>,
}

#[derive(Default)]
struct Pending {
    text: Vec<u8>,
    line_first: u64,
    line_last: u64,
    point_count: u64,
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(input: R, target: TargetArgs, batch_lines: usize) -> Self {
        Self {
            input,
            section: Section::Points,
            target,
            batch_lines,
            is_ordered: false,
            line: 0,
            pending: Pending::default(),
            statement: None,
        }
    }

    /// The next statement or batch, in the order of the file; `None` at its end.
    pub(super) fn next_item(&mut self) -> Result<Option<Item>, CliError> {
        if let Some(statement) = self.statement.take() {
            return Ok(Some(statement));
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            let line_first = self.line + 1;
            if !self.read_line(&mut line)? {
                return self.take_batch();
            }
            let text = line.trim_ascii();
            if text.starts_with(b"#") {
                // A comment may change where the points that follow go.
                let batch = if self.changes_target(text) { self.take_batch()? } else { None };
                self.read_comment(text);
                if batch.is_some() {
                    return Ok(batch);
                }
            } else if text.is_empty() {
            } else if self.section == Section::Statements {
                let text = String::from_utf8_lossy(text).into_owned();
                let statement = Item::Statement { line: line_first, text };
                return match self.take_batch()? {
                    None => Ok(Some(statement)),
                    batch => {
                        self.statement = Some(statement);
                        Ok(batch)
                    }
                };
            } else {
                self.pending.add(&line, line_first, self.line);
                if self.pending.point_count >= self.batch_lines as u64
                    || self.pending.text.len() >= BATCH_BYTES
                {
                    return self.take_batch();
                }
            }
        }
    }

    /// Reads a whole line with its newline; false at the end.
    fn read_line(&mut self, line: &mut Vec<u8>) -> Result<bool, CliError> {
        let mut end = LineEnd::default();
        loop {
            let start = line.len();
            let count = self
                .input
                .read_until(b'\n', line)
                .map_err(|source| CliError::io(format!("read behind line {}", self.line), source))?;
            if count == 0 {
                return Ok(!line.is_empty());
            }
            self.line += 1;
            let is_comment = line.trim_ascii_start().starts_with(b"#");
            if is_comment || self.section == Section::Statements || end.advance(&line[start..]) {
                return Ok(true);
            }
            if line.len() > LINE_BYTES_MAX {
                return Err(CliError::failed(format!(
                    "line {} is longer than {LINE_BYTES_MAX} bytes; a closing quote may be missing",
                    self.line
                )));
            }
        }
    }

    fn changes_target(&self, comment: &[u8]) -> bool {
        !self.pending.text.is_empty() && Context::read(comment).is_some()
    }

    fn read_comment(&mut self, comment: &[u8]) {
        match Context::read(comment) {
            Some(Context::Section(section)) => self.section = section,
            Some(Context::Database(name)) => {
                self.target.database = Some(name);
                self.target.policy = None;
            }
            Some(Context::Policy(name)) => self.target.policy = Some(name),
            Some(Context::StoredFiles) => self.is_ordered = true,
            None => {}
        }
    }

    fn take_batch(&mut self) -> Result<Option<Item>, CliError> {
        if self.pending.point_count == 0 {
            return Ok(None);
        }
        let Pending { text, line_first, line_last, point_count } = std::mem::take(&mut self.pending);
        let target = self.target.target().ok_or_else(|| {
            CliError::failed(format!(
                "line {line_first}: name a database with --database, the file names none"
            ))
        })?;
        let (text, is_ordered) = (text.into(), self.is_ordered);
        Ok(Some(Item::Batch(Batch { target, text, line_first, line_last, point_count, is_ordered })))
    }
}

impl Pending {
    fn add(&mut self, line: &[u8], line_first: u64, line_last: u64) {
        if self.point_count == 0 {
            self.line_first = line_first;
        }
        self.line_last = line_last;
        self.point_count += 1;
        self.text.extend_from_slice(line);
    }
}

/// What a comment of `influx -import` or `influx_inspect export` says.
enum Context {
    Section(Section),
    Database(String),
    Policy(String),
    /// What follows was read from files of InfluxDB, from old to new.
    StoredFiles,
}

impl Context {
    fn read(comment: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(comment).ok()?.strip_prefix('#')?.trim();
        let after = |key: &str| text.strip_prefix(key).map(|name| name.trim().to_owned());
        match text {
            "DDL" => Some(Self::Section(Section::Statements)),
            "DML" => Some(Self::Section(Section::Points)),
            "writing tsm data" | "writing wal data" => Some(Self::StoredFiles),
            _ => after("CONTEXT-DATABASE:")
                .map(Self::Database)
                .or_else(|| after("CONTEXT-RETENTION-POLICY:").map(Self::Policy)),
        }
    }
}

/// Finds out whether a newline ends a line, as InfluxDB 1.x does: quotes count behind the first space, where
/// a value starts.
#[derive(Default)]
struct LineEnd {
    in_fields: bool,
    quoted: bool,
    escaped: bool,
    equals: u64,
    commas: u64,
}

impl LineEnd {
    /// Reads on; true when these bytes end with the line's newline.
    fn advance(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            if std::mem::take(&mut self.escaped) {
                continue;
            }
            match byte {
                b'\\' => self.escaped = true,
                b' ' => self.in_fields = true,
                b'=' if self.in_fields && !self.quoted => self.equals += 1,
                b',' if self.in_fields && !self.quoted => self.commas += 1,
                b'"' if self.in_fields && self.equals > self.commas => self.quoted = !self.quoted,
                b'\n' if !self.quoted => return true,
                _ => {}
            }
        }
        false
    }
}
