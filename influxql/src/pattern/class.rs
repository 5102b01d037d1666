//! Character classes: brackets, `\d`, `\pL`.
//!
//! A class becomes a Rust class with what was in the brackets side by side: characters and ranges in
//! hexadecimal, named classes as nested brackets.

use regex_syntax::hir::{Class, HirKind};

use super::PatternError;
use super::escape::{next_char, read_escape, write_literal};

/// A class in Rust's syntax, and how many ranges of characters it has.
pub(super) struct ClassText {
    pub(super) text: String,
    pub(super) ranges: usize,
}

const BAD_RANGE: &str = "invalid character class range";

/// Which characters no string contains: the halves of surrogate pairs.
const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;

/// Matches nothing.
pub(super) const EMPTY_CLASS: &str = r"[^\x{0}-\x{10FFFF}]";

/// The names that may stand in `[[:name:]]`, and `\d`, `\s`, `\w`: ASCII, whatever the flags.
const ASCII_CLASSES: [(&str, &str); 17] = [
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", r"\x{0}-\x{7F}"),
    ("blank", r"\x{9}\x{20}"),
    ("cntrl", r"\x{0}-\x{1F}\x{7F}"),
    ("digit", "0-9"),
    ("graph", r"\x{21}-\x{7E}"),
    ("lower", "a-z"),
    ("print", r"\x{20}-\x{7E}"),
    ("punct", r"\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}"),
    ("space", r"\x{9}-\x{D}\x{20}"),
    ("upper", "A-Z"),
    ("word", r"0-9A-Za-z\x{5F}"),
    ("xdigit", "0-9A-Fa-f"),
    // Perl's, which differ from their namesakes: `\s` has no vertical tab.
    ("d", "0-9"),
    ("s", r"\x{9}\x{A}\x{C}\x{D}\x{20}"),
    ("w", r"0-9A-Za-z\x{5F}"),
];

/// Go's general categories.
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// `\d` and its like, if the text begins with one.
pub(super) fn read_perl(text: &str) -> Option<(ClassText, &str)> {
    let letter = text.strip_prefix('\\')?.get(..1)?;
    let (negated, name) = match letter {
        "d" | "s" | "w" => (false, letter.to_owned()),
        "D" | "S" | "W" => (true, letter.to_ascii_lowercase()),
        _ => return None,
    };
    Some((ascii_class(&name, negated)?, &text[2..]))
}

fn ascii_class(name: &str, negated: bool) -> Option<ClassText> {
    let (_, body) = ASCII_CLASSES.iter().find(|(known, _)| *known == name)?;
    let sign = if negated { "^" } else { "" };
    Some(ClassText { text: format!("[{sign}{body}]"), ranges: 5 })
}

/// `\pL`, `\p{Greek}`, `\P{^L}` and so on, if the text begins with one.
pub(super) fn read_unicode(text: &str) -> Result<Option<(ClassText, &str)>, PatternError> {
    let mut negated = match text.as_bytes() {
        [b'\\', b'p', ..] => false,
        [b'\\', b'P', ..] => true,
        _ => return Ok(None),
    };
    let mut rest = &text[2..];
    let mut name;
    if rest.starts_with('{') {
        let Some(end) = text.find('}') else {
            return Err(PatternError::new(BAD_RANGE, text));
        };
        name = &text[3..end];
        rest = &text[end + 1..];
    } else {
        let all = rest;
        next_char(&mut rest);
        name = &all[..all.len() - rest.len()];
    }
    let whole = &text[..text.len() - rest.len()];
    if let Some(positive) = name.strip_prefix('^') {
        negated = !negated;
        name = positive;
    }
    match unicode_class(name, negated) {
        Some(class) => Ok(Some((class, rest))),
        None => Err(PatternError::new(BAD_RANGE, whole)),
    }
}

fn unicode_class(name: &str, negated: bool) -> Option<ClassText> {
    let sign = if negated { "P" } else { "p" };
    let text = match name {
        "Any" if negated => return Some(ClassText { text: EMPTY_CLASS.to_owned(), ranges: 1 }),
        "Any" => r"[\x{0}-\x{10FFFF}]".to_owned(),
        "Cs" if negated => r"[\x{0}-\x{10FFFF}]".to_owned(),
        "Cs" => return Some(ClassText { text: EMPTY_CLASS.to_owned(), ranges: 1 }),
        // Go's C has no unassigned characters.
        "C" if negated => r"[^\p{Cc}\p{Cf}\p{Co}]".to_owned(),
        "C" => r"[\p{Cc}\p{Cf}\p{Co}]".to_owned(),
        name if CATEGORIES.contains(&name) => format!(r"\{sign}{{gc={name}}}"),
        name if is_script(name) => format!(r"\{sign}{{sc={name}}}"),
        _ => return None,
    };
    let hir = regex_syntax::parse(&text).ok()?;
    let ranges = match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => class.ranges().len(),
        _ => 1,
    };
    Some(ClassText { text, ranges })
}

