//! The series text of a line: measurement and tags, up to the first unescaped space. A backslash escapes what
//! directly follows it, whatever stands before the backslash (InfluxDB 1.x).

use super::escape;
use super::rejection::LineFault;
use crate::model::limits::SERIES_TEXT_BYTES_MAX;
use crate::model::series_key;
use std::borrow::Cow;

/// A measurement and its tags, read from a series text. Reusable, so that one allocation serves a body.
#[derive(Clone, Debug, Default)]
pub struct SeriesText<'a> {
    /// The measurement; never empty.
    pub measurement: Cow<'a, str>,
    /// Key and value of each tag, sorted by key; no key twice, none empty.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The keys of `tags` as and in the order written, each with its index in `tags`.
    written: Vec<(&'a str, usize)>,
}

impl<'a> SeriesText<'a> {
    /// Reads the series text of a [`super::Line`].
    ///
    /// # Errors
    /// The fault that InfluxDB 1.x names.
    pub fn parse(text: &'a str) -> Result<Self, LineFault> {
        let mut series = Self::default();
        series.read(text)?;
        Ok(series)
    }

    /// Like [`SeriesText::parse`], into `self`; after an error it is not to be read.
    ///
    /// # Errors
    /// The fault that InfluxDB 1.x names.
    pub fn read(&mut self, text: &'a str) -> Result<(), LineFault> {
        if self.read_same_keys(text).is_none() {
            self.read_any_keys(text)?;
        }
        if text.len() > SERIES_TEXT_BYTES_MAX {
            return Err(LineFault::KeyTooLong(text.len()));
        }
        Ok(())
    }

    /// Reads a text that has the keys of the last one in the same order, as most have: no key needs to be
    /// searched, sorted or compared with the others. `None` for all other texts, which leaves `self` in disorder.
    fn read_same_keys(&mut self, text: &'a str) -> Option<()> {
        let mut cursor = Cursor { text, at: 0 };
        let (measurement, mut more) = cursor.measurement().ok()?;
        for (key, index) in &self.written {
            let rest = &text.as_bytes()[cursor.at..];
            if !more || rest.get(key.len()) != Some(&b'=') || !rest.starts_with(key.as_bytes()) {
                return None;
            }
            cursor.at += key.len() + 1;
            let (value, more_tags) = cursor.tag_value().ok()?;
            self.tags[*index].1 = escape::tag(value);
            more = more_tags;
        }
        self.measurement = escape::measurement(measurement);
        (!more && !self.written.is_empty()).then_some(())
    }

    fn read_any_keys(&mut self, text: &'a str) -> Result<(), LineFault> {
        self.written.clear();
        self.tags.clear();
        let mut cursor = Cursor { text, at: 0 };
        let (measurement, mut more) = cursor.measurement()?;
        self.measurement = escape::measurement(measurement);
        let mut written = std::mem::take(&mut self.written);
        while more {
            let key = cursor.tag_key()?;
            let (value, more_tags) = cursor.tag_value()?;
            written.push((key, self.tags.len()));
            self.tags.push((escape::tag(key), escape::tag(value)));
            more = more_tags;
        }
        if !self.tags.is_sorted_by(|a, b| a.0 < b.0) {
            self.tags.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            if self.tags.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return Err(LineFault::DuplicateTags);
            }
            for (key, index) in &mut written {
                let key = escape::tag(key);
                *index = self.tags.partition_point(|tag| tag.0 < key);
            }
        }
        self.written = written;
        Ok(())
    }

    /// Appends the series key of the tags to `out`.
    pub fn encode_key_into(&self, out: &mut String) {
        series_key::encode_into(out, self.tags.iter().map(|(k, v)| (k, v)));
    }
}

/// The length of the series text that `line` starts with, once it is known to be well-formed and to have
/// something behind it.
pub(super) fn check(line: &str) -> Result<usize, LineFault> {
    let mut cursor = Cursor { text: line, at: 0 };
    let (_, mut more) = cursor.measurement()?;
    if !more {
        cursor.expect_fields()?;
    }
    let mut keys = Vec::new();
    while more {
        keys.push(cursor.tag_key()?);
        (_, more) = cursor.tag_value()?;
        if !more {
            cursor.expect_fields()?;
        }
    }
    // Escapes are the same for every key: keys are equal as written or not at all.
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(LineFault::DuplicateTags);
    }
    Ok(cursor.at)
}

/// What ends a measurement.
const ENDS_MEASUREMENT: [bool; 256] = set(b", ");
/// What ends a tag key or value.
const ENDS_TAG: [bool; 256] = set(b"=, ");

const fn set(bytes: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        set[bytes[at] as usize] = true;
        at += 1;
    }
    set
}

/// Reads a series text part by part; `at` stands before the next part, or at the space that ends the text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Moves to the next unescaped byte that `ends` names, past at least one byte, and returns the text passed.
    #[inline]
    fn pass(&mut self, ends: &[bool; 256]) -> (&'a str, Option<u8>) {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + 1;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            at += rest.iter().position(|b| ends[usize::from(*b)]).unwrap_or(rest.len());
            // Separators are ASCII, so this is never inside a character.
            if at >= bytes.len() || bytes[at - 1] != b'\\' {
                self.at = at.min(bytes.len());
                return (&self.text[start..self.at], bytes.get(self.at).copied());
            }
            at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The measurement, and whether tags follow.
    fn measurement(&mut self) -> Result<(&'a str, bool), LineFault> {
        if matches!(self.peek(), None | Some(b',')) {
            return Err(LineFault::MissingMeasurement);
        }
        let (name, stop) = self.pass(&ENDS_MEASUREMENT);
        self.at += usize::from(stop == Some(b','));
        Ok((name, stop == Some(b',')))
    }

    fn tag_key(&mut self) -> Result<&'a str, LineFault> {
        if matches!(self.peek(), None | Some(b' ' | b',' | b'=')) {
            return Err(LineFault::MissingTagKey);
        }
        let (key, stop) = self.pass(&ENDS_TAG);
        if stop != Some(b'=') {
            return Err(LineFault::MissingTagValue);
        }
        self.at += 1;
        Ok(key)
    }

    /// The value of a tag, and whether more tags follow.
    fn tag_value(&mut self) -> Result<(&'a str, bool), LineFault> {
        if matches!(self.peek(), None | Some(b' ' | b',')) {
            return Err(LineFault::MissingTagValue);
        }
        let (value, stop) = self.pass(&ENDS_TAG);
        if stop == Some(b'=') {
            return Err(LineFault::InvalidTagFormat);
        }
        self.at += usize::from(stop == Some(b','));
        Ok((value, stop == Some(b',')))
    }

    fn expect_fields(&self) -> Result<(), LineFault> {
        if self.at < self.text.len() { Ok(()) } else { Err(LineFault::MissingFields) }
    }
}
