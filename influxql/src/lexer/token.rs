//! Tokens.

use std::rc::Rc;

use crate::ast::BinaryOp;
use crate::error::Position;
use crate::keyword::Keyword;

/// One token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: Position,
    /// The value of names, literals and broken tokens; `None` where the kind says all.
    pub(crate) text: Option<Rc<str>>,
}

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Illegal,
    End,
    Space,
    Comment,
    Ident,
    BoundParam,
    Number,
    Integer,
    Duration,
    String,
    BadString,
    BadEscape,
    Regex,
    BadRegex,
    Op(BinaryOp),
    OpenParen,
    CloseParen,
    Comma,
    Colon,
    DoubleColon,
    Semicolon,
    Dot,
    Keyword(Keyword),
}

impl Token {
    pub(crate) fn new(kind: Kind, at: Position) -> Self {
        Self { kind, at, text: None }
    }

    pub(crate) fn with_text(kind: Kind, at: Position, text: &str) -> Self {
        Self { kind, at, text: Some(text.into()) }
    }

    /// The value; empty where there is none.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// What an error message calls this token.
    pub(crate) fn shown(&self) -> &str {
        match self.text() {
            "" => self.kind.as_str(),
            text => text,
        }
    }
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Illegal => "ILLEGAL",
            Self::End => "EOF",
            Self::Space => "WS",
            // InfluxDB 1.x has no name for it.
            Self::Comment => "",
            Self::Ident => "IDENT",
            Self::BoundParam => "BOUNDPARAM",
            Self::Number => "NUMBER",
            Self::Integer => "INTEGER",
            Self::Duration => "DURATIONVAL",
            Self::String => "STRING",
            Self::BadString => "BADSTRING",
            Self::BadEscape => "BADESCAPE",
            Self::Regex => "REGEX",
            Self::BadRegex => "BADREGEX",
            Self::Op(op) => op.as_str(),
            Self::OpenParen => "(",
            Self::CloseParen => ")",
            Self::Comma => ",",
            Self::Colon => ":",
            Self::DoubleColon => "::",
            Self::Semicolon => ";",
            Self::Dot => ".",
            Self::Keyword(word) => word.as_str(),
        }
    }

    /// The operator this token is between two operands.
    pub(crate) fn as_binary_op(self) -> Option<BinaryOp> {
        match self {
            Self::Op(op) => Some(op),
            Self::Keyword(Keyword::And) => Some(BinaryOp::And),
            Self::Keyword(Keyword::Or) => Some(BinaryOp::Or),
            _ => None,
        }
    }
}
