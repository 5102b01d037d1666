//! Backslashes and literal characters.

use super::PatternError;

/// The character an escape stands for, and what follows it. `text` begins with the backslash.
///
/// Go's characters include the halves of surrogate pairs, which no string contains; hence `u32`.
pub(super) fn read_escape(text: &str) -> Result<(u32, &str), PatternError> {
    let mut rest = &text[1..];
    let Some(c) = next_char(&mut rest) else {
        return Err(PatternError::new("trailing backslash at end of expression", ""));
    };
    let value = match c {
        '0' => Some(read_octal(0, &mut rest)),
        // One digit alone would be a back reference.
        '1'..='7' if rest.starts_with(|d: char| ('0'..='7').contains(&d)) => {
            Some(read_octal(u32::from(c) - u32::from('0'), &mut rest))
        }
        'x' => read_hex(&mut rest),
        'a' => Some(0x07),
        'f' => Some(0x0c),
        'n' => Some(0x0a),
        'r' => Some(0x0d),
        't' => Some(0x09),
        'v' => Some(0x0b),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
        _ => None,
    };
    match value {
        Some(value) => Ok((value, rest)),
        None => {
            let read = &text[..text.len() - rest.len()];
            Err(PatternError::new("invalid escape sequence", read))
        }
    }
}

/// Takes the first character off a text.
pub(super) fn next_char(text: &mut &str) -> Option<char> {
    let mut chars = text.chars();
    let c = chars.next();
    *text = chars.as_str();
    c
}

/// Up to two more octal digits.
fn read_octal(first: u32, rest: &mut &str) -> u32 {
    let mut value = first;
    for _ in 0..2 {
        match rest.chars().next().and_then(|d| d.to_digit(8)) {
            Some(digit) => {
                value = value * 8 + digit;
                *rest = &rest[1..];
            }
            None => break,
        }
    }
    value
}

/// `41` or `{1F600}`, after `\x`. On failure `rest` is where Go stops reading.
fn read_hex(rest: &mut &str) -> Option<u32> {
    let first = next_char(rest)?;
    if first != '{' {
        let high = first.to_digit(16);
        let low = next_char(rest)?.to_digit(16);
        return Some(high? * 16 + low?);
    }
    let mut value = 0;
    let mut digits = 0;
    loop {
        let c = next_char(rest)?;
        if c == '}' {
            return (digits > 0).then_some(value);
        }
        value = value * 16 + c.to_digit(16)?;
        if value > u32::from(char::MAX) {
            return None;
        }
        digits += 1;
    }
}

/// Writes a character so that the `regex` crate takes it literally, in and out of a class.
pub(super) fn write_literal(out: &mut String, value: u32) {
    match char::from_u32(value) {
        Some(c) if c.is_ascii_alphanumeric() || !c.is_ascii() => out.push(c),
        _ => out.push_str(&format!("\\x{{{value:X}}}")),
    }
}
