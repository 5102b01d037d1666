//! The quick reading of a line: what clients write all day, in one pass over the bytes. It takes what it
//! can read without a second thought and leaves every other line, good or bad, to `strict`. What it takes, it
//! reads as `strict` does, and it ends the line where `strict` does.
//!
//! It gives up on: leading blanks, comments, two backslashes in a row before a separator of the series text,
//! field names with a backslash, repeated or trailing blanks, and anything that is wrong.

use super::number;
use super::parser::{Field, Line, Value};
use super::precision::Precision;
use crate::model::limits::SERIES_TEXT_BYTES_MAX;
use memchr::memchr2;

/// Longest field name that is read here. With a series text that leaves room for it no limit needs checking.
const KEY_BYTES_MAX: usize = 1_024;

/// Whether a byte ends the quick scan of a field's name.
const ENDS_KEY: [bool; 256] = {
    let mut ends = [false; 256];
    ends[b'=' as usize] = true;
    ends[b',' as usize] = true;
    ends[b' ' as usize] = true;
    ends[b'\\' as usize] = true;
    ends[b'\n' as usize] = true;
    ends
};

/// Reads the line that starts at `start` into `line`, its place in the body excepted, and returns
/// where it ends: at its newline or at the end of `text`. `None` where the strict reading must look.
#[inline]
pub(super) fn parse_line<'a>(
    text: &'a str,
    start: usize,
    precision: Precision,
    line: &mut Line<'a>,
) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = series_end(bytes, start)?;
    line.series = &text[start..at];
    let mut count = 0;
    loop {
        at += 1;
        let key = key(text, at, line.fields.get(count))?;
        at += key.len() + 1;
        let (value, length) = value(text, at)?;
        let field = Field { key, value };
        match line.fields.get_mut(count) {
            Some(last) => *last = field,
            None => line.fields.push(field),
        }
        count += 1;
        at += length;
        match bytes.get(at) {
            Some(b',') => {}
            Some(b' ') => break,
            None | Some(b'\n') => {
                line.fields.truncate(count);
                line.time_ns = None;
                return Some(at);
            }
            Some(_) => return None,
        }
    }
    line.fields.truncate(count);
    let (time, length) = number::quick_time(&bytes[at + 1..])?;
    at += 1 + length;
    line.time_ns = Some(precision.to_ns(time)?);
    matches!(bytes.get(at), None | Some(b'\n')).then_some(at)
}

/// Where the series text that starts at `start` ends: at its first unescaped space.
#[inline]
fn series_end(bytes: &[u8], start: usize) -> Option<usize> {
    if matches!(bytes.get(start)?, b' ' | b'\t' | 0 | b'#' | b'\n') {
        return None;
    }
    let mut at = start;
    loop {
        at += memchr2(b' ', b'\n', &bytes[at..])?;
        if bytes[at] == b'\n' {
            return None;
        }
        if bytes[at - 1] != b'\\' {
            return (at - start + 2 * KEY_BYTES_MAX <= SERIES_TEXT_BYTES_MAX).then_some(at);
        }
        if at - start >= 2 && bytes[at - 2] == b'\\' {
            return None;
        }
        at += 1;
    }
}

/// The name of the field that starts at `at`. Mostly it is the same as in `last`, the field at this position in the line
/// before. Then it need not be read again: a text that was a name once is one wherever `=` follows it.
#[inline]
fn key<'a>(text: &'a str, at: usize, last: Option<&Field<'a>>) -> Option<&'a str> {
    let rest = text.as_bytes().get(at..)?;
    if let Some(Field { key, .. }) = last
        && rest.get(key.len()) == Some(&b'=')
        && rest.starts_with(key.as_bytes())
        && key.len() <= KEY_BYTES_MAX
    {
        return Some(&text[at..at + key.len()]);
    }
    let length = rest.iter().position(|b| ENDS_KEY[usize::from(*b)])?;
    // A tab or NUL before the first name is a blank to 1.x and a part of the name after a comma.
    if length == 0 || length > KEY_BYTES_MAX || rest[length] != b'=' || matches!(rest[0], b'\t' | 0) {
        return None;
    }
    Some(&text[at..at + length])
}

/// The value that starts at `at`, and its length.
#[inline]
fn value(text: &str, at: usize) -> Option<(Value<'_>, usize)> {
    let bytes = &text.as_bytes()[at..];
    match bytes.first()? {
        b'0'..=b'9' | b'-' => number::quick(bytes),
        b'"' => string(&text[at + 1..]).map(|s| (Value::String(s), s.len() + 2)),
        b't' | b'T' | b'f' | b'F' => boolean(bytes),
        _ => None,
    }
}

/// The text up to the closing quote; `text` starts after the opening one.
fn string(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return Some(&text[..at]);
        }
        // 1.x skips escapes only this far from the end of the body.
        if at + 2 >= bytes.len() {
            return None;
        }
        at += 2;
    }
}

/// The boolean at the start of `bytes`, and its length.
pub(super) fn boolean(bytes: &[u8]) -> Option<(Value<'static>, usize)> {
    let length = bytes.iter().position(|b| matches!(b, b',' | b' ' | b'\n')).unwrap_or(bytes.len());
    let value = match &bytes[..length] {
        b"t" | b"T" | b"true" | b"True" | b"TRUE" => true,
        b"f" | b"F" | b"false" | b"False" | b"FALSE" => false,
        _ => return None,
    };
    Some((Value::Boolean(value), length))
}
