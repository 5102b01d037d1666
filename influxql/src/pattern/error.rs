//! [`PatternError`]: why an expression does not compile.

use std::fmt;

/// Why an expression does not compile, in the words of Go's `regexp` package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    reason: &'static str,
    /// The part of the expression that is wrong.
    part: String,
}

impl PatternError {
    pub(super) fn new(reason: &'static str, part: &str) -> Self {
        Self { reason, part: part.to_owned() }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.reason, self.part)
    }
}

impl std::error::Error for PatternError {}
