//! SELECT, EXPLAIN and their clauses.

use super::{Parser, Result, expected};
use crate::ast::{BinaryOp, Dimension, Explain, Expr, Field, Fill, Order, Select};
use crate::error::ParseError;
use crate::keyword::Keyword;
use crate::lexer::Kind;
use crate::time_zone;

/// Whether a SELECT may or must have INTO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntoRule {
    Optional,
    /// In a continuous query.
    Required,
}

impl Parser<'_> {
    /// After SELECT.
    pub(super) fn select(&mut self, into: IntoRule) -> Result<Select> {
        let fields = self.fields()?;
        let target = self.target(into)?;
        self.keywords(&[Keyword::From])?;
        Ok(Select {
            fields,
            target,
            sources: self.sources()?,
            condition: self.optional_condition()?,
            dimensions: self.optional_dimensions()?,
            fill: self.optional_fill()?,
            order: self.optional_order()?,
            limit: self.optional_count(Keyword::Limit)?,
            offset: self.optional_count(Keyword::Offset)?,
            slimit: self.optional_count(Keyword::Slimit)?,
            soffset: self.optional_count(Keyword::Soffset)?,
            time_zone: self.optional_time_zone()?,
        })
    }

    /// After EXPLAIN.
    pub(super) fn explain(&mut self) -> Result<Explain> {
        let analyze = self.take_keyword(Keyword::Analyze);
        let verbose = self.take_keyword(Keyword::Verbose);
        self.keywords(&[Keyword::Select])?;
        let select = Box::new(self.select(IntoRule::Optional)?);
        Ok(Explain { analyze, verbose, select })
    }

    fn fields(&mut self) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            if self.scan().kind != Kind::Comma {
                self.unscan();
                return Ok(fields);
            }
        }
    }

    fn field(&mut self) -> Result<Field> {
        let expr = match self.optional_regex()? {
            Some(pattern) => Expr::Regex(pattern),
            None => self.field_expr()?,
        };
        let alias = match self.take_keyword(Keyword::As) {
            // An empty alias is none.
            true => Some(self.ident()?).filter(|alias| !alias.is_empty()),
            false => None,
        };
        self.skip_space();
        Ok(Field { expr, alias })
    }

    fn field_expr(&mut self) -> Result<Expr> {
        let at = self.scan_word().at;
        self.unscan();
        let expr = self.expr()?;
        match condition_operator(&expr) {
            Some(op) => Err(ParseError::new(format!(
                "invalid operator {op} in SELECT clause at line {}, char {}; \
                 operator is intended for WHERE clause",
                u64::from(at.line) + 1,
                u64::from(at.char) + 1,
            ))),
            None => Ok(expr),
        }
    }

    /// WHERE, if it stands here.
    pub(super) fn optional_condition(&mut self) -> Result<Option<Expr>> {
        if self.take_keyword(Keyword::Where) { self.expr().map(Some) } else { Ok(None) }
    }

    /// GROUP BY, if it stands here.
    pub(super) fn optional_dimensions(&mut self) -> Result<Vec<Dimension>> {
        let mut dimensions = Vec::new();
        if !self.take_keyword(Keyword::Group) {
            return Ok(dimensions);
        }
        self.keywords(&[Keyword::By])?;
        loop {
            let expr = match self.optional_regex()? {
                Some(pattern) => Expr::Regex(pattern),
                None => {
                    let expr = self.expr()?;
                    self.skip_space();
                    expr
                }
            };
            dimensions.push(Dimension { expr });
            if self.scan().kind != Kind::Comma {
                self.unscan();
                return Ok(dimensions);
            }
        }
    }

    /// The argument of `name(…)`, if that stands here.
    fn optional_clause_call(&mut self, name: &str) -> Result<Option<Expr>> {
        let token = self.scan_word();
        self.unscan();
        if token.kind != Kind::Ident || !token.text().eq_ignore_ascii_case(name) {
            return Ok(None);
        }
        self.expr().map(Some)
    }

    fn optional_fill(&mut self) -> Result<Fill> {
        let Some(expr) = self.optional_clause_call("fill")? else { return Ok(Fill::Null) };
        let Expr::Call { args, .. } = expr else {
            return Err(ParseError::new("fill must be a function call"));
        };
        let [arg] = args.as_slice() else {
            return Err(ParseError::new("fill requires an argument, e.g.: 0, null, none, previous, linear"));
        };
        let option = match arg {
            Expr::VarRef { name, cast: None } => name.as_str(),
            Expr::Integer(n) => return Ok(Fill::Integer(*n)),
            Expr::Float(x) => return Ok(Fill::Float(*x)),
            _ => "",
        };
        match option {
            "null" => Ok(Fill::Null),
            "none" => Ok(Fill::None),
            "previous" => Ok(Fill::Previous),
            "linear" => Ok(Fill::Linear),
            _ => Err(ParseError::new("expected number argument in fill()")),
        }
    }

    fn optional_time_zone(&mut self) -> Result<Option<String>> {
        let Some(expr) = self.optional_clause_call("tz")? else { return Ok(None) };
        let Expr::Call { args, .. } = expr else {
            return Err(ParseError::new("tz must be a function call"));
        };
        match args.as_slice() {
            [Expr::String(name)] => match time_zone::canonical_name(name) {
                Some(name) => Ok(Some(name.to_owned())),
                None => Err(ParseError::new(format!("unable to find time zone {name}"))),
            },
            [_] => Err(ParseError::new("expected string argument in tz()")),
            _ => Err(ParseError::new("tz requires exactly one argument")),
        }
    }

    /// ORDER BY, if it stands here: `time`, a direction, or both, and nothing else.
    pub(super) fn optional_order(&mut self) -> Result<Order> {
        if !self.take_keyword(Keyword::Order) {
            return Ok(Order::Ascending);
        }
        self.keywords(&[Keyword::By])?;
        let only_time = || ParseError::new("only ORDER BY time supported at this time");
        let token = self.scan_word();
        let order = match token.kind {
            Kind::Keyword(Keyword::Asc) => Order::Ascending,
            Kind::Keyword(Keyword::Desc) => Order::Descending,
            Kind::Ident => {
                let order = self.direction();
                if token.text() != "time" {
                    return Err(only_time());
                }
                order
            }
            _ => return Err(expected(&token, &["identifier", "ASC", "DESC"])),
        };
        let mut more = false;
        while self.take(Kind::Comma) {
            self.ident()?;
            self.direction();
            more = true;
        }
        if more { Err(only_time()) } else { Ok(order) }
    }

    fn direction(&mut self) -> Order {
        if self.take_keyword(Keyword::Desc) {
            return Order::Descending;
        }
        self.take_keyword(Keyword::Asc);
        Order::Ascending
    }
}

/// The last comparison or connective of a column's expression that is not below another one.
fn condition_operator(expr: &Expr) -> Option<BinaryOp> {
    let mut found = None;
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        match expr {
            Expr::Binary { op, left, right } => {
                if op.is_comparison() || matches!(op, BinaryOp::And | BinaryOp::Or) {
                    found = Some(*op);
                } else {
                    pending.push(right);
                    pending.push(left);
                }
            }
            Expr::Paren(inner) => pending.push(inner),
            Expr::Call { args, .. } => pending.extend(args.iter().rev()),
            _ => {}
        }
    }
    found
}
