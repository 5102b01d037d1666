//! JSON: `{"results":[{"statement_id":0,"series":[{"name":…,"tags":{…},"columns":[…],"values":[[…]]}]}]}`.
//!
//! Members that would be empty are left out. Order of members: statement_id, series, messages, partial, error;
//! and name, tags, columns, values, partial. Every document ends in a newline. NaN is null; an infinite
//! value cannot be written.

use super::cells::{Cell, Columns, Texts};
use super::number::{push_integer, push_json_float};
use super::text::push_json_string;
use super::timestamp::{Rfc3339, push_scaled};
use super::writer::{SeriesHead, UnsupportedValue, Writer};
use super::{Epoch, Options};
use std::ops::Range;

/// Depths of indentation of what stands at the beginning of a line.
mod depth {
    pub(super) const RESPONSE_MEMBER: usize = 1;
    pub(super) const RESULT: usize = 2;
    pub(super) const RESULT_MEMBER: usize = 3;
    pub(super) const SERIES: usize = 4;
    pub(super) const SERIES_MEMBER: usize = 5;
    pub(super) const ROW: usize = 6;
    pub(super) const CELL: usize = 7;
    pub(super) const TEXT_OF_CELL: usize = 8;
}

/// The JSON writer.
pub(super) struct Json {
    layout: Layout,
    epoch: Option<Epoch>,
    rfc3339: Rfc3339,
    /// Results so far in the document, series in the result, rows in the series.
    result_count: usize,
    series_count: usize,
    row_count: usize,
}

#[derive(Clone, Copy)]
struct Layout {
    pretty: bool,
}

impl Layout {
    /// Begins an item of a list or a member of an object.
    #[inline]
    fn item(self, out: &mut Vec<u8>, is_first: bool, depth: usize) {
        if !is_first {
            out.push(b',');
        }
        self.line(out, depth);
    }

    /// Begins the line of a closing bracket.
    #[inline]
    fn line(self, out: &mut Vec<u8>, depth: usize) {
        if self.pretty {
            out.push(b'\n');
            out.resize(out.len() + 4 * depth, b' ');
        }
    }

    fn member(self, out: &mut Vec<u8>, is_first: bool, depth: usize, name: &str) {
        self.item(out, is_first, depth);
        self.name(out, name);
    }

    fn name(self, out: &mut Vec<u8>, name: &str) {
        push_json_string(out, name);
        out.extend_from_slice(if self.pretty { b": " } else { b":" });
    }
}

impl Json {
    pub(super) fn new(options: &Options) -> Self {
        let layout = Layout { pretty: options.pretty };
        let epoch = options.epoch.filter(|_| !options.text_times);
        Self { layout, epoch, rfc3339: Rfc3339::new(), result_count: 0, series_count: 0, row_count: 0 }
    }

    #[inline]
    fn cell(&mut self, out: &mut Vec<u8>, cell: Cell<'_>) -> Result<(), UnsupportedValue> {
        match cell {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Time(time_ns) => match self.epoch {
                Some(epoch) => push_scaled(out, epoch, time_ns),
                None => {
                    out.push(b'"');
                    self.rfc3339.push(out, time_ns);
                    out.push(b'"');
                }
            },
            Cell::Float(value) if value.is_finite() => push_json_float(out, value),
            Cell::Float(value) if value.is_nan() => out.extend_from_slice(b"null"),
            Cell::Float(value) => return Err(UnsupportedValue(value)),
            Cell::Integer(value) => push_integer(out, value),
            Cell::Unsigned(value) => push_integer(out, value),
            Cell::Boolean(true) => out.extend_from_slice(b"true"),
            Cell::Boolean(false) => out.extend_from_slice(b"false"),
            Cell::Text(text) => push_json_string(out, text),
            Cell::Texts(texts) => self.texts(out, texts),
        }
        Ok(())
    }

    fn texts(&self, out: &mut Vec<u8>, texts: Texts<'_>) {
        out.push(b'[');
        for (i, text) in texts.iter().enumerate() {
            self.layout.item(out, i == 0, depth::TEXT_OF_CELL);
            push_json_string(out, text);
        }
        self.layout.line(out, depth::CELL);
        out.push(b']');
    }

    fn row(&mut self, out: &mut Vec<u8>, columns: &Columns<'_>, row: usize) -> Result<(), UnsupportedValue> {
        if self.row_count == 0 {
            self.layout.member(out, false, depth::SERIES_MEMBER, "values");
            out.push(b'[');
        }
        self.layout.item(out, self.row_count == 0, depth::ROW);
        out.push(b'[');
        for (i, column) in columns.iter().enumerate() {
            self.layout.item(out, i == 0, depth::CELL);
            self.cell(out, column.cell(row))?;
        }
        self.layout.line(out, depth::ROW);
        out.push(b']');
        self.row_count += 1;
        Ok(())
    }

