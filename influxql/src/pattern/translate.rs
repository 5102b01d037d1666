//! Go's grammar of regular expressions, read and written anew in Rust's.
//!
//! In: an expression in Go's syntax. Out: text for the `regex` crate that matches the same, and an
//! estimate of what its program costs; or Go's error. The reader keeps one [`Level`] per open group
//! and no tree: what a repetition applies to is the end of the text written so far.

use super::PatternError;
use super::class::{ClassText, EMPTY_CLASS, read_bracket, read_perl, read_unicode};
use super::escape::{next_char, read_escape, write_literal};

/// The largest count in `{n,m}`, and the largest product of nested counts.
const REPEAT_MAX: u32 = 1000;

/// How deep groups may nest; the `regex` crate refuses more than 250.
const GROUP_DEPTH_MAX: usize = 200;

/// An expression this many times as expensive as allowed is given up without a look at the rest of
/// its syntax.
const HOPELESS: usize = 4;

/// What the shortest expression costs: compiling has a fixed part.
const COST_MIN: usize = 50;

const BAD_SYNTAX: &str = "invalid or unsupported Perl syntax";
const TOO_LARGE: &str = "expression too large";
const MISSING_ARGUMENT: &str = "missing argument to repetition operator";

/// An expression in Rust's syntax.
pub(super) struct Translated {
    pub(super) text: String,
    /// What its program costs, in literal characters.
    pub(super) cost: usize,
}

/// Translates an expression whose program may cost no more than `cost_max`.
pub(super) fn translate(source: &str, cost_max: usize) -> Result<Translated, PatternError> {
    let mut translator = Translator {
        source,
        out: String::with_capacity(source.len()),
        levels: vec![Level { cost: COST_MIN, ..Level::default() }],
        pending_flags: String::new(),
        last_class_end: source.rfind(":]").map_or(0, |at| source.len() - at),
        written_cost: 0,
        written_cost_max: cost_max.saturating_mul(HOPELESS),
    };
    translator.run()?;
    let cost = translator.level().cost;
    if cost > cost_max {
        return Err(PatternError::new(TOO_LARGE, source));
    }
    Ok(Translated { text: translator.out, cost })
}

/// An open group, or the whole expression.
#[derive(Default)]
struct Level {
    /// What was written in it costs this much.
    cost: usize,
    /// The largest product of nested counts in it.
    repeats: u32,
    /// What a repetition would apply to.
    last: Option<Atom>,
}

#[derive(Clone, Copy)]
struct Atom {
    cost: usize,
    repeats: u32,
}

struct Translator<'a> {
    source: &'a str,
    out: String,
    /// Never empty: the first is the whole expression.
    levels: Vec<Level>,
    /// `(?i)` and the like, held back until something follows that they apply to: `a(?i)*` repeats
    /// the `a`.
    pending_flags: String,
    /// The length of the expression from its last `:]` on.
    last_class_end: usize,
    /// What was written so far costs at least this much.
    written_cost: usize,
    /// Where to give up.
    written_cost_max: usize,
}

/// `{n,m}` or one of `*`, `+`, `?`.
#[derive(Clone, Copy)]
struct Repeat {
    min: u32,
    /// `None` is without bound.
    max: Option<u32>,
}

impl<'a> Translator<'a> {
    fn run(&mut self) -> Result<(), PatternError> {
        let mut rest = self.source;
        // Where the repetition before this item began, if there was one.
        let mut repeated_from: Option<&str> = None;
        while !rest.is_empty() {
            let item = rest;
            let (after, is_repetition) = match item.as_bytes()[0] {
                b'*' | b'+' | b'?' | b'{' => self.repetition(item, repeated_from)?,
                _ => (self.item(item)?, false),
            };
            rest = after;
            repeated_from = is_repetition.then_some(item);
            if self.written_cost > self.written_cost_max {
                return Err(PatternError::new(TOO_LARGE, self.source));
            }
        }
        if self.levels.len() > 1 {
            return Err(PatternError::new("missing closing )", self.source));
        }
        Ok(())
    }

