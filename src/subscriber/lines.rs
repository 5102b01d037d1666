//! The rows of a write as line protocol, in parts: however large the write is, its text is not held as a whole.

use crate::encode::line_protocol::RowLines;
use crate::model::batch::TableRows;
use crate::outbox::{AcceptedWrite, Held};
use arrow::error::ArrowError;
use bytes::Bytes;

/// Some lines.
#[derive(Debug)]
pub(super) struct Part {
    text: Bytes,
    /// Where each line ends, the end of the line included.
    ends: Vec<usize>,
    /// The memory of the text.
    _held: Held,
}

impl Part {
    /// All lines; each ends with the end of a line.
    pub(super) fn text(&self) -> &Bytes {
        &self.text
    }

    /// The lines without their ends. A text in a line may hold such a character, too.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..end - 1])
    }
}

/// Encodes a write, part by part.
pub(super) struct Parts<'a> {
    write: &'a AcceptedWrite,
    tables: std::slice::Iter<'a, TableRows>,
    /// The table that is being written, and its next row.
    current: Option<(RowLines<'a>, usize)>,
    /// A part that has so many bytes is complete.
    bytes_enough: usize,
}

impl<'a> Parts<'a> {
    pub(super) fn new(write: &'a AcceptedWrite, bytes_enough: usize) -> Self {
        Self { write, tables: write.tables.iter(), current: None, bytes_enough }
    }
}

impl Iterator for Parts<'_> {
    type Item = Result<Part, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        while text.len() < self.bytes_enough {
            let Some((lines, row)) = &mut self.current else {
                let Some(rows) = self.tables.next() else { break };
                match RowLines::new(rows) {
                    Ok(lines) => self.current = Some((lines, 0)),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            if *row == lines.row_count() {
                self.current = None;
                continue;
            }
            if lines.push(*row, &mut text) {
                text.push(b'\n');
                ends.push(text.len());
            }
            *row += 1;
        }
        if ends.is_empty() {
            return None;
        }
        let held = self.write.held.more(text.capacity() + ends.capacity() * size_of::<usize>());
        Some(Ok(Part { text: text.into(), ends, _held: held }))
    }
}
