//! Go's regular expressions in the syntax of the crate `regex`. Text in, text out.
//!
//! Both descend from RE2 and match alike, except where this file steps in:
//!
//! | Go | meant | written here |
//! |---|---|---|
//! | `\d \w \s \D \W \S` | ASCII only, and `\s` without vertical tab | a class |
//! | `\b \B` | ASCII only | `(?-u:\b)` |
//! | `\Q…\E` | literal text | escaped text |
//! | `\101` | a byte in octal | `\x{41}` |
//! | `\<` | a literal `<` | `<` |
//! | `\p{^Greek}` | not Greek | `\P{Greek}` |
//! | `a{`, `a{,5}` | a literal brace | `\{` |
//! | `[` and `&& -- ~~` in a class | literal | escaped |

use regex::bytes::{Regex, RegexBuilder};
use std::iter::Peekable;
use std::str::Chars;

/// Bytes that a compiled expression may take. The crate's own default, named because it is what stands
/// between a user's pattern and our memory.
const COMPILED_BYTES_MAX: usize = 10 << 20;

/// Compiles a pattern in Go's syntax.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&translate(pattern)).size_limit(COMPILED_BYTES_MAX).build()
}

/// Rewrites a pattern. What is wrong stays wrong, for the compiler to refuse.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut out, &mut rest, false),
            '[' => class(&mut out, &mut rest),
            '{' if !is_repetition(rest.clone()) => out.push_str("\\{"),
            // A brace that closes no repetition is literal in both.
            c => out.push(c),
        }
    }
    out
}

/// Whether what follows a `{` makes it a repetition: `n}`, `n,}` or `n,m}`.
fn is_repetition(rest: Peekable<Chars<'_>>) -> bool {
    let inside: String = rest.take_while(|c| *c != '}' && (c.is_ascii_digit() || *c == ',')).collect();
    // `take_while` stops at the first character that cannot belong; it must have been the brace.
    let closed = |inside: &str, rest: &mut dyn Iterator<Item = char>| rest.nth(inside.len()) == Some('}');
    let mut parts = inside.splitn(2, ',');
    let first_is_number = parts.next().is_some_and(|first| !first.is_empty());
    let no_third = parts.next().is_none_or(|second| !second.contains(','));
    first_is_number && no_third && closed(&inside, &mut inside.clone().chars().chain(['}']))
}

/// Rewrites what follows a backslash.
fn escape(out: &mut String, rest: &mut Peekable<Chars<'_>>, in_class: bool) {
    let Some(c) = rest.next() else {
        out.push('\\');
        return;
    };
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        'b' | 'B' if !in_class => {
            out.push_str("(?-u:\\");
            out.push(c);
            out.push(')');
        }
        'Q' if !in_class => quoted(out, rest),
        // The end of a quotation that was never begun: Go takes it as nothing.
        'E' if !in_class => {}
        '0'..='7' => octal(out, rest, c),
        '<' | '>' => out.push(c),
        'p' | 'P' => property(out, rest, c),
        c => {
            out.push('\\');
            out.push(c);
        }
    }
}

/// Copies literal text up to `\E`.
fn quoted(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next() {
        if c == '\\' && rest.peek() == Some(&'E') {
            rest.next();
            return;
        }
        out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

/// `\0` to `\777`. A single digit other than 0 would be a back reference, which neither knows.
fn octal(out: &mut String, rest: &mut Peekable<Chars<'_>>, first: char) {
    let is_octal = |c: Option<&char>| c.is_some_and(|c| ('0'..='7').contains(c));
    if first != '0' && !is_octal(rest.peek()) {
        out.push('\\');
        out.push(first);
        return;
    }
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        if let Some(digit) = rest.peek().and_then(|c| c.to_digit(8)) {
            code = code * 8 + digit;
            rest.next();
        }
    }
    out.push_str(&format!("\\x{{{code:x}}}"));
}

fn property(out: &mut String, rest: &mut Peekable<Chars<'_>>, letter: char) {
    let mut ahead = rest.clone();
    let negated = ahead.next() == Some('{') && ahead.next() == Some('^');
    out.push('\\');
    if !negated {
        out.push(letter);
        return;
    }
    out.push(if letter == 'p' { 'P' } else { 'p' });
    out.push('{');
    *rest = ahead;
}

/// Copies a class up to its closing bracket, with what only the other syntax gives a meaning escaped.
fn class(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // A closing bracket at the beginning is literal.
    if rest.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    while let Some(c) = rest.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => escape(out, rest, true),
            '[' if rest.peek() == Some(&':') => {
                out.push('[');
                // A named class, up to and with its own closing bracket.
                for inner in rest.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' => out.push_str("\\["),
            '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if rest.peek() == Some(&'-') => {
                rest.next();
                out.push_str("-\\-");
            }
            c => out.push(c),
        }
    }
}