    /// Translates what `item` begins with, which is no repetition, and gives what follows it.
    fn item(&mut self, item: &'a str) -> Result<&'a str, PatternError> {
        match item.as_bytes()[0] {
            b'(' if item.starts_with("(?") => return self.special_group(item),
            b'(' => self.open("(")?,
            b')' => self.close()?,
            b'|' => {
                self.out.push('|');
                self.level().last = None;
            }
            b'^' | b'$' => self.atom(&item[..1], 1),
            b'.' => self.atom(".", 8),
            b'[' => {
                let (class, after) = read_bracket(item, self.last_class_end)?;
                self.class(&class);
                return Ok(after);
            }
            b'\\' => return self.backslash(item),
            _ => {
                let mut rest = item;
                if let Some(c) = next_char(&mut rest) {
                    self.literal(u32::from(c));
                }
                return Ok(rest);
            }
        }
        Ok(&item[1..])
    }

    /// Translates the repetition that `item` begins with. Gives what follows it, and whether it was one: a brace may also be
    /// a character.
    fn repetition(
        &mut self,
        item: &'a str,
        repeated_from: Option<&str>,
    ) -> Result<(&'a str, bool), PatternError> {
        let simple = |min, max| Repeat { min, max };
        let (repeat, is_counted, after) = match item.as_bytes()[0] {
            b'*' => (simple(0, None), false, &item[1..]),
            b'+' => (simple(1, None), false, &item[1..]),
            b'?' => (simple(0, Some(1)), false, &item[1..]),
            _ => match read_counts(item) {
                Some((Some(counts), after)) => (counts, true, after),
                Some((None, after)) => {
                    let part = &item[..item.len() - after.len()];
                    return Err(PatternError::new("invalid repeat count", part));
                }
                None => {
                    self.literal(u32::from('{'));
                    return Ok((&item[1..], false));
                }
            },
        };
        Ok((self.repeat(repeat, is_counted, item, after, repeated_from)?, true))
    }

    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().expect("the level of the whole expression is never closed")
    }

    /// Writes something that a repetition may follow.
    fn atom(&mut self, text: &str, cost: usize) {
        self.flush_flags();
        self.written_cost = self.written_cost.saturating_add(cost);
        self.out.push_str(text);
        self.add(Atom { cost, repeats: 1 });
    }

    fn add(&mut self, atom: Atom) {
        let level = self.level();
        level.cost = level.cost.saturating_add(atom.cost);
        level.repeats = level.repeats.max(atom.repeats);
        level.last = Some(atom);
    }

    fn flush_flags(&mut self) {
        self.out.push_str(&self.pending_flags);
        self.pending_flags.clear();
    }

    fn literal(&mut self, value: u32) {
        if char::from_u32(value).is_none() {
            self.atom(EMPTY_CLASS, 1);
            return;
        }
        self.flush_flags();
        write_literal(&mut self.out, value);
        self.add(Atom { cost: 1, repeats: 1 });
    }

    fn class(&mut self, class: &ClassText) {
        // A range of characters becomes some sequences of byte ranges.
        self.atom(&class.text, 4 * class.ranges.max(1));
    }

    fn open(&mut self, text: &str) -> Result<(), PatternError> {
        if self.levels.len() > GROUP_DEPTH_MAX {
            return Err(PatternError::new("expression nests too deeply", self.source));
        }
        self.flush_flags();
        self.out.push_str(text);
        self.levels.push(Level::default());
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        if self.levels.len() == 1 {
            return Err(PatternError::new("unexpected )", self.source));
        }
        self.pending_flags.clear();
        self.out.push(')');
        let Level { cost, repeats, .. } = self.levels.pop().unwrap_or_default();
        self.add(Atom { cost: cost.saturating_add(2), repeats: repeats.max(1) });
        Ok(())
    }

