//! Names, strings, regular expressions and durations as literals.

use std::fmt::Write as _;

use crate::keyword::Keyword;

const NS_PER_US: i64 = 1_000;
const NS_PER_MS: i64 = 1_000 * NS_PER_US;
const NS_PER_S: i64 = 1_000 * NS_PER_MS;
const NS_PER_M: i64 = 60 * NS_PER_S;
const NS_PER_H: i64 = 60 * NS_PER_M;
const NS_PER_D: i64 = 24 * NS_PER_H;
const NS_PER_W: i64 = 7 * NS_PER_D;

/// A name as it must be written: bare when it can be, else in double quotes.
///
/// ```
/// assert_eq!(influxql::quote_ident("cpu"), "cpu");
/// assert_eq!(influxql::quote_ident("cpu load"), r#""cpu load""#);
/// assert_eq!(influxql::quote_ident("select"), r#""select""#);
/// ```
pub fn quote_ident(name: &str) -> String {
    if needs_quotes(name) { force_quote_ident(name) } else { name.to_owned() }
}

/// A name in double quotes.
pub(crate) fn force_quote_ident(name: &str) -> String {
    quoted(name, '"')
}

/// A string literal in single quotes.
///
/// ```
/// assert_eq!(influxql::quote_string("it's"), r"'it\'s'");
/// ```
pub fn quote_string(text: &str) -> String {
    quoted(text, '\'')
}

fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(quote);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// True for what cannot be written bare: the empty name, keywords, and anything but letters,
/// digits and underscores (with no digit first).
fn needs_quotes(name: &str) -> bool {
    let mut bytes = name.bytes();
    let Some(first) = bytes.next() else { return true };
    let bare = (first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    !bare || Keyword::lookup(name).is_some()
}

/// A regular expression literal; only the slash is escaped.
pub(crate) fn quote_regex(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 2);
    out.push('/');
    for c in source.chars() {
        if c == '/' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('/');
    out
}

/// A duration literal in the largest unit that divides it: `90m`, `1w`, `0s`.
///
/// ```
/// assert_eq!(influxql::format_duration(5_400_000_000_000), "90m");
/// ```
pub fn format_duration(ns: i64) -> String {
    const UNITS: [(i64, &str); 7] = [
        (NS_PER_W, "w"),
        (NS_PER_D, "d"),
        (NS_PER_H, "h"),
        (NS_PER_M, "m"),
        (NS_PER_S, "s"),
        (NS_PER_MS, "ms"),
        (NS_PER_US, "u"),
    ];
    if ns == 0 {
        return "0s".to_owned();
    }
    for (unit_ns, name) in UNITS {
        if ns % unit_ns == 0 {
            return format!("{}{name}", ns / unit_ns);
        }
    }
    format!("{ns}ns")
}

/// A duration as Go prints it (`1h30m0s`, `1.5s`, `0s`), as SHOW RETENTION POLICIES and error
/// texts do.
///
/// ```
/// assert_eq!(influxql::format_go_duration(604_800_000_000_000), "168h0m0s");
/// assert_eq!(influxql::format_go_duration(1_500_000), "1.5ms");
/// ```
pub fn format_go_duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    if ns == 0 {
        return "0s".to_owned();
    }
    if ns < NS_PER_S.unsigned_abs() {
        let (unit_ns, unit) = if ns < NS_PER_US.unsigned_abs() {
            (1, "ns")
        } else if ns < NS_PER_MS.unsigned_abs() {
            (NS_PER_US.unsigned_abs(), "µs")
        } else {
            (NS_PER_MS.unsigned_abs(), "ms")
        };
        return format!("{sign}{}{unit}", decimal(ns, unit_ns));
    }
    let (hours, rest) = (ns / NS_PER_H.unsigned_abs(), ns % NS_PER_H.unsigned_abs());
    let (minutes, rest) = (rest / NS_PER_M.unsigned_abs(), rest % NS_PER_M.unsigned_abs());
    let mut out = String::from(sign);
    // Writing to a String cannot fail.
    if hours > 0 {
        let _ = write!(out, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(out, "{minutes}m");
    }
    let _ = write!(out, "{}s", decimal(rest, NS_PER_S.unsigned_abs()));
    out
}

/// `n / unit` as a decimal number without trailing zeros; `unit` is a power of ten.
fn decimal(n: u64, unit: u64) -> String {
    let (whole, fraction) = (n / unit, n % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = unit.ilog10() as usize;
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// A name of several segments as error texts show it: every segment but the last in quotes, an
/// empty one only at the ends.
pub(crate) fn quote_segments(segments: &[String]) -> String {
    let last = segments.len().saturating_sub(1);
    let mut out = String::new();
    for (i, segment) in segments.iter().enumerate() {
        if i > 0 {
            out.push('.');
        }
        match segment.as_str() {
            "" if i > 0 && i < last => {}
            segment if i < last => out.push_str(&quoted(segment, '"')),
            segment => out.push_str(&quote_ident(segment)),
        }
    }
    out
}
