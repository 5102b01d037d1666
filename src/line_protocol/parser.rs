//! Walks a body line by line. It decides which reading a line gets, counts lines for error messages and
//! yields good lines and refused ones side by side; it does not look into the series text.

use super::precision::Precision;
use super::rejection::LineFault;
use super::{escape, quick, strict};
use crate::model::value::FieldType;
use memchr::memchr_iter;
use std::borrow::Cow;
use std::ops::Range;

/// A line that parsed, but for its series text. It is the caller's, so that one allocation serves a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line<'a> {
    /// Measurement and tags as written. Not validated: [`super::SeriesText::parse`] does that, and a caller that
    /// has seen the same text before need not.
    pub series: &'a str,
    /// The fields in the order written, at least one. A later field of the same name overrides an earlier one.
    pub fields: Vec<Field<'a>>,
    /// The timestamp, unless the line has none.
    pub time_ns: Option<i64>,
    /// Where in the body the line stands, without leading blanks and the newline.
    pub bytes: Range<usize>,
}

/// A field of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// The name as written, with its escapes; never empty.
    pub key: &'a str,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Field<'a> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        escape::field_key(self.key)
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Finite.
    Float(f64),
    /// Written with `i`.
    Integer(i64),
    /// Written with `u`.
    Unsigned(u64),
    /// One of the spellings of true and false.
    Boolean(bool),
    /// What stands between the quotes, with its escapes; see [`Value::unescape_string`].
    String(&'a str),
}

impl Value<'_> {
    /// The type of field that holds it.
    #[must_use]
    pub const fn field_type(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Integer(_) => FieldType::Integer,
            Self::Unsigned(_) => FieldType::Unsigned,
            Self::Boolean(_) => FieldType::Boolean,
            Self::String(_) => FieldType::String,
        }
    }

    /// The string that the text of a [`Value::String`] means.
    #[must_use]
    pub fn unescape_string(text: &str) -> Cow<'_, str> {
        escape::string(text)
    }
}

/// A line that does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// Where in the body it stands, without leading blanks and the newline.
    pub bytes: Range<usize>,
    /// Why.
    pub fault: LineFault,
}

/// Reads a body line by line.
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    body: &'a [u8],
    /// The body as text, unless some of it is not UTF-8.
    text: Option<&'a str>,
    position: usize,
    precision: Precision,
    /// Newlines before `counted_to`.
    newlines: usize,
    counted_to: usize,
}

impl<'a> Parser<'a> {
    /// Reads `body`, whose timestamps are of `precision`.
    #[must_use]
    pub fn new(body: &'a [u8], precision: Precision) -> Self {
        let text = std::str::from_utf8(body).ok();
        Self { body, text, position: 0, precision, newlines: 0, counted_to: 0 }
    }

    /// Reads the next line into `line`, past blank lines and comments. `None` at the end of the body; `line` is
    /// not to be read after a refusal.
    #[inline]
    pub fn next_line(&mut self, line: &mut Line<'a>) -> Option<Result<(), RefusedLine>> {
        if let Some(text) = self.text
            && let Some(end) = quick::parse_line(text, self.position, self.precision, line)
        {
            line.bytes = self.position..end;
            self.position = end + 1;
            return Some(Ok(()));
        }
        self.next_line_strictly(line)
    }

    /// Like [`Parser::next_line`], by the strict reading alone.
    pub fn next_line_strictly(&mut self, line: &mut Line<'a>) -> Option<Result<(), RefusedLine>> {
        while self.position < self.body.len() {
            let (start, mut end) = (self.position, strict::line_end(self.body, self.position));
            self.position = end + 1;
            // An open quote takes the newline at the end of the body with it; the line does not.
            if end > start && self.body[end - 1] == b'\n' {
                end -= 1;
            }
            let start = start + strict::skip_blanks(&self.body[start..end]);
            if start == end || self.body[start] == b'#' {
                continue;
            }
            line.bytes = start..end;
            let parsed = match self.text {
                Some(text) => strict::parse_line(&text[start..end], self.precision, line),
                None => match std::str::from_utf8(&self.body[start..end]) {
                    Ok(text) => strict::parse_line(text, self.precision, line),
                    Err(_) => Err(LineFault::InvalidUtf8),
                },
            };
            return Some(parsed.map_err(|fault| RefusedLine { bytes: start..end, fault }));
        }
        None
    }

    /// The number of the line, counted from 1, that the byte at `position` stands on. Cheap when asked in
    /// the order of the body.
    pub fn line_number(&mut self, position: usize) -> usize {
        if position < self.counted_to {
            (self.newlines, self.counted_to) = (0, 0);
        }
        let position = position.min(self.body.len());
        self.newlines += memchr_iter(b'\n', &self.body[self.counted_to..position]).count();
        self.counted_to = position;
        self.newlines + 1
    }
}
