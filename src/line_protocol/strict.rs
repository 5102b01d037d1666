//! The strict reading: any line exactly as InfluxDB 1.x reads it, checks in its order, so that each bad line
//! gets the reason that 1.x gives. It knows nothing of tables. The rules were observed with 1.6.7
//! (`testdata/line_protocol`).
//!
//! 1.x reads a line in four passes that do not agree on every backslash: where the line ends, where the
//! series text ends, whether the fields are well-formed, and what the fields are. The first three are kept
//! apart here as well; where the last one disagrees the line is refused.

use super::number;
use super::parser::{Field, Line, Value};
use super::precision::Precision;
use super::quick::boolean;
use super::rejection::LineFault;
use super::series;
use crate::model::limits::SERIES_TEXT_BYTES_MAX;

/// What InfluxDB 1.x puts between series text and field name in its index; it counts into the length limit.
const FIELD_KEY_SEPARATOR_BYTES: usize = "#!~#".len();

/// Where the line that starts at `start` ends: at its newline or the end of `body`. A newline after a backslash or
/// inside a string does not end it.
pub(super) fn line_end(body: &[u8], start: usize) -> usize {
    let (mut at, mut in_fields, mut quoted) = (start, false, false);
    let (mut equals, mut commas) = (0usize, 0usize);
    while at < body.len() {
        match body[at] {
            b'\\' if at + 2 < body.len() => at += 1,
            b' ' => in_fields = true,
            b'=' if in_fields && !quoted => equals += 1,
            b',' if in_fields && !quoted => commas += 1,
            b'"' if in_fields && equals > commas => quoted = !quoted,
            b'\n' if !quoted => break,
            _ => {}
        }
        at += 1;
    }
    at.min(body.len())
}

/// How many blanks `bytes` start with: spaces, tabs and NULs.
pub(super) fn skip_blanks(bytes: &[u8]) -> usize {
    bytes.iter().position(|b| !matches!(b, b' ' | b'\t' | 0)).unwrap_or(bytes.len())
}

/// Reads a whole line, without leading blanks and newline, into `line`.
pub(super) fn parse_line<'a>(
    text: &'a str,
    precision: Precision,
    line: &mut Line<'a>,
) -> Result<(), LineFault> {
    let bytes = text.as_bytes();
    let series_end = series::check(text)?;
    line.series = &text[..series_end];
    if line.series.len() > SERIES_TEXT_BYTES_MAX {
        return Err(LineFault::KeyTooLong(line.series.len()));
    }
    let fields_start = series_end + skip_blanks(&bytes[series_end..]);
    let fields_end = check_fields(bytes, fields_start)?;
    read_fields(&text[fields_start..fields_end], line)?;
    let key_bytes = |field: &Field<'_>| line.series.len() + FIELD_KEY_SEPARATOR_BYTES + field.key.len();
    if let Some(bytes) = line.fields.iter().map(key_bytes).find(|bytes| *bytes > SERIES_TEXT_BYTES_MAX) {
        return Err(LineFault::KeyTooLong(bytes));
    }
    line.time_ns = parse_time(&text[fields_end..], precision)?;
    Ok(())
}

/// Where the fields that start at `start` end, once they are known to be well-formed.
fn check_fields(bytes: &[u8], start: usize) -> Result<usize, LineFault> {
    let (mut at, mut quoted) = (start, false);
    let (mut equals, mut commas) = (0usize, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if at + 1 < bytes.len() => at += 1,
            b'"' if equals > commas => quoted = !quoted,
            b'=' if !quoted => {
                equals += 1;
                if matches!(bytes[at - 1], b' ' | b',') && bytes[at - 2] != b'\\' {
                    return Err(LineFault::MissingFieldKey);
                }
                at += 1;
                match bytes.get(at) {
                    None | Some(b',' | b' ') => return Err(LineFault::MissingFieldValue),
                    Some(b'"') => {}
                    Some(_) => at += check_value(&bytes[at..])?,
                }
                continue;
            }
            b',' if !quoted => commas += 1,
            b' ' if !quoted => break,
            _ => {}
        }
        at += 1;
    }
    if quoted {
        return Err(LineFault::UnbalancedQuotes);
    }
    if equals == 0 || commas != equals - 1 {
        return Err(LineFault::InvalidFieldFormat);
    }
    Ok(at)
}

/// The length of the number or boolean that `bytes` start with.
fn check_value(bytes: &[u8]) -> Result<usize, LineFault> {
    let length = bytes.iter().position(|b| matches!(b, b',' | b' ')).unwrap_or(bytes.len());
    parse_value(&bytes[..length]).map(|_| length)
}

fn parse_value(text: &[u8]) -> Result<Value<'static>, LineFault> {
    match text.first() {
        Some(b'0'..=b'9' | b'.' | b'-' | b'N' | b'n') => number::strict(text),
        _ => match boolean(text) {
            Some((value, length)) if length == text.len() => Ok(value),
            _ => Err(LineFault::InvalidBoolean),
        },
    }
}

/// Reads well-formed fields.
fn read_fields<'a>(text: &'a str, line: &mut Line<'a>) -> Result<(), LineFault> {
    line.fields.clear();
    let mut rest = text;
    loop {
        let key_length = unescaped_equals(rest.as_bytes()).ok_or(LineFault::InvalidFieldFormat)?;
        let key = &rest[..key_length];
        if key.is_empty() {
            return Err(LineFault::MissingFieldKey);
        }
        rest = &rest[key_length + 1..];
        let length = value_length(rest.as_bytes());
        let value = match rest[..length].strip_prefix('"') {
            None => parse_value(&rest.as_bytes()[..length])?,
            Some(string) => match string.strip_suffix('"') {
                Some(string) if closing_quote(string.as_bytes()).is_none() => Value::String(string),
                _ => return Err(LineFault::InvalidFieldFormat),
            },
        };
        line.fields.push(Field { key, value });
        if length == rest.len() {
            return Ok(());
        }
        rest = &rest[length + 1..];
    }
}

fn unescaped_equals(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| bytes[*at] == b'=' && (*at == 0 || bytes[*at - 1] != b'\\'))
}

/// The length of the value that `bytes` start with: up to a comma outside of quotes.
fn value_length(bytes: &[u8]) -> usize {
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\\')) => at += 1,
            b'"' => quoted = !quoted,
            b',' if !quoted => break,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

/// The first quote that no backslash escapes.
fn closing_quote(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// The timestamp in what follows the fields.
fn parse_time(text: &str, precision: Precision) -> Result<Option<i64>, LineFault> {
    let text = &text[skip_blanks(text.as_bytes())..];
    let end = text.find([' ', '\n']).unwrap_or(text.len());
    let (time, rest) = text.split_at(end);
    let digits = time.strip_prefix('-').unwrap_or(time);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LineFault::BadTimestamp);
    }
    if time.is_empty() {
        return Ok(None);
    }
    if digits.is_empty() {
        return Err(LineFault::TimestampWithoutDigits);
    }
    let value: i64 = time.parse().map_err(|_| LineFault::TimestampOutOfRange(time.into()))?;
    let time_ns = precision.to_ns(value).ok_or(LineFault::TimeOutOfRange)?;
    match rest.bytes().all(|b| b == b' ') {
        true => Ok(Some(time_ns)),
        false => Err(LineFault::PointInvalid),
    }
}
