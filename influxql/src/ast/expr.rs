//! Expressions: what SELECT computes, what WHERE compares, what GROUP BY groups by.
//!
//! The parser never yields a time value: `time > '2020-01-01'` compares the name `time` with a
//! string, and the planner decides what the string means.

use super::Operand;
use crate::pattern::Pattern;

/// An expression as written. Parentheses are kept, so that text and tree agree.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `left op right`. A minus (or plus) before a name, a call or a parenthesis becomes
    /// `-1 * x` (or `1 * x`), as in InfluxDB 1.x.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// The left operand; chains of equal precedence lean to this side.
        left: Operand,
        /// The right operand.
        right: Operand,
    },
    /// `(expr)`.
    Paren(Operand),
    /// `name(args)`; the name is lower case.
    Call {
        /// The function's name in lower case.
        name: String,
        /// The arguments in order.
        args: Vec<Expr>,
    },
    /// A name, with segments joined by dots (`a.b` is the name `a.b`), and an optional cast.
    VarRef {
        /// The name without quotes.
        name: String,
        /// The type after `::`.
        cast: Option<CastType>,
    },
    /// `*`, `*::field` or `*::tag`.
    Wildcard(WildcardKind),
    /// `/pattern/`.
    Regex(Pattern),
    /// `'text'`.
    String(String),
    /// A whole number that fits an `i64`.
    Integer(i64),
    /// A whole number above `i64::MAX`.
    Unsigned(u64),
    /// A number with a decimal point; always finite.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A duration literal, in nanoseconds.
    Duration(i64),
    /// `DISTINCT name` (the form without parentheses).
    Distinct(String),
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `=`
    Equal,
    /// `!=` (also written `<>`)
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `&`
    BitAnd,
}

/// The type named after `::`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CastType {
    /// `float`
    Float,
    /// `integer`
    Integer,
    /// `unsigned`
    Unsigned,
    /// `string`
    String,
    /// `boolean`
    Boolean,
    /// `field`: a field of any type.
    Field,
    /// `tag`
    Tag,
}

/// What a `*` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WildcardKind {
    /// `*`: fields and tags.
    All,
    /// `*::field`
    Field,
    /// `*::tag`
    Tag,
}

impl BinaryOp {
    /// How tightly the operator binds: 1 (`OR`) to 5 (`*`).
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Matches
            | Self::NotMatches
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual => 3,
            Self::Add | Self::Subtract | Self::BitOr | Self::BitXor => 4,
            Self::Multiply | Self::Divide | Self::Modulo | Self::BitAnd => 5,
        }
    }

    /// True for the comparisons (`=`, `!=`, `=~`, `!~`, `<`, `<=`, `>`, `>=`).
    pub fn is_comparison(self) -> bool {
        self.precedence() == 3
    }

    /// The operator's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Or => "OR",
            Self::And => "AND",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::BitAnd => "&",
        }
    }
}

impl CastType {
    /// The type's name as it stands after `::`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Field => "field",
            Self::Tag => "tag",
        }
    }
}

impl Expr {
    /// A name without a cast.
    pub fn name(name: impl Into<String>) -> Self {
        Self::VarRef { name: name.into(), cast: None }
    }

    /// `left op right`.
    pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Self {
        Self::Binary { op, left: left.into(), right: right.into() }
    }

    /// True for the bare name `time`, in any case.
    pub fn is_time(&self) -> bool {
        matches!(self, Self::VarRef { name, .. } if name.eq_ignore_ascii_case("time"))
    }

    /// The expression without the parentheses around it.
    pub fn unparenthesized(&self) -> &Expr {
        let mut expr = self;
        while let Self::Paren(inner) = expr {
            expr = inner;
        }
        expr
    }

    /// The operands of a chain of one operator: `a OR b OR (c OR d)` split by `OR` is `a`, `b` and
    /// the parenthesis. Anything else is a chain of one. Needs no stack, however long the chain.
    pub fn chain(&self, by: BinaryOp) -> Vec<&Expr> {
        let mut operands = Vec::new();
        let mut expr = self;
        while let Self::Binary { op, left, right } = expr {
            if *op != by {
                break;
            }
            operands.push(&**right);
            expr = left;
        }
        operands.push(expr);
        operands.reverse();
        operands
    }

    /// Calls `visit` for this expression and everything below it, parents first, left before
    /// right. Needs no stack, however long a chain is.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        let mut pending = vec![self];
        while let Some(expr) = pending.pop() {
            visit(expr);
            match expr {
                Self::Binary { left, right, .. } => {
                    pending.push(right);
                    pending.push(left);
                }
                Self::Paren(inner) => pending.push(inner),
                Self::Call { args, .. } => pending.extend(args.iter().rev()),
                _ => {}
            }
        }
    }

    /// True when `test` holds for this expression or anything below it.
    pub fn any(&self, mut test: impl FnMut(&Expr) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |expr| found = found || test(expr));
        found
    }
}
