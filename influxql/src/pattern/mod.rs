//! Regular expression literals.
//!
//! InfluxQL takes the expressions of Go's `regexp` package (RE2). In: the text between the slashes.
//! Out: a [`Pattern`], compiled by the `regex` crate, or the error Go gives. The two dialects differ
//! in small things that change what matches (`\d` is ASCII in Go and Unicode in Rust, `[` in a class
//! is a bracket in Go and a nested class in Rust, `(?)` and `[[=a=]]` are valid in Go alone), so the
//! text is not handed over but translated.
//!
//! | file        | what it does |
//! |-------------|--------------|
//! | `translate` | Go's grammar: groups, alternation, repetition |
//! | `class`     | brackets, `\d`, `\pL` |
//! | `escape`    | backslashes and literal characters |
//! | `error`     | Go's error texts |

mod class;
mod error;
mod escape;
mod translate;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{Hash, Hasher};

pub use self::error::PatternError;

/// The cost of all regular expressions of one text together, in units of one literal character of
/// compiled program. A unit costs at most some 200 ns and 100 bytes to compile, which bounds a
/// hostile text (`/\pL{100}/` again and again) to a fraction of a second. Within it are an
/// alternation of 10,000 host names of 20 characters, and some 4,000 small expressions.
pub const PROGRAM_COST_MAX: usize = 250_000;

/// What the `regex` crate may use for one program; the cost above trips first.
const PROGRAM_BYTES_MAX: usize = 64 << 20;

/// A regular expression. Two are equal when they are written the same.
#[derive(Clone)]
pub struct Pattern {
    source: Box<str>,
    regex: regex::Regex,
    program_cost: usize,
}

impl Pattern {
    /// Compiles an expression in Go's syntax, without slashes around it.
    ///
    /// ```
    /// use influxql::Pattern;
    ///
    /// assert!(Pattern::new("^host-[0-9]+$").is_ok_and(|hosts| hosts.is_match("host-7")));
    /// let error = Pattern::new("(").unwrap_err();
    /// assert_eq!(error.to_string(), "error parsing regexp: missing closing ): `(`");
    /// ```
    pub fn new(source: &str) -> Result<Self, PatternError> {
        Self::within(source, PROGRAM_COST_MAX)
    }

    /// Compiles an expression that may cost no more than this.
    pub(crate) fn within(source: &str, cost_max: usize) -> Result<Self, PatternError> {
        let translated = translate::translate(source, cost_max)?;
        let regex = regex::RegexBuilder::new(&translated.text)
            .size_limit(PROGRAM_BYTES_MAX)
            .build()
            .map_err(|_| PatternError::new("expression too large", source))?;
        Ok(Self { source: source.into(), regex, program_cost: translated.cost })
    }

    /// The expression as written between the slashes, in Go's syntax, with `\/` as `/`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The compiled expression, unanchored as in Go. Cheap to clone.
    pub fn regex(&self) -> &regex::Regex {
        &self.regex
    }

    /// True when the expression matches somewhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(crate) fn program_cost(&self) -> usize {
        self.program_cost
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}
