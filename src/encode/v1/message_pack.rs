//! MessagePack: the maps and arrays of the JSON form.
//!
//! Differences from JSON: `messages` stand before `series`, `series` is always there, a failed result is a map with
//! nothing but `error`, infinite floats are floats. A time without a unit is extension type 5:
//!
//! ```text
//! 0xc7 | 12 | 5 | seconds since the epoch, i64 big endian | nanoseconds, i32 big endian
//! ```
//!
//! Arrays begin with their length, which is known only at their end: results, series and values use the 32-bit
//! form and are patched. Hence the bytes of an open document may not be sent yet, and an unchunked response
//! is held until it ends; `encoder` bounds it.

use super::cells::{Cell, Columns};
use super::timestamp::Rfc3339;
use super::writer::{SeriesHead, UnsupportedValue, Writer};
use super::{Epoch, Options};
use crate::model::time::SECOND_NS;
use std::ops::Range;

const NIL: u8 = 0xc0;
const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;
const EXTENSION_8: u8 = 0xc7;
const FLOAT_64: u8 = 0xcb;
const ARRAY_32: u8 = 0xdd;
/// The extension type of a time.
const TIME_EXTENSION: u8 = 5;

/// The MessagePack writer.
pub(super) struct MessagePack {
    epoch: Option<Epoch>,
    /// Prints times that are to be text.
    rfc3339: Option<Rfc3339>,
    results: OpenArray,
    /// Where the open result begins, so that an error can take its place.
    result_at: usize,
    result_members: u8,
    series: OpenArray,
    series_at: usize,
    series_members: u8,
    values: OpenArray,
}

/// An array whose length is not known yet.
#[derive(Default)]
struct OpenArray {
    at: usize,
    count: u32,
}

impl OpenArray {
    fn begin(out: &mut Vec<u8>) -> Self {
        let at = out.len();
        out.push(ARRAY_32);
        out.extend_from_slice(&[0; 4]);
        Self { at, count: 0 }
    }

    fn end(&self, out: &mut [u8]) {
        out[self.at + 1..self.at + 5].copy_from_slice(&self.count.to_be_bytes());
    }
}

impl MessagePack {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            epoch: options.epoch,
            rfc3339: options.text_times.then(Rfc3339::new),
            results: OpenArray::default(),
            result_at: 0,
            result_members: 0,
            series: OpenArray::default(),
            series_at: 0,
            series_members: 0,
            values: OpenArray::default(),
        }
    }

    #[inline]
    fn cell(&mut self, out: &mut Vec<u8>, cell: Cell<'_>) {
        match cell {
            Cell::Null => out.push(NIL),
            Cell::Time(time_ns) => match (&mut self.rfc3339, self.epoch) {
                (Some(rfc3339), _) => push_text_time(out, rfc3339, time_ns),
                (None, Some(epoch)) => push_signed(out, epoch.scale(time_ns)),
                (None, None) => push_time(out, time_ns),
            },
            Cell::Float(value) if value.is_nan() => out.push(NIL),
            Cell::Float(value) => {
                out.push(FLOAT_64);
                out.extend_from_slice(&value.to_be_bytes());
            }
            Cell::Integer(value) => push_signed(out, value),
            Cell::Unsigned(value) => push_unsigned(out, value),
            Cell::Boolean(true) => out.push(TRUE),
            Cell::Boolean(false) => out.push(FALSE),
            Cell::Text(text) => push_text(out, text),
            Cell::Texts(texts) => {
                push_array(out, texts.iter().len());
                texts.iter().for_each(|text| push_text(out, text));
            }
        }
    }
}

impl Writer for MessagePack {
    fn begin_document(&mut self, out: &mut Vec<u8>, _is_chunk: bool) {
        push_map(out, 1);
        push_text(out, "results");
        self.results = OpenArray::begin(out);
    }

    fn begin_result(&mut self, out: &mut Vec<u8>, statement_id: usize, messages: &[String]) {
        self.results.count += 1;
        self.result_at = out.len();
        push_map(out, 0);
        push_text(out, "statement_id");
        push_unsigned(out, statement_id as u64);
        self.result_members = 2;
        if !messages.is_empty() {
            self.result_members += 1;
            push_text(out, "messages");
            push_array(out, messages.len());
            for text in messages {
                push_map(out, 2);
                push_text(out, "level");
                push_text(out, "warning");
                push_text(out, "text");
                push_text(out, text);
            }
        }
        push_text(out, "series");
        self.series = OpenArray::begin(out);
    }

    fn begin_series(&mut self, out: &mut Vec<u8>, head: &SeriesHead<'_>) {
        if let Some(rfc3339) = &mut self.rfc3339 {
            rfc3339.set_zone(head.shape.time_zone);
        }
        self.series.count += 1;
        self.series_at = out.len();
        self.series_members = 2;
        push_map(out, 0);
        if !head.name.is_empty() {
            self.series_members += 1;
            push_text(out, "name");
            push_text(out, head.name);
        }
        if !head.tag_values.is_empty() {
            self.series_members += 1;
            push_text(out, "tags");
            push_map(out, head.tag_values.len());
            for ((tag, _), value) in head.shape.group_tags.iter().zip(head.tag_values) {
                push_text(out, tag);
                push_text(out, value);
            }
        }
        push_text(out, "columns");
        push_array(out, head.shape.columns.len());
        for (name, _) in &head.shape.columns {
            push_text(out, name);
        }
        push_text(out, "values");
        self.values = OpenArray::begin(out);
    }

