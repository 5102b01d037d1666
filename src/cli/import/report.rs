//! What the server refused, with the lines of the file it came from.
//!
//! The server names the text of a bad line, or the measurement and field of a point that does not fit. The
//! text is looked up in the batch; for the others the batch's lines are named.

use super::source::Batch;
use crate::cli::client::Written;
use crate::cli::terminal::{self, counted};
use std::collections::HashMap;

/// Refusals that are printed. More would only scroll the first ones away.
const PRINTED_MAX: u64 = 50;

const PARTIAL: &str = "partial write: ";
const UNPARSABLE: &str = "unable to parse '";

/// Counts what was stored and refused, and prints each refusal to standard error.
#[derive(Debug, Default)]
pub(super) struct Report {
    stored: u64,
    refused: u64,
    failed_statements: u64,
    printed: u64,
}

impl Report {
    /// Takes in the answer to a batch.
    pub(super) fn add(&mut self, (batch, written): (Batch, Written)) {
        let Written::Refused(message) = written else {
            self.stored += batch.point_count;
            return;
        };
        let refusal = Refusal::read(&message, &batch);
        self.refused += refusal.count;
        self.stored += batch.point_count - refusal.count;
        for line in refusal.lines {
            self.printed += 1;
            match self.printed {
                ..=PRINTED_MAX => terminal::tell(line),
                n if n == PRINTED_MAX + 1 => terminal::tell("(further refusals are only counted)"),
                _ => {}
            }
        }
    }

    /// Takes in that a statement failed. What it should have made may be there already, so that the points come through.
    pub(super) fn add_failed_statement(&mut self, line: u64, statement: &str, error: &str) {
        self.failed_statements += 1;
        terminal::tell(format_args!("line {line}: {statement}: {error}"));
    }

    /// Whether everything was run and stored.
    pub(super) fn is_complete(&self) -> bool {
        self.refused == 0 && self.failed_statements == 0
    }

    /// One line about everything.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("{} written", counted(self.stored, "point"));
        if self.refused > 0 {
            text.push_str(&format!(", {} refused", self.refused));
        }
        if self.failed_statements > 0 {
            text.push_str(&format!(", {} failed", counted(self.failed_statements, "statement")));
        }
        text
    }
}

/// The server's words about one batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Points that were not stored.
    pub(super) count: u64,
    /// What to print, one line each.
    pub(super) lines: Vec<String>,
}

impl Refusal {
    pub(super) fn read(message: &str, batch: &Batch) -> Self {
        let partial = message.strip_prefix(PARTIAL);
        let (text, dropped) = split_dropped(partial.unwrap_or(message));
        let mut numbers: Option<HashMap<&[u8], u64>> = None;
        let mut unparsable_count = unnamed_count(text);
        let mut lines = Vec::new();
        for part in text.split('\n').filter(|part| !part.trim().is_empty()) {
            if part.starts_with(UNPARSABLE) {
                unparsable_count += 1;
            }
            let numbers = numbers.get_or_insert_with(|| line_numbers(batch));
            lines.push(match quoted_line(part).and_then(|line| numbers.get(line.as_bytes())) {
                Some(number) => format!("line {number}: {part}"),
                None => format!("{}: {part}", batch.lines()),
            });
        }
        let count = match partial {
            // Lines that do not parse are named and not counted as dropped.
            Some(_) => dropped.saturating_add(unparsable_count).min(batch.point_count),
            None => batch.point_count,
        };
        Self { count, lines }
    }
}

/// ` dropped=N` at the end. Behind it stands at most where points outside a write window should have gone.
fn split_dropped(text: &str) -> (&str, u64) {
    let split = text.rsplit_once(" dropped=").and_then(|(text, rest)| {
        let count = rest.split_once(" for database: ").map_or(rest, |(count, _)| count);
        Some((text, count.trim().parse().ok()?))
    });
    split.unwrap_or((text, 0))
}

/// Lines that do not parse and are too many to be named: `and N more`, last.
fn unnamed_count(text: &str) -> u64 {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let count = last.strip_prefix("and ").and_then(|rest| rest.strip_suffix(" more"));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// The line in `unable to parse 'LINE': reason`. A line may hold quotes, so the last `': ` counts.
fn quoted_line(part: &str) -> Option<&str> {
    let (line, _) = part.strip_prefix(UNPARSABLE)?.rsplit_once("': ")?;
    Some(line)
}

/// The number of each line's first appearance, for lines without a newline in them.
fn line_numbers(batch: &Batch) -> HashMap<&[u8], u64> {
    let mut numbers = HashMap::new();
    for (line, number) in batch.text.split(|&byte| byte == b'\n').zip(batch.line_first..) {
        numbers.entry(line.trim_ascii()).or_insert(number);
    }
    numbers
}
