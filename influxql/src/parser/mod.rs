//! Tokens to statements.
//!
//! In: the text and the bind parameters. Out: the syntax tree, or the error InfluxDB 1.x gives. One
//! file per area of the grammar; this one holds what all need: tokens with the ability to put three
//! of them back, and the small readers of names, numbers and lists.
//!
//! | file        | what it reads |
//! |-------------|---------------|
//! | `statement` | the first words of a statement |
//! | `select`    | SELECT, EXPLAIN and their clauses |
//! | `source`    | FROM and INTO |
//! | `expr`      | expressions |
//! | `literal`   | literals, names and calls in expressions |
//! | `show`      | SHOW |
//! | `ddl`       | CREATE, ALTER, DROP, DELETE of everything but users |
//! | `user`      | users and privileges |

mod ddl;
mod expr;
mod literal;
mod select;
mod show;
mod source;
mod statement;
mod user;

use std::rc::Rc;

use crate::ast::Statement;
use crate::duration::parse_duration;
use crate::error::{ParseError, Position};
use crate::keyword::Keyword;
use crate::lexer::{Kind, Lexer, Token, is_space};
use crate::params::{ParamValue, Params};
use crate::pattern::{PROGRAM_COST_MAX, Pattern};
use crate::print::format_duration;

/// How deep parentheses, calls and subqueries may nest. Each level takes stack here, in `Display`
/// and in everything downstream that recurses; 256 levels fit a 2 MiB stack of a debug build with
/// room to spare, and no text written by hand or by a dashboard comes near.
pub const NESTING_DEPTH_MAX: usize = 256;

/// How many tokens can be put back.
const MEMORY: usize = 3;

type Result<T> = std::result::Result<T, ParseError>;

pub(crate) struct Parser<'a> {
    lexer: Lexer<'a>,
    params: &'a Params,
    /// A ring as in the lexer's reader: `newest` is the last slot filled, `put_back` counts slots to
    /// be read again.
    memory: [Token; MEMORY],
    newest: usize,
    put_back: usize,
    depth: usize,
    /// What is left for the programs of regular expressions.
    program_cost_left: usize,
}

/// The statements of a text, which are separated by semicolons. A text without any gives none.
///
/// ```
/// use influxql::{Params, parse};
///
/// let statements = parse("SHOW DATABASES; SELECT mean(usage) FROM cpu", &Params::new())?;
/// assert_eq!(statements.len(), 2);
///
/// let error = parse("SELECT FROM cpu", &Params::new()).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "found FROM, expected identifier, string, number, bool at line 1, char 8"
/// );
/// # Ok::<(), influxql::ParseError>(())
/// ```
pub fn parse(text: &str, params: &Params) -> Result<Vec<Statement>> {
    // InfluxDB 1.x takes a NUL for the end, so that of `DELETE FROM m\0 WHERE …` it sees only the
    // first half. That is refused here.
    if text.contains('\0') {
        return Err(ParseError::new("found a NUL character in the query"));
    }
    let mut parser = Parser::new(text, params);
    let mut statements = Vec::new();
    let mut separated = true;
    loop {
        let token = parser.scan_word();
        match token.kind {
            Kind::End => return Ok(statements),
            Kind::Semicolon => separated = true,
            _ if !separated => return Err(expected(&token, &[";"])),
            _ => {
                parser.unscan();
                statements.push(parser.statement()?);
                separated = false;
            }
        }
    }
}

