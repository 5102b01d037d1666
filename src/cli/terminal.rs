//! Standard output and standard error, which may go away, and tables on them.

use super::error::CliError;
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Display;
use std::io::Write;

/// Writes text to standard output.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::output)
}

/// Writes a line to standard error. When nobody reads it any more (`tidegauge import … 2>&1 | head`), work goes on all the
/// same.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A number and what it counts: `1 file`, `2 files`.
pub(super) fn counted(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// A table of texts under a header; the columns that `is_number` says are aligned to the right.
pub(super) fn table(
    header: &[String],
    rows: impl IntoIterator<Item = Vec<String>>,
    is_number: impl Fn(usize) -> bool,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(header.iter().map(|name| one_line(name)));
    for row in rows {
        table.add_row(row.iter().map(|text| one_line(text)));
    }
    for index in 0..header.len() {
        if let Some(column) = table.column_mut(index).filter(|_| is_number(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

/// Control characters of stored data must not steer somebody's terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