/// Go writes scripts as `Greek` or `Old_Italic`; Rust would take any spelling.
fn is_script(name: &str) -> bool {
    !name.is_empty()
        && name.split('_').all(|word| {
            word.starts_with(|c: char| c.is_ascii_uppercase())
                && word.bytes().all(|b| b.is_ascii_alphabetic())
        })
}

/// `[…]`; the text begins with the bracket. `last_end` is the length of the expression from its last
/// `:]` on, so that a thousand `[:` without one are not each looked up to the end; 0 without any.
pub(super) fn read_bracket(text: &str, last_end: usize) -> Result<(ClassText, &str), PatternError> {
    let mut rest = &text[1..];
    let mut class = ClassText { text: String::from("["), ranges: 0 };
    if let Some(positive) = rest.strip_prefix('^') {
        class.text.push('^');
        rest = positive;
    }
    let mut first = true;
    loop {
        // A bracket in the first place is a character.
        if !first && let Some(after) = rest.strip_prefix(']') {
            rest = after;
            break;
        }
        first = false;
        rest = read_item(rest, text, last_end, &mut class)?;
    }
    if class.text == "[" || class.text == "[^" {
        // Only surrogates were in it.
        let all = class.text == "[^";
        class.text = if all { r"[\x{0}-\x{10FFFF}]".into() } else { EMPTY_CLASS.into() };
        return Ok((class, rest));
    }
    class.text.push(']');
    Ok((class, rest))
}

/// One item of a class: a named class, a character or a range.
fn read_item<'a>(
    text: &'a str,
    whole: &str,
    last_end: usize,
    class: &mut ClassText,
) -> Result<&'a str, PatternError> {
    if text.starts_with("[:")
        && last_end > 0
        && text.len() >= "[:".len() + last_end
        && let Some(end) = text[2..].find(":]")
    {
        let name = &text[2..2 + end];
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (true, name),
            None => (false, name),
        };
        // One letter would find one of Perl's classes.
        let Some(named) = (name.len() > 1).then(|| ascii_class(name, negated)).flatten() else {
            return Err(PatternError::new(BAD_RANGE, &text[..end + 4]));
        };
        class.add(&named);
        return Ok(&text[end + 4..]);
    }
    if let Some((named, rest)) = read_unicode(text)? {
        class.add(&named);
        return Ok(rest);
    }
    if let Some((named, rest)) = read_perl(text) {
        class.add(&named);
        return Ok(rest);
    }
    let (low, mut rest) = read_class_char(text, whole)?;
    let mut high = low;
    // A minus before the closing bracket is a character.
    if rest.starts_with('-') && !rest.starts_with("-]") && rest.len() > 1 {
        (high, rest) = read_class_char(&rest[1..], whole)?;
        if high < low {
            return Err(PatternError::new(BAD_RANGE, &text[..text.len() - rest.len()]));
        }
    }
    class.add_range(low, high);
    Ok(rest)
}

fn read_class_char<'a>(text: &'a str, whole: &str) -> Result<(u32, &'a str), PatternError> {
    if text.starts_with('\\') {
        return read_escape(text);
    }
    let mut rest = text;
    match next_char(&mut rest) {
        Some(c) => Ok((u32::from(c), rest)),
        None => Err(PatternError::new("missing closing ]", whole)),
    }
}

impl ClassText {
    fn add(&mut self, other: &ClassText) {
        self.text.push_str(&other.text);
        self.ranges += other.ranges;
    }

    fn add_range(&mut self, low: u32, high: u32) {
        let below = (low, high.min(SURROGATES.start() - 1));
        let above = (low.max(SURROGATES.end() + 1), high);
        for (low, high) in [below, above] {
            if low <= high {
                write_literal(&mut self.text, low);
                if low != high {
                    self.text.push('-');
                    write_literal(&mut self.text, high);
                }
                self.ranges += 1;
            }
        }
    }
}
