//! Which characters get a backslash, and where: the inverse of what [`crate::line_protocol`] and InfluxDB 1.x take off.
//!
//! | position | always | behind a backslash |
//! |---|---|---|
//! | measurement | comma, blank | `=` `"` |
//! | tag key, tag value | comma, blank, `=` | |
//! | field key | comma, blank, `=` | `"` |
//! | string | `"` `\` | |
//!
//! Elsewhere a backslash stands for itself, so it is not doubled.

/// Appends a measurement.
pub(super) fn measurement(text: &str, out: &mut Vec<u8>) {
    push(text, b", ", b"=\"", out);
}

/// Appends a tag key or value.
pub(super) fn tag(text: &str, out: &mut Vec<u8>) {
    push(text, b",= ", b"", out);
}

/// Appends a field key.
pub(super) fn field_key(text: &str, out: &mut Vec<u8>) {
    push(text, b",= ", b"\"", out);
}

/// Appends what stands between the quotes of a string.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    push(text, b"\"\\", b"", out);
}

fn push(text: &str, always: &[u8], behind_backslash: &[u8], out: &mut Vec<u8>) {
    let mut before = b' ';
    for byte in text.bytes() {
        if always.contains(&byte) || before == b'\\' && behind_backslash.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
        before = byte;
    }
}
