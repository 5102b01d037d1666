//! The series key: a tag set as one string whose byte order is the order of tag sets.
//!
//! ```text
//! key 0x01 value 0x01 key 0x01 value 0x01 …        tags sorted by key, bytewise
//! ```
//!
//! The separator is less than every byte of an escaped key or value, so that comparing two series
//! keys as bytes compares their tag sets pair by pair, and a prefix sorts first. Bytes 0x00, 0x01 and
//! 0x02 inside a key or value are escaped, in the same order, as 0x02 0x03, 0x02 0x04 and 0x02 0x05.
//! The result is valid UTF-8 without NUL, which every Parquet reader takes. A series without tags has
//! the empty key. Tags with an empty value do not exist and are left out.

use std::borrow::Cow;

/// What stands behind each key and each value.
pub const SEPARATOR: u8 = 0x01;
const ESCAPE: u8 = 0x02;
/// What an escaped byte is raised by: past separator and escape, so that both stay unmistakable.
const ESCAPE_SHIFT: u8 = 0x03;

/// The series key of `tags`, which must be sorted by key and bear no key twice.
#[must_use]
pub fn encode<K: AsRef<str>, V: AsRef<str>>(tags: impl IntoIterator<Item = (K, V)>) -> String {
    let mut out = String::new();
    encode_into(&mut out, tags);
    out
}

/// Appends the series key of `tags` to `out`; see [`encode`].
pub fn encode_into<K: AsRef<str>, V: AsRef<str>>(out: &mut String, tags: impl IntoIterator<Item = (K, V)>) {
    for (key, value) in tags {
        let value = value.as_ref();
        if value.is_empty() {
            continue;
        }
        push_escaped(out, key.as_ref());
        out.push(SEPARATOR as char);
        push_escaped(out, value);
        out.push(SEPARATOR as char);
    }
}

/// A key or value as it stands in a series key.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_escaped(&mut out, text);
    out
}

fn push_escaped(out: &mut String, text: &str) {
    if !text.bytes().any(|b| b <= ESCAPE) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '\0'..='\x02' => {
                out.push(ESCAPE as char);
                out.push((c as u8 + ESCAPE_SHIFT) as char);
            }
            c => out.push(c),
        }
    }
}

/// The tags of a series key, in order. A key that [`encode`] did not make yields what can be read
/// of it and never panics.
pub fn decode(series_key: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let bytes = series_key.as_bytes();
    // Almost no key has an escape: one look at the whole saves one at every part.
    let is_escaped = memchr::memchr(ESCAPE, bytes).is_some();
    let mut ends = memchr::memchr_iter(SEPARATOR, bytes).chain([bytes.len()]);
    let mut start = 0;
    let mut part = move || {
        let end = ends.next()?;
        let text = series_key.get(start..end)?;
        start = end + 1;
        Some(if is_escaped { unescape(text) } else { Cow::Borrowed(text) })
    };
    std::iter::from_fn(move || Some((part()?, part()?)))
}

/// The value of one tag of a series key, or `None` when the series lacks it.
#[must_use]
pub fn tag_value<'a>(series_key: &'a str, key: &str) -> Option<Cow<'a, str>> {
    decode(series_key).find(|(k, _)| k == key).map(|(_, v)| v)
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&ESCAPE) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == ESCAPE as char {
            out.extend(
                chars
                    .next()
                    .and_then(|e| (e as u32).checked_sub(u32::from(ESCAPE_SHIFT)))
                    .and_then(char::from_u32),
            );
        } else {
            out.push(c);
        }
    }
    out.into()
}
