//! Characters to tokens.
//!
//! In: the text. Out: [`Token`]s one by one, whitespace and comments included, since some places of
//! the grammar care for them. A regular expression cannot be told from a division here; the parser
//! asks for one with [`Lexer::scan_regex`] where the grammar allows it.

mod reader;
mod token;

use self::reader::{END, Reader};
pub(crate) use self::token::{Kind, Token};
use crate::ast::BinaryOp;
use crate::error::Position;
use crate::keyword::Keyword;

pub(crate) struct Lexer<'a> {
    reader: Reader<'a>,
}

/// How a quoted text can be broken.
enum Broken {
    /// It does not end in its line.
    Open,
    /// A backslash stands before a character that has no escape.
    Escape,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { reader: Reader::new(text) }
    }

    /// The next character that no token has been made of.
    pub(crate) fn peek_char(&mut self) -> char {
        self.reader.peek()
    }

    /// The next token.
    pub(crate) fn scan(&mut self) -> Token {
        let (c, at) = self.reader.read();
        if is_space(c) {
            return self.scan_space(c, at);
        }
        if is_ident_start(c) || c == '"' {
            self.reader.unread();
            return self.scan_ident(true);
        }
        if c.is_ascii_digit() {
            return self.scan_number();
        }
        let kind = match c {
            END => Kind::End,
            '\'' => return self.scan_string(),
            '.' => {
                if self.digit_follows() {
                    return self.scan_number();
                }
                Kind::Dot
            }
            '$' => return self.scan_param(at),
            '-' => {
                if self.skip('-') {
                    self.skip_line();
                    Kind::Comment
                } else {
                    Kind::Op(BinaryOp::Subtract)
                }
            }
            '/' => {
                if self.skip('*') {
                    if self.skip_block() { Kind::Comment } else { Kind::Illegal }
                } else {
                    Kind::Op(BinaryOp::Divide)
                }
            }
            ':' => {
                if self.skip(':') {
                    Kind::DoubleColon
                } else {
                    Kind::Colon
                }
            }
            '(' => Kind::OpenParen,
            ')' => Kind::CloseParen,
            ',' => Kind::Comma,
            ';' => Kind::Semicolon,
            c => match self.scan_operator(c) {
                Some(op) => Kind::Op(op),
                None => return Token::with_text(Kind::Illegal, at, c.encode_utf8(&mut [0; 4])),
            },
        };
        Token::new(kind, at)
    }

    /// A regular expression from here on, slashes included. Its position is that of the character
    /// before it, as in InfluxDB 1.x.
    pub(crate) fn scan_regex(&mut self) -> Token {
        let (_, at) = self.reader.last();
        if self.reader.read().0 != '/' {
            return Token::new(Kind::BadRegex, at);
        }
        let mut source = String::new();
        loop {
            match self.reader.read().0 {
                '/' => return Token::with_text(Kind::Regex, at, &source),
                END | '\n' => return Token::new(Kind::BadRegex, at),
                '\\' => match self.reader.read().0 {
                    '/' => source.push('/'),
                    END => return Token::new(Kind::BadRegex, at),
                    _ => {
                        // The escape belongs to the expression, which is not read here.
                        self.reader.unread();
                        source.push('\\');
                    }
                },
                c => source.push(c),
            }
        }
    }

    fn skip(&mut self, wanted: char) -> bool {
        let found = self.reader.read().0 == wanted;
        if !found {
            self.reader.unread();
        }
        found
    }

    fn digit_follows(&mut self) -> bool {
        let found = self.reader.read().0.is_ascii_digit();
        self.reader.unread();
        found
    }

    fn scan_operator(&mut self, first: char) -> Option<BinaryOp> {
        Some(match first {
            '+' => BinaryOp::Add,
            '*' => BinaryOp::Multiply,
            '%' => BinaryOp::Modulo,
            '&' => BinaryOp::BitAnd,
            '|' => BinaryOp::BitOr,
            '^' => BinaryOp::BitXor,
            '=' if self.skip('~') => BinaryOp::Matches,
            '=' => BinaryOp::Equal,
            '!' if self.skip('=') => BinaryOp::NotEqual,
            '!' if self.skip('~') => BinaryOp::NotMatches,
            '>' if self.skip('=') => BinaryOp::GreaterEqual,
            '>' => BinaryOp::Greater,
            '<' if self.skip('=') => BinaryOp::LessEqual,
            '<' if self.skip('>') => BinaryOp::NotEqual,
            '<' => BinaryOp::Less,
            _ => return None,
        })
    }

    fn scan_space(&mut self, first: char, at: Position) -> Token {
        let mut text = String::from(first);
        loop {
            match self.reader.read().0 {
                END => break,
                c if is_space(c) => text.push(c),
                _ => {
                    self.reader.unread();
                    break;
                }
            }
        }
        Token::with_text(Kind::Space, at, &text)
    }

    fn skip_line(&mut self) {
        while !matches!(self.reader.read().0, '\n' | END) {}
    }

    /// Skips to the end of a block comment; false when it has none.
    fn skip_block(&mut self) -> bool {
        let mut star = false;
        loop {
            match self.reader.read().0 {
                END => return false,
                '/' if star => return true,
                c => star = c == '*',
            }
        }
    }

    fn scan_param(&mut self, at: Position) -> Token {
        let name = self.scan_ident(false);
        let kind = if name.kind == Kind::Ident { Kind::BoundParam } else { name.kind };
        Token::with_text(kind, at, &format!("${}", name.text()))
    }

    /// A bare or quoted name. Bare letters directly before a quoted name are lost, as in
    /// InfluxDB 1.x.
    fn scan_ident(&mut self, keywords: bool) -> Token {
        let (_, at) = self.reader.read();
        self.reader.unread();
        let mut name = String::new();
        loop {
            match self.reader.read().0 {
                END => break,
                '"' => {
                    let quoted = self.scan_string();
                    return match quoted.kind {
                        Kind::String => Token { kind: Kind::Ident, at, text: quoted.text },
                        _ => quoted,
                    };
                }
                c if is_ident_start(c) || c.is_ascii_digit() => name.push(c),
                _ => {
                    self.reader.unread();
                    break;
                }
            }
        }
        match Keyword::lookup(&name) {
            Some(word) if keywords => Token::new(Kind::Keyword(word), at),
            _ => Token::with_text(Kind::Ident, at, &name),
        }
    }

    /// A string up to the quote it began with, which was read last. Its position is that of the
    /// character before it; that of a bad escape is where it stands.
    fn scan_string(&mut self) -> Token {
        self.reader.unread();
        let (_, at) = self.reader.last();
        let quote = self.reader.read().0;
        let mut text = String::new();
        match self.read_quoted(quote, &mut text) {
            Ok(()) => Token::with_text(Kind::String, at, &text),
            Err(Broken::Open) => Token::with_text(Kind::BadString, at, &text),
            Err(Broken::Escape) => {
                let (_, at) = self.reader.last();
                Token::with_text(Kind::BadEscape, at, &text)
            }
        }
    }

    /// Reads to the closing quote. Of a bad escape, `text` keeps only the escape.
    fn read_quoted(&mut self, quote: char, text: &mut String) -> Result<(), Broken> {
        loop {
            match self.reader.read().0 {
                c if c == quote => return Ok(()),
                END | '\n' => return Err(Broken::Open),
                '\\' => match self.reader.read().0 {
                    'n' => text.push('\n'),
                    c @ ('\\' | '"' | '\'') => text.push(c),
                    c => {
                        text.clear();
                        text.push('\\');
                        text.push(c);
                        return Err(Broken::Escape);
                    }
                },
                c => text.push(c),
            }
        }
    }

    /// A number or a duration; its first character was read last.
    fn scan_number(&mut self) -> Token {
        let (first, at) = self.reader.last();
        let mut text = String::new();
        if first == '.' {
            text.push('.');
            self.read_while(&mut text, |c| c.is_ascii_digit());
            return Token::with_text(Kind::Number, at, &text);
        }
        text.push(first);
        self.read_while(&mut text, |c| c.is_ascii_digit());
        if self.skip('.') {
            if self.digit_follows() {
                text.push('.');
                self.read_while(&mut text, |c| c.is_ascii_digit());
            }
            return Token::with_text(Kind::Number, at, &text);
        }
        let digits = text.len();
        self.read_while(&mut text, is_unit);
        if text.len() == digits {
            return Token::with_text(Kind::Integer, at, &text);
        }
        self.read_while(&mut text, |c| is_unit(c) || c.is_ascii_digit());
        Token::with_text(Kind::Duration, at, &text)
    }

    fn read_while(&mut self, text: &mut String, wanted: impl Fn(char) -> bool) {
        loop {
            match self.reader.read().0 {
                c if wanted(c) => text.push(c),
                _ => {
                    self.reader.unread();
                    return;
                }
            }
        }
    }
}

/// True for the characters between tokens. A carriage return never comes out of the reader.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

fn is_ident_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_unit(c: char) -> bool {
    c.is_ascii_alphabetic() || c == 'µ'
}
