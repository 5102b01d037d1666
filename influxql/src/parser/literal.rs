//! Operands: literals, names, calls, parentheses, signs.

use super::{Parser, Result, expected};
use crate::ast::{BinaryOp, CastType, Expr, WildcardKind};
use crate::duration::parse_duration;
use crate::error::ParseError;
use crate::keyword::Keyword;
use crate::lexer::{Kind, Token};

impl Parser<'_> {
    /// One operand of an expression.
    pub(super) fn operand(&mut self) -> Result<Expr> {
        let token = self.scan_word();
        match token.kind {
            Kind::OpenParen => self.nested(Self::paren),
            Kind::Ident => self.name_or_call(&token),
            Kind::Keyword(Keyword::Distinct) => self.distinct(),
            Kind::String => Ok(Expr::String(token.text().to_owned())),
            Kind::Number => float(&token),
            Kind::Integer => integer(&token),
            Kind::Keyword(Keyword::True) => Ok(Expr::Boolean(true)),
            Kind::Keyword(Keyword::False) => Ok(Expr::Boolean(false)),
            Kind::Duration => parse_duration(token.text()).map(Expr::Duration),
            Kind::Op(BinaryOp::Multiply) => self.wildcard(),
            Kind::Regex => self.pattern(&token).map(Expr::Regex),
            Kind::BoundParam => Err(unbound(&token)),
            Kind::Op(BinaryOp::Add) => self.signed(1),
            Kind::Op(BinaryOp::Subtract) => self.signed(-1),
            _ => Err(expected(&token, &["identifier", "string", "number", "bool"])),
        }
    }

    fn paren(&mut self) -> Result<Expr> {
        let inner = self.expr()?;
        self.token(Kind::CloseParen)?;
        Ok(Expr::Paren(inner.into()))
    }

    /// A name was read: a call when a parenthesis follows at once.
    fn name_or_call(&mut self, name: &Token) -> Result<Expr> {
        if self.scan().kind == Kind::OpenParen {
            return self.call(name.text().to_lowercase());
        }
        self.unscan();
        self.unscan();
        self.var_ref()
    }

    fn var_ref(&mut self) -> Result<Expr> {
        let name = self.segments()?.join(".");
        if self.scan().kind != Kind::DoubleColon {
            self.unscan();
            return Ok(Expr::VarRef { name, cast: None });
        }
        let token = self.scan();
        let cast = match token.kind {
            Kind::Keyword(Keyword::Field) => CastType::Field,
            Kind::Keyword(Keyword::Tag) => CastType::Tag,
            Kind::Ident => match token.text().to_lowercase().as_str() {
                "float" => CastType::Float,
                "integer" => CastType::Integer,
                "unsigned" => CastType::Unsigned,
                "string" => CastType::String,
                "boolean" => CastType::Boolean,
                _ => {
                    let names = ["float", "integer", "unsigned", "string", "boolean", "field", "tag"];
                    return Err(expected(&token, &names));
                }
            },
            // One name short, as in InfluxDB 1.x.
            _ => {
                let names = ["float", "integer", "string", "boolean", "field", "tag"];
                return Err(expected(&token, &names));
            }
        };
        Ok(Expr::VarRef { name, cast: Some(cast) })
    }

    fn distinct(&mut self) -> Result<Expr> {
        let token = self.scan();
        match token.kind {
            Kind::OpenParen => self.call("distinct".to_owned()),
            Kind::Space => self.ident().map(Expr::Distinct),
            _ => Err(expected(&token, &["(", "identifier"])),
        }
    }

    /// The name and the parenthesis were read.
    fn call(&mut self, name: String) -> Result<Expr> {
        let args = self.nested(Self::call_args)?;
        Ok(Expr::Call { name, args })
    }

    fn call_args(&mut self) -> Result<Vec<Expr>> {
        let mut args = Vec::new();
        match self.optional_regex()? {
            Some(pattern) => args.push(Expr::Regex(pattern)),
            None => {
                if self.scan().kind == Kind::CloseParen {
                    return Ok(args);
                }
                self.unscan();
                args.push(self.expr()?);
            }
        }
        while self.take(Kind::Comma) {
            args.push(match self.optional_regex()? {
                Some(pattern) => Expr::Regex(pattern),
                None => self.expr()?,
            });
        }
        let token = self.scan();
        if token.kind == Kind::CloseParen { Ok(args) } else { Err(expected(&token, &[")"])) }
    }

    fn wildcard(&mut self) -> Result<Expr> {
        if self.scan().kind != Kind::DoubleColon {
            self.unscan();
            return Ok(Expr::Wildcard(WildcardKind::All));
        }
        let token = self.scan();
        match token.kind {
            Kind::Keyword(Keyword::Field) => Ok(Expr::Wildcard(WildcardKind::Field)),
            Kind::Keyword(Keyword::Tag) => Ok(Expr::Wildcard(WildcardKind::Tag)),
            _ => Err(expected(&token, &["field", "tag"])),
        }
    }

    /// A sign was read: it becomes part of a number, else a factor.
    fn signed(&mut self, sign: i64) -> Result<Expr> {
        let token = self.scan_word();
        let may_follow = matches!(
            token.kind,
            Kind::Number | Kind::Integer | Kind::Duration | Kind::OpenParen | Kind::Ident
        );
        if !may_follow {
            return Err(expected(&token, &["identifier", "number", "duration", "("]));
        }
        self.unscan();
        match self.operand()? {
            // A bind parameter may be as small as an i64 can be, hence the wrapping.
            Expr::Integer(n) => Ok(Expr::Integer(n.wrapping_mul(sign))),
            Expr::Duration(ns) => Ok(Expr::Duration(ns.wrapping_mul(sign))),
            Expr::Float(x) if sign < 0 => Ok(Expr::Float(-x)),
            Expr::Float(x) => Ok(Expr::Float(x)),
            Expr::Unsigned(n) if sign < 0 => negated(n),
            Expr::Unsigned(n) => Ok(Expr::Unsigned(n)),
            other => Ok(Expr::binary(BinaryOp::Multiply, Expr::Integer(sign), other)),
        }
    }
}

/// The smallest i64 has no positive counterpart, so its digits come as an unsigned number.
fn negated(n: u64) -> Result<Expr> {
    if n == i64::MIN.unsigned_abs() {
        return Ok(Expr::Integer(i64::MIN));
    }
    Err(ParseError::new(format!("constant -{n} underflows int64")))
}

fn float(token: &Token) -> Result<Expr> {
    match token.text().parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(Expr::Float(x)),
        _ => Err(ParseError::at(token.at, "unable to parse number")),
    }
}

fn integer(token: &Token) -> Result<Expr> {
    let text = token.text();
    text.parse()
        .map(Expr::Integer)
        .or_else(|_| text.parse().map(Expr::Unsigned))
        .map_err(|_| ParseError::at(token.at, "unable to parse integer"))
}

/// A bind parameter that was not replaced by a value. One that cannot be bound carries the reason in
/// the place of its name.
fn unbound(token: &Token) -> ParseError {
    let name = token.text();
    match name.strip_prefix('$').unwrap_or(name) {
        "" => ParseError::new("empty bound parameter"),
        name => ParseError::new(format!("missing parameter: {name}")),
    }
}