    /// Repeats what was written last. `item` begins with the operator, `after` is what follows it.
    fn repeat(
        &mut self,
        repeat: Repeat,
        counted: bool,
        item: &'a str,
        after: &'a str,
        repeated_from: Option<&str>,
    ) -> Result<&'a str, PatternError> {
        let (lazy, after) = match after.strip_prefix('?') {
            Some(after) => (true, after),
            None => (false, after),
        };
        let operator = &item[..item.len() - after.len()];
        if let Some(from) = repeated_from {
            let part = &from[..from.len() - after.len()];
            return Err(PatternError::new("invalid nested repetition operator", part));
        }
        let Some(last) = self.level().last else {
            return Err(PatternError::new(MISSING_ARGUMENT, operator));
        };
        let mut repeats = last.repeats;
        let times = repeat.max.unwrap_or(repeat.min);
        if counted {
            // A count of zero drops what is below from the program.
            repeats = if times == 0 { 0 } else { repeats.max(1).saturating_mul(times) };
            if (repeat.min >= 2 || times >= 2) && repeats > REPEAT_MAX {
                return Err(PatternError::new("invalid repeat count", operator));
            }
        }
        self.out.push_str(&operator_text(repeat, counted));
        if lazy {
            self.out.push('?');
        }
        let copies = usize::try_from(times.max(1)).unwrap_or(usize::MAX);
        let level = self.level();
        level.cost -= last.cost;
        self.add(Atom { cost: last.cost.saturating_mul(copies).saturating_add(1), repeats });
        Ok(after)
    }

    fn backslash(&mut self, item: &'a str) -> Result<&'a str, PatternError> {
        match item.as_bytes().get(1) {
            Some(b'A') => self.atom(r"\A", 1),
            // Go's word boundaries are ASCII.
            Some(b'b') => self.atom(r"(?-u:\b)", 1),
            Some(b'B') => self.atom(NOT_WORD_BOUNDARY, 8),
            Some(b'z') => self.atom(r"\z", 1),
            Some(b'C') => {
                return Err(PatternError::new("invalid escape sequence", &item[..2]));
            }
            Some(b'Q') => {
                let text = &item[2..];
                let (quoted, after) = text.split_once(r"\E").unwrap_or((text, ""));
                for c in quoted.chars() {
                    self.literal(u32::from(c));
                }
                return Ok(after);
            }
            _ => {
                if let Some((class, after)) = read_unicode(item)? {
                    self.class(&class);
                    return Ok(after);
                }
                if let Some((class, after)) = read_perl(item) {
                    self.class(&class);
                    return Ok(after);
                }
                let (value, after) = read_escape(item)?;
                self.literal(value);
                return Ok(after);
            }
        }
        Ok(&item[2..])
    }

    /// `(?P<name>`, `(?flags)` or `(?flags:`.
    fn special_group(&mut self, item: &'a str) -> Result<&'a str, PatternError> {
        // Go wants more than the opening itself to take it for a name.
        if item.len() > 4 && item.starts_with("(?P<") {
            let Some(end) = item.find('>') else {
                return Err(PatternError::new("invalid named capture", item));
            };
            let name = &item[4..end];
            let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !valid {
                return Err(PatternError::new("invalid named capture", &item[..=end]));
            }
            // Nobody asks for the group by its name, and Go's names need not be valid in Rust.
            self.open("(")?;
            return Ok(&item[end + 1..]);
        }
        let mut rest = &item[2..];
        let mut set = String::new();
        let mut cleared = String::new();
        let mut negative = false;
        let mut seen = false;
        while let Some(c) = next_char(&mut rest) {
            match c {
                'i' | 'm' | 's' | 'U' => {
                    let (flags, other) = match negative {
                        true => (&mut cleared, &mut set),
                        false => (&mut set, &mut cleared),
                    };
                    other.retain(|flag| flag != c);
                    if !flags.contains(c) {
                        flags.push(c);
                    }
                    seen = true;
                }
                '-' if !negative => {
                    negative = true;
                    seen = false;
                }
                ':' | ')' if seen || !negative => {
                    return self.flags(&set, &cleared, c == ':').map(|()| rest);
                }
                _ => break,
            }
        }
        Err(PatternError::new(BAD_SYNTAX, &item[..item.len() - rest.len()]))
    }

    fn flags(&mut self, set: &str, cleared: &str, group: bool) -> Result<(), PatternError> {
        let minus = if cleared.is_empty() { "" } else { "-" };
        if group {
            return self.open(&format!("(?{set}{minus}{cleared}:"));
        }
        if !set.is_empty() || !cleared.is_empty() {
            self.pending_flags.push_str(&format!("(?{set}{minus}{cleared})"));
        }
        Ok(())
    }
}

/// Not between an ASCII word character and another.
const NOT_WORD_BOUNDARY: &str = r"(?-u:\B)";

fn operator_text(repeat: Repeat, counted: bool) -> String {
    match (repeat, counted) {
        (Repeat { min: 0, max: None }, false) => "*".to_owned(),
        (Repeat { min: 1, max: None }, false) => "+".to_owned(),
        (Repeat { min: 0, max: Some(1) }, false) => "?".to_owned(),
        (Repeat { min, max: None }, _) => format!("{{{min},}}"),
        (Repeat { min, max: Some(max) }, _) => format!("{{{min},{max}}}"),
    }
}

/// `{n}`, `{n,}` or `{n,m}` and what follows it. The outer `None`: this is none of them, so the brace
/// is a character. The inner: the numbers are no good.
fn read_counts(item: &str) -> Option<(Option<Repeat>, &str)> {
    let mut rest = &item[1..];
    let min = read_count(&mut rest)?;
    let max = if let Some(after) = rest.strip_prefix(',') {
        rest = after;
        if rest.starts_with('}') { None } else { Some(read_count(&mut rest)?) }
    } else {
        Some(min)
    };
    let rest = rest.strip_prefix('}')?;
    let valid = min <= REPEAT_MAX && max.is_none_or(|max| (min..=REPEAT_MAX).contains(&max));
    Some((valid.then_some(Repeat { min, max }), rest))
}

/// A number without leading zeros; one that is too large comes as the largest.
fn read_count(rest: &mut &str) -> Option<u32> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let text = &rest[..digits];
    if digits == 0 || (digits > 1 && text.starts_with('0')) {
        return None;
    }
    *rest = &rest[digits..];
    Some(text.parse().unwrap_or(u32::MAX))
}