    fn messages(&self, out: &mut Vec<u8>, messages: &[String]) {
        if messages.is_empty() {
            return;
        }
        let layout = self.layout;
        layout.member(out, false, depth::RESULT_MEMBER, "messages");
        out.push(b'[');
        for (i, text) in messages.iter().enumerate() {
            layout.item(out, i == 0, depth::SERIES);
            out.push(b'{');
            layout.member(out, true, depth::SERIES_MEMBER, "level");
            push_json_string(out, "warning");
            layout.member(out, false, depth::SERIES_MEMBER, "text");
            push_json_string(out, text);
            layout.line(out, depth::SERIES);
            out.push(b'}');
        }
        layout.line(out, depth::RESULT_MEMBER);
        out.push(b']');
    }
}

impl Writer for Json {
    fn begin_document(&mut self, out: &mut Vec<u8>, _is_chunk: bool) {
        self.result_count = 0;
        out.push(b'{');
        self.layout.member(out, true, depth::RESPONSE_MEMBER, "results");
        out.push(b'[');
    }

    fn begin_result(&mut self, out: &mut Vec<u8>, statement_id: usize, _messages: &[String]) {
        self.layout.item(out, self.result_count == 0, depth::RESULT);
        out.push(b'{');
        self.layout.member(out, true, depth::RESULT_MEMBER, "statement_id");
        push_integer(out, statement_id);
        self.result_count += 1;
        self.series_count = 0;
    }

    fn begin_series(&mut self, out: &mut Vec<u8>, head: &SeriesHead<'_>) {
        let layout = self.layout;
        if self.series_count == 0 {
            layout.member(out, false, depth::RESULT_MEMBER, "series");
            out.push(b'[');
        }
        layout.item(out, self.series_count == 0, depth::SERIES);
        self.series_count += 1;
        self.row_count = 0;
        self.rfc3339.set_zone(head.shape.time_zone);
        out.push(b'{');
        let mut is_first = true;
        if !head.name.is_empty() {
            layout.member(out, is_first, depth::SERIES_MEMBER, "name");
            push_json_string(out, head.name);
            is_first = false;
        }
        if !head.tag_values.is_empty() {
            layout.member(out, is_first, depth::SERIES_MEMBER, "tags");
            is_first = false;
            out.push(b'{');
            for (i, ((tag, _), value)) in head.shape.group_tags.iter().zip(head.tag_values).enumerate() {
                layout.member(out, i == 0, depth::ROW, tag);
                push_json_string(out, value);
            }
            layout.line(out, depth::SERIES_MEMBER);
            out.push(b'}');
        }
        layout.member(out, is_first, depth::SERIES_MEMBER, "columns");
        out.push(b'[');
        for (i, (column, _)) in head.shape.columns.iter().enumerate() {
            layout.item(out, i == 0, depth::ROW);
            push_json_string(out, column);
        }
        layout.line(out, depth::SERIES_MEMBER);
        out.push(b']');
    }

    fn rows(
        &mut self,
        out: &mut Vec<u8>,
        columns: &Columns<'_>,
        rows: Range<usize>,
    ) -> Result<(), UnsupportedValue> {
        for row in rows {
            let row_start = out.len();
            if let Err(error) = self.row(out, columns, row) {
                out.truncate(row_start);
                return Err(error);
            }
        }
        Ok(())
    }

    fn end_series(&mut self, out: &mut Vec<u8>, partial: bool) {
        if self.row_count > 0 {
            self.layout.line(out, depth::SERIES_MEMBER);
            out.push(b']');
        }
        if partial {
            self.layout.member(out, false, depth::SERIES_MEMBER, "partial");
            out.extend_from_slice(b"true");
        }
        self.layout.line(out, depth::SERIES);
        out.push(b'}');
    }

    fn end_result(&mut self, out: &mut Vec<u8>, messages: &[String], partial: bool, error: Option<&str>) {
        if self.series_count > 0 {
            self.layout.line(out, depth::RESULT_MEMBER);
            out.push(b']');
        }
        self.messages(out, messages);
        if partial {
            self.layout.member(out, false, depth::RESULT_MEMBER, "partial");
            out.extend_from_slice(b"true");
        }
        if let Some(text) = error {
            self.layout.member(out, false, depth::RESULT_MEMBER, "error");
            push_json_string(out, text);
        }
        self.layout.line(out, depth::RESULT);
        out.push(b'}');
    }

    fn end_document(&mut self, out: &mut Vec<u8>) {
        self.layout.line(out, depth::RESPONSE_MEMBER);
        out.push(b']');
        self.layout.line(out, 0);
        out.extend_from_slice(b"}\n");
    }

    fn empty_document(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{}\n");
    }

    fn error_document(&mut self, out: &mut Vec<u8>, text: &str) {
        error_document(out, self.layout.pretty, text);
    }
}

/// `{"error":"…"}`
pub(super) fn error_document(out: &mut Vec<u8>, pretty: bool, text: &str) {
    let layout = Layout { pretty };
    out.push(b'{');
    layout.member(out, true, depth::RESPONSE_MEMBER, "error");
    push_json_string(out, text);
    layout.line(out, 0);
    out.extend_from_slice(b"}\n");
}
