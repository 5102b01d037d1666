//! [`Pattern`]: a regular expression literal.

/// A regular expression that is known to compile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    source: String,
    translated: String,
}

impl Pattern {
    /// The pattern as written between the slashes, in Go's (RE2) syntax.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The pattern with the same meaning in the syntax of the `regex` crate.
    pub fn translated(&self) -> &str {
        &self.translated
    }
}
