//! [`ParseError`]: what is wrong with a text and where.

use std::fmt;

/// Why a text is not InfluxQL. The message is that of InfluxDB 1.x, without the
/// `error parsing query: ` that the server puts in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    message: String,
    position: Option<Position>,
}

/// A place in the text; line and character count from 0 and are shown counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Lines before this one.
    pub line: u32,
    /// Characters (not bytes) before this one in its line.
    pub char: u32,
}

impl ParseError {
    /// An error without a place.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None }
    }

    /// An error at a place.
    pub(crate) fn at(position: Position, message: impl Into<String>) -> Self {
        Self { message: message.into(), position: Some(position) }
    }

    /// The message without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, for the errors that InfluxDB 1.x gives a place.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.position {
            Some(at) => {
                write!(f, " at line {}, char {}", u64::from(at.line) + 1, u64::from(at.char) + 1)
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseError {}