    fn rows(
        &mut self,
        out: &mut Vec<u8>,
        columns: &Columns<'_>,
        rows: Range<usize>,
    ) -> Result<(), UnsupportedValue> {
        self.values.count += u32::try_from(rows.len()).expect("a batch has fewer than 2^32 rows");
        for row in rows {
            push_array(out, columns.len());
            for column in columns {
                self.cell(out, column.cell(row));
            }
        }
        Ok(())
    }

    fn end_series(&mut self, out: &mut Vec<u8>, partial: bool) {
        self.values.end(out);
        if partial {
            self.series_members += 1;
            push_text(out, "partial");
            out.push(TRUE);
        }
        out[self.series_at] = FIX_MAP | self.series_members;
    }

    fn end_result(&mut self, out: &mut Vec<u8>, _: &[String], partial: bool, error: Option<&str>) {
        if let Some(text) = error {
            out.truncate(self.result_at);
            error_document(out, text);
            return;
        }
        self.series.end(out);
        if partial {
            self.result_members += 1;
            push_text(out, "partial");
            out.push(TRUE);
        }
        out[self.result_at] = FIX_MAP | self.result_members;
    }

    fn end_document(&mut self, out: &mut Vec<u8>) {
        self.results.end(out);
    }

    fn empty_document(&mut self, out: &mut Vec<u8>) {
        push_map(out, 1);
        push_text(out, "results");
        push_array(out, 0);
    }

    fn error_document(&mut self, out: &mut Vec<u8>, text: &str) {
        error_document(out, text);
    }

    fn patches_open_document(&self) -> bool {
        true
    }
}

/// `{"error": "…"}`
pub(super) fn error_document(out: &mut Vec<u8>, text: &str) {
    push_map(out, 1);
    push_text(out, "error");
    push_text(out, text);
}

/// A map with at most 15 members: this byte plus their number.
const FIX_MAP: u8 = 0x80;

fn push_map(out: &mut Vec<u8>, len: usize) {
    push_length(out, len, Lengths { fix: FIX_MAP, fix_max: 15, len_8: None, len_16: 0xde, len_32: 0xdf });
}

fn push_array(out: &mut Vec<u8>, len: usize) {
    push_length(out, len, Lengths { fix: 0x90, fix_max: 15, len_8: None, len_16: 0xdc, len_32: ARRAY_32 });
}

#[inline]
fn push_text(out: &mut Vec<u8>, text: &str) {
    let lengths = Lengths { fix: 0xa0, fix_max: 31, len_8: Some(0xd9), len_16: 0xda, len_32: 0xdb };
    push_length(out, text.len(), lengths);
    out.extend_from_slice(text.as_bytes());
}

/// The markers of one kind of value by the width of its length.
struct Lengths {
    fix: u8,
    fix_max: u8,
    len_8: Option<u8>,
    len_16: u8,
    len_32: u8,
}

#[inline]
fn push_length(out: &mut Vec<u8>, len: usize, lengths: Lengths) {
    if let Ok(short) = u8::try_from(len) {
        if short <= lengths.fix_max {
            out.push(lengths.fix | short);
            return;
        }
        if let Some(marker) = lengths.len_8 {
            out.extend_from_slice(&[marker, short]);
            return;
        }
    }
    if let Ok(len) = u16::try_from(len) {
        out.push(lengths.len_16);
        out.extend_from_slice(&len.to_be_bytes());
        return;
    }
    let len = u32::try_from(len).expect("no name or value of the database has 4 GiB");
    out.push(lengths.len_32);
    out.extend_from_slice(&len.to_be_bytes());
}

/// The shortest form of a signed integer; positive ones use signed types too, as InfluxDB's encoder does.
#[inline]
fn push_signed(out: &mut Vec<u8>, value: i64) {
    if let Ok(byte) = i8::try_from(value) {
        if byte < -32 {
            out.push(0xd0);
        }
        out.extend_from_slice(&byte.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(0xd1);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(0xd2);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// The shortest form of an unsigned integer.
#[inline]
fn push_unsigned(out: &mut Vec<u8>, value: u64) {
    if let Ok(byte) = u8::try_from(value) {
        if byte > 127 {
            out.push(0xcc);
        }
        out.push(byte);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(0xcd);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.push(0xce);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

#[inline]
fn push_time(out: &mut Vec<u8>, time_ns: i64) {
    let nanoseconds = i32::try_from(time_ns.rem_euclid(SECOND_NS)).expect("less than a second");
    out.extend_from_slice(&[EXTENSION_8, 12, TIME_EXTENSION]);
    out.extend_from_slice(&time_ns.div_euclid(SECOND_NS).to_be_bytes());
    out.extend_from_slice(&nanoseconds.to_be_bytes());
}

fn push_text_time(out: &mut Vec<u8>, rfc3339: &mut Rfc3339, time_ns: i64) {
    let mut text = Vec::new();
    rfc3339.push(&mut text, time_ns);
    push_text(out, &String::from_utf8_lossy(&text));
}
