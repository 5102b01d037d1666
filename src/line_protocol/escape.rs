//! What a backslash means. It comes before a character that would otherwise end the part it stands in;
//! before any other character it stands for itself (InfluxDB 1.x, observed with 1.6.7):
//!
//! | position | escapes |
//! |---|---|
//! | measurement, field key | `\,` `\=` `\ ` `\"` |
//! | tag key, tag value | `\,` `\=` `\ ` |
//! | string | `\"` `\\` |

use memchr::memchr;
use std::borrow::Cow;

/// The measurement that `text` writes.
pub(super) fn measurement(text: &str) -> Cow<'_, str> {
    unescape(text, b",= \"")
}

/// The tag key or value that `text` writes.
pub(super) fn tag(text: &str) -> Cow<'_, str> {
    unescape(text, b",= ")
}

/// The field key that `text` writes.
pub(super) fn field_key(text: &str) -> Cow<'_, str> {
    unescape(text, b",= \"")
}

/// The string that `text`, without its quotes, writes.
pub(super) fn string(text: &str) -> Cow<'_, str> {
    unescape(text, b"\"\\")
}

#[inline]
fn unescape<'a>(text: &'a str, escaped: &[u8]) -> Cow<'a, str> {
    match memchr(b'\\', text.as_bytes()) {
        None => Cow::Borrowed(text),
        Some(first) => Cow::Owned(unescape_from(text, first, escaped)),
    }
}

fn unescape_from(text: &str, first: usize, escaped: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        match rest.as_bytes().get(at + 1) {
            Some(next) if escaped.contains(next) => {
                out.push(char::from(*next));
                rest = &rest[at + 2..];
            }
            _ => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}
