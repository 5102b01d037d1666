//! CSV: `name,tags,time,f1,…` in front of each statement's rows, an empty line between statements.
//!
//! Tags are one field, written as in a series key: `k=v,k2=v2` with commas, spaces and equals signs escaped, absent
//! ones left out. Times are nanoseconds unless the client names a unit or wants text. Floats have no exponent. Errors and
//! messages of statements do not appear. The header is repeated when the columns change within a statement
//! (1.12).

use super::cells::{Cell, Columns};
use super::number::{push_integer, push_plain_float};
use super::text::push_csv_field;
use super::timestamp::{Rfc3339, push_scaled};
use super::writer::{SeriesHead, UnsupportedValue, Writer};
use super::{Epoch, Options};
use std::ops::Range;
use std::sync::Arc;

/// The CSV writer.
pub(super) struct Csv {
    epoch: Epoch,
    /// Prints times that are to be text.
    rfc3339: Option<Rfc3339>,
    statement_id: usize,
    /// Statement and columns of the last header.
    header: Option<(usize, Vec<Arc<str>>)>,
    /// `name,tags` of the open series, ready to copy.
    prefix: Vec<u8>,
}

impl Csv {
    pub(super) fn new(options: &Options) -> Self {
        let epoch = options.epoch.unwrap_or(Epoch::Nanoseconds);
        let rfc3339 = options.text_times.then(Rfc3339::new);
        Self { epoch, rfc3339, statement_id: 0, header: None, prefix: Vec::new() }
    }

    fn header(&mut self, out: &mut Vec<u8>, head: &SeriesHead<'_>) {
        let names = || head.shape.columns.iter().map(|(name, _)| name);
        if let Some((statement_id, columns)) = &self.header {
            if *statement_id == self.statement_id && columns.iter().eq(names()) {
                return;
            }
            out.push(b'\n');
        }
        out.extend_from_slice(b"name,tags");
        for name in names() {
            out.push(b',');
            push_csv_field(out, name);
        }
        out.push(b'\n');
        self.header = Some((self.statement_id, names().cloned().collect()));
    }

    #[inline]
    fn cell(&mut self, out: &mut Vec<u8>, cell: Cell<'_>) {
        match cell {
            Cell::Null => {}
            Cell::Time(time_ns) => match &mut self.rfc3339 {
                Some(rfc3339) => rfc3339.push(out, time_ns),
                None => push_scaled(out, self.epoch, time_ns),
            },
            Cell::Float(value) if value.is_nan() => {}
            Cell::Float(value) => push_plain_float(out, value),
            Cell::Integer(value) => push_integer(out, value),
            Cell::Unsigned(value) => push_integer(out, value),
            Cell::Boolean(true) => out.extend_from_slice(b"true"),
            Cell::Boolean(false) => out.extend_from_slice(b"false"),
            Cell::Text(text) => push_csv_field(out, text),
            Cell::Texts(texts) => push_csv_field(out, &texts.iter().collect::<Vec<_>>().join(" ")),
        }
    }
}

/// The tags as a series key writes them.
fn tags_text(head: &SeriesHead<'_>) -> String {
    let mut text = String::new();
    for ((tag, _), value) in head.shape.group_tags.iter().zip(head.tag_values) {
        if value.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push(',');
        }
        push_escaped(&mut text, tag);
        text.push('=');
        push_escaped(&mut text, value);
    }
    text
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, ',' | ' ' | '=') {
            out.push('\\');
        }
        out.push(c);
    }
}

impl Writer for Csv {
    fn begin_document(&mut self, _out: &mut Vec<u8>, _is_chunk: bool) {}

    fn begin_result(&mut self, _out: &mut Vec<u8>, statement_id: usize, _messages: &[String]) {
        self.statement_id = statement_id;
    }

    fn begin_series(&mut self, out: &mut Vec<u8>, head: &SeriesHead<'_>) {
        self.header(out, head);
        if let Some(rfc3339) = &mut self.rfc3339 {
            rfc3339.set_zone(head.shape.time_zone);
        }
        self.prefix.clear();
        push_csv_field(&mut self.prefix, head.name);
        self.prefix.push(b',');
        push_csv_field(&mut self.prefix, &tags_text(head));
    }

    fn rows(
        &mut self,
        out: &mut Vec<u8>,
        columns: &Columns<'_>,
        rows: Range<usize>,
    ) -> Result<(), UnsupportedValue> {
        for row in rows {
            out.extend_from_slice(&self.prefix);
            for column in columns {
                out.push(b',');
                self.cell(out, column.cell(row));
            }
            out.push(b'\n');
        }
        Ok(())
    }

    fn end_series(&mut self, _out: &mut Vec<u8>, _partial: bool) {}

    fn end_result(&mut self, _: &mut Vec<u8>, _messages: &[String], _partial: bool, _: Option<&str>) {}

    fn end_document(&mut self, _out: &mut Vec<u8>) {}

    fn empty_document(&mut self, _out: &mut Vec<u8>) {}

    fn error_document(&mut self, out: &mut Vec<u8>, text: &str) {
        error_document(out, text);
    }
}

/// A column `error` with one row.
pub(super) fn error_document(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"error\n");
    push_csv_field(out, text);
    out.push(b'\n');
}