/// The error for a token that is none of those expected.
pub(crate) fn expected(found: &Token, expected: &[&str]) -> ParseError {
    ParseError::at(found.at, format!("found {}, expected {}", found.shown(), expected.join(", ")))
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, params: &'a Params) -> Self {
        let none = Token::new(Kind::End, Position::default());
        Self {
            lexer: Lexer::new(text),
            params,
            memory: [none.clone(), none.clone(), none],
            newest: 0,
            put_back: 0,
            depth: 0,
            program_cost_left: PROGRAM_COST_MAX,
        }
    }

    /// The next token, spaces and comments included.
    fn scan(&mut self) -> Token {
        self.scan_with(Lexer::scan)
    }

    /// A regular expression, unless tokens were put back: those come first.
    fn scan_regex(&mut self) -> Token {
        self.scan_with(Lexer::scan_regex)
    }

    fn scan_with(&mut self, scan: impl FnOnce(&mut Lexer<'a>) -> Token) -> Token {
        if self.put_back > 0 {
            self.put_back -= 1;
        } else {
            self.newest = (self.newest + 1) % MEMORY;
            self.memory[self.newest] = scan(&mut self.lexer);
        }
        let slot = (self.newest + MEMORY - self.put_back) % MEMORY;
        self.bound(self.memory[slot].clone())
    }

    /// The next token that is neither space nor comment.
    fn scan_word(&mut self) -> Token {
        loop {
            let token = self.scan();
            if !matches!(token.kind, Kind::Space | Kind::Comment) {
                return token;
            }
        }
    }

    /// Puts the last token back.
    fn unscan(&mut self) {
        debug_assert!(self.put_back < MEMORY, "no more than the memory holds is put back");
        self.put_back += 1;
    }

    fn skip_space(&mut self) {
        if self.scan().kind != Kind::Space {
            self.unscan();
        }
    }

    /// Replaces a bind parameter by its value, if it has one.
    fn bound(&self, token: Token) -> Token {
        if token.kind != Kind::BoundParam {
            return token;
        }
        let name = token.text().strip_prefix('$').unwrap_or_default();
        let Some(value) = self.params.get(name).filter(|_| !name.is_empty()) else {
            return token;
        };
        let (kind, text): (_, Option<Rc<str>>) = match value {
            ParamValue::Identifier(name) => (Kind::Ident, Some(name.as_str().into())),
            ParamValue::Regex(source) => (Kind::Regex, Some(source.as_str().into())),
            ParamValue::String(text) => (Kind::String, Some(text.as_str().into())),
            ParamValue::Float(x) => (Kind::Number, Some(x.to_string().into())),
            ParamValue::Integer(n) => (Kind::Integer, Some(n.to_string().into())),
            ParamValue::Boolean(true) => (Kind::Keyword(Keyword::True), None),
            ParamValue::Boolean(false) => (Kind::Keyword(Keyword::False), None),
            ParamValue::Duration(ns) => (Kind::Duration, Some(format_duration(*ns).into())),
            ParamValue::DurationText(text) => (Kind::Duration, Some(text.as_str().into())),
            ParamValue::Invalid(why) => (Kind::BoundParam, Some(why.to_string().into())),
        };
        Token { kind, at: token.at, text }
    }

    /// Takes the next word if it is `kind`.
    fn take(&mut self, kind: Kind) -> bool {
        let found = self.scan_word().kind == kind;
        if !found {
            self.unscan();
        }
        found
    }

    /// Takes the next word if it is this keyword.
    fn take_keyword(&mut self, word: Keyword) -> bool {
        self.take(Kind::Keyword(word))
    }

    /// Takes these keywords.
    fn keywords(&mut self, words: &[Keyword]) -> Result<()> {
        words.iter().try_for_each(|word| self.token(Kind::Keyword(*word)))
    }

    /// Takes this token.
    fn token(&mut self, kind: Kind) -> Result<()> {
        let token = self.scan_word();
        if token.kind == kind { Ok(()) } else { Err(expected(&token, &[kind.as_str()])) }
    }

    fn ident(&mut self) -> Result<String> {
        let token = self.scan_word();
        match token.kind {
            Kind::Ident => Ok(token.text().to_owned()),
            _ => Err(expected(&token, &["identifier"])),
        }
    }

    fn string(&mut self) -> Result<String> {
        let token = self.scan_word();
        match token.kind {
            Kind::String => Ok(token.text().to_owned()),
            _ => Err(expected(&token, &["string"])),
        }
    }

    /// One or more of what `read` reads, with commas between them.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![read(self)?];
        while self.take(Kind::Comma) {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// `ON name`, if it stands here.
    fn optional_on(&mut self) -> Result<Option<String>> {
        if self.take_keyword(Keyword::On) { self.ident().map(Some) } else { Ok(None) }
    }

    /// `ON name`.
    fn on(&mut self) -> Result<String> {
        self.keywords(&[Keyword::On])?;
        self.ident()
    }

    fn integer_token(&mut self) -> Result<Token> {
        let token = self.scan_word();
        match token.kind {
            Kind::Integer => Ok(token),
            _ => Err(expected(&token, &["integer"])),
        }
    }

    /// A replication factor.
    fn replication(&mut self) -> Result<u32> {
        const MAX: u32 = i32::MAX.unsigned_abs();
        let token = self.integer_token()?;
        let n: i64 = token.text().parse().map_err(|_| number_error("Atoi", &token))?;
        u32::try_from(n)
            .ok()
            .filter(|n| (1..=MAX).contains(n))
            .ok_or_else(|| ParseError::at(token.at, format!("invalid value {n}: must be 1 <= n <= {MAX}")))
    }

    /// The id of a query or shard.
    fn id(&mut self) -> Result<u64> {
        let token = self.integer_token()?;
        token.text().parse().map_err(|_| number_error("ParseUint", &token))
    }

    /// `word n`, if it stands here, else 0.
    fn optional_count(&mut self, word: Keyword) -> Result<u64> {
        if !self.take_keyword(word) {
            return Ok(0);
        }
        let token = self.integer_token()?;
        if token.text().starts_with('-') {
            // Only a bind parameter can be negative here.
            return Err(ParseError::at(token.at, format!("{} must be >= 0", word.as_str())));
        }
        // A number that is too large counts as the largest.
        Ok(token.text().parse().unwrap_or(i64::MAX).unsigned_abs())
    }

    /// A duration in nanoseconds; INF is 0.
    fn duration_or_inf(&mut self) -> Result<i64> {
        if self.take_keyword(Keyword::Inf) { Ok(0) } else { self.duration() }
    }

    /// A duration in nanoseconds.
    fn duration(&mut self) -> Result<i64> {
        let token = self.scan_word();
        match token.kind {
            Kind::Duration => parse_duration(token.text()).map_err(|e| ParseError::at(token.at, e.message())),
            _ => Err(expected(&token, &["duration"])),
        }
    }

    /// A regular expression, if one stands here.
    fn optional_regex(&mut self) -> Result<Option<Pattern>> {
        if is_space(self.lexer.peek_char()) {
            self.skip_space();
        }
        match self.lexer.peek_char() {
            // A bind parameter may turn out to be one.
            '$' => {
                let kind = self.scan().kind;
                self.unscan();
                if kind != Kind::Regex {
                    return Ok(None);
                }
            }
            '/' => {}
            _ => return Ok(None),
        }
        let token = self.scan_regex();
        match token.kind {
            Kind::Regex => self.pattern(&token).map(Some),
            Kind::BadRegex => Err(ParseError::at(token.at, format!("bad regex: {}", token.text()))),
            _ => Err(expected(&token, &["regex"])),
        }
    }

    /// A regular expression.
    fn regex(&mut self) -> Result<Pattern> {
        match self.optional_regex()? {
            Some(pattern) => Ok(pattern),
            None => Err(expected(&self.scan_word(), &["regex"])),
        }
    }

    fn pattern(&mut self, token: &Token) -> Result<Pattern> {
        let pattern = Pattern::within(token.text(), self.program_cost_left)
            .map_err(|e| ParseError::at(token.at, e.to_string()))?;
        self.program_cost_left -= pattern.program_cost();
        Ok(pattern)
    }

    /// Runs `read` one level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == NESTING_DEPTH_MAX {
            let token = self.scan_word();
            return Err(ParseError::at(
                token.at,
                format!("nested too deeply: more than {NESTING_DEPTH_MAX} levels"),
            ));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}

/// What Go says of a number that does not parse.
fn number_error(function: &str, token: &Token) -> ParseError {
    let text = token.text();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let why = if function == "ParseUint" && digits.len() < text.len() {
        "invalid syntax"
    } else {
        "value out of range"
    };
    ParseError::at(token.at, format!("strconv.{function}: parsing \"{text}\": {why}"))
}
