//! Strings as Go's `encoding/json` and `encoding/csv` write them.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes that stop the fast copy in a JSON string: what is escaped, and the first byte of U+2028 and U+2029.
static JSON_SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[b'&' as usize] = true;
    table[0xe2] = true;
    table
};

/// Appends a JSON string, quotes included. Besides what JSON demands, `< > &` and the line separators U+2028 and
/// U+2029 are escaped, and backspace and form feed by number, as Go 1.19 does.
#[inline]
pub(super) fn push_json_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if !JSON_SPECIAL[byte as usize] {
            at += 1;
            continue;
        }
        if byte == 0xe2 {
            // U+2028 is e2 80 a8 and U+2029 is e2 80 a9.
            if bytes[at + 1] == 0x80 && bytes[at + 2] & 0xfe == 0xa8 {
                out.extend_from_slice(&bytes[copied..at]);
                out.extend_from_slice(if bytes[at + 2] == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                copied = at + 3;
            }
            at += 3;
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        push_escape(out, byte);
        at += 1;
        copied = at;
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

#[cold]
fn push_escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 0xf)]);
        }
    }
}

/// Appends a CSV field, in quotes where it needs them: a comma, a quote or a line break inside, white space in
/// front, or the text `\.`, which ends data in some databases.
#[inline]
pub(super) fn push_csv_field(out: &mut Vec<u8>, text: &str) {
    if !needs_quotes(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'"');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn needs_quotes(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    first.is_whitespace()
        || text == "\\."
        || text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
}
