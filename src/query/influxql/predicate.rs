//! WHERE as a DataFusion filter on one table or subquery.
//!
//! In: a folded condition without time, the types of names, the columns there are. Out: a [`Predicate`] with every operator's sides of
//! one type, so that nothing has to be coerced, in plain comparisons on columns, so that statistics can prune.
//!
//! ```text
//! h = 'a'    h = 'a'                         a missing tag equals the empty text
//! h != 'a'   h IS NULL OR h != 'a'
//! h = ''     h IS NULL
//! h =~ /x/   h =~ 'x', or with IS NULL where the expression matches the empty text
//! f > 1      f > 1.0                         a missing field is null, which never matches
//! f > 'a'    false                           types that do not fit never match
//! ```
//!
//! `_name` is the name of the measurement, whatever tags and fields there are, and so true or false for all of a table.

use super::comparison::{
    as_text, binary, matching, tag_and_regex, tag_and_text, tag_text, tags, text_of, texts, values,
};
use super::error::{Result, err};
use super::names::Names;
use super::resolve::operator;
use super::types::{Type, check_operators};
use crate::query::functions::scalar::arithmetic::{Clause, Operand as TypeOperand, arithmetic, result_type};
use crate::query::functions::scalar::math::{MathFunction, math};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use influxql::Pattern;
use influxql::ast::{BinaryOp, CastType, Expr as Ast};
use std::collections::BTreeMap;

/// The name that stands for the measurement in a condition.
pub const MEASUREMENT_NAME: &str = "_name";

/// A condition on the rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// The same for every row.
    Constant(bool),
    /// A boolean expression; null counts as false.
    Rows(Expr),
}

impl Predicate {
    /// The conjunction of all.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(false), _) | (_, Self::Constant(false)) => Self::Constant(false),
            (Self::Constant(true), p) | (p, Self::Constant(true)) => p,
            (Self::Rows(l), Self::Rows(r)) => Self::Rows(binary(l, Operator::And, r)),
        }
    }

    /// The disjunction of all.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(true), _) | (_, Self::Constant(true)) => Self::Constant(true),
            (Self::Constant(false), p) | (p, Self::Constant(false)) => p,
            (Self::Rows(l), Self::Rows(r)) => Self::Rows(binary(l, Operator::Or, r)),
        }
    }

    fn into_expr(self) -> Expr {
        match self {
            Self::Constant(value) => Expr::Literal(ScalarValue::Boolean(Some(value)), None),
            Self::Rows(expr) => expr,
        }
    }
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Tags and fields.
    Rows,
    /// Tags and texts alone: a condition on a field, or on a tag and a number, holds for every series, as in SHOW.
    Series,
}

/// What a condition is about to be evaluated on.
pub trait Columns {
    /// The tag as `Utf8View`, null where a row lacks it; `None` when all do.
    fn tag(&self, name: &str) -> Option<Expr>;

    /// The field as a value of this type, null where a row lacks it; `None` when all do.
    fn field(&self, name: &str, ty: Type) -> Option<Expr>;

    /// The measurement whose rows they are; `None` over a subquery, whose rows do not say.
    fn measurement(&self) -> Option<&str> {
        None
    }

    /// The type that a name has in these columns, given its type `ty` in the whole statement.
    fn type_as(&self, _name: &str, ty: Type) -> Type {
        ty
    }

    /// A tag that a subquery has selected, as `Utf8`. Unlike other tags, which count as empty where they are missing, it
    /// never matches there.
    fn text_of_tag(&self, _name: &str) -> Option<Expr> {
        None
    }

    /// Whether a missing tag counts as the empty text when two tags are compared, so that two missing ones are equal.
    fn has_empty_tags(&self) -> bool {
        false
    }
}

/// The condition on the rows of one table or subquery.
pub fn predicate(condition: &Ast, names: &Names, columns: &dyn Columns, scope: Scope) -> Result<Predicate> {
    let predicate = Context { names, columns, scope }.predicate(condition)?;
    if let Predicate::Rows(expr) = &predicate {
        check_connectives(expr)?;
    }
    Ok(predicate)
}

/// More AND and OR than anyone writes; many texts that one tag may equal count once. DataFusion's optimiser rules make one
/// long chain of all of them and recurse along it, hence the bound.
const CONNECTIVES_MAX: usize = 2_000;

fn check_connectives(expr: &Expr) -> Result<()> {
    let mut waiting = vec![expr];
    let mut count = 0;
    while let Some(expr) = waiting.pop() {
        let Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) = expr else {
            continue;
        };
        count += 1;
        if count > CONNECTIVES_MAX {
            return err(format!("a condition may have at most {CONNECTIVES_MAX} times AND and OR"));
        }
        waiting.extend([left, right].map(|side| &**side));
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Context<'a> {
    names: &'a Names,
    columns: &'a dyn Columns,
    scope: Scope,
}

/// One side of a comparison.
enum Side<'a> {
    /// A tag; `None` when the table has none of this name.
    Tag(Option<Expr>),
    /// A field, a literal or a calculation; `None` when it is null in every row.
    Value(Option<Expr>, Type, IsLiteral),
    /// A regular expression.
    Regex(&'a Pattern),
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct IsLiteral(bool);

impl<'a> Context<'a> {
    fn predicate(self, condition: &'a Ast) -> Result<Predicate> {
        match condition.unparenthesized() {
            Ast::Boolean(value) => Ok(Predicate::Constant(*value)),
            chain @ Ast::Binary { op: BinaryOp::And, .. } => {
                let all = chain.chain(BinaryOp::And).into_iter().map(|c| self.predicate(c));
                Ok(balanced(all.collect::<Result<_>>()?, true, Predicate::and))
            }
            chain @ Ast::Binary { op: BinaryOp::Or, .. } => self.any_of(&chain.chain(BinaryOp::Or)),
            Ast::Binary { op, left, right } if op.is_comparison() => self.comparison(*op, left, right),
            other => {
                check_operators(other)?;
                match self.side(other)? {
                    Side::Value(Some(expr), Type::Boolean, _) => Ok(Predicate::Rows(expr)),
                    _ => Ok(Predicate::Constant(false)),
                }
            }
        }
    }

    /// OR. Comparisons of one tag with several texts become one look-up in a set.
    fn any_of(self, operands: &[&'a Ast]) -> Result<Predicate> {
        let mut sets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut others = Vec::new();
        for operand in operands {
            match self.tag_equality(operand) {
                Some((tag, text)) => sets.entry(tag).or_default().push(text),
                None => others.push(self.predicate(operand)?),
            }
        }
        for (tag, texts) in sets {
            others.push(match (self.columns.tag(tag), texts.as_slice()) {
                (None, _) => Predicate::Constant(false),
                (Some(column), [text]) => Predicate::Rows(binary(column, Operator::Eq, tag_text(text))),
                (Some(column), texts) => Predicate::Rows(Expr::InList(InList {
                    expr: Box::new(column),
                    list: texts.iter().map(|text| tag_text(text)).collect(),
                    negated: false,
                })),
            });
        }
        Ok(balanced(others, false, Predicate::or))
    }

    fn tag_equality(self, condition: &'a Ast) -> Option<(&'a str, &'a str)> {
        let Ast::Binary { op: BinaryOp::Equal, left, right } = condition.unparenthesized() else {
            return None;
        };
        match (left.unparenthesized(), right.unparenthesized()) {
            (Ast::VarRef { name, cast }, Ast::String(text))
                if !text.is_empty()
                    && name != MEASUREMENT_NAME
                    && self.names.type_of(name, *cast) == Type::Tag
                    && self.columns.text_of_tag(name).is_none() =>
            {
                Some((name, text))
            }
            _ => None,
        }
    }

    /// What a comparison says about the measurement's name, if it is about that.
    fn of_measurement(self, op: BinaryOp, left: &Ast, right: &Ast) -> Option<bool> {
        let is_name = |side: &Ast| matches!(side, Ast::VarRef { name, .. } if name == MEASUREMENT_NAME);
        let measurement = self.columns.measurement()?;
        let value = match (left.unparenthesized(), right.unparenthesized()) {
            (name, value) if is_name(name) => value,
            (value, name) if is_name(name) => value,
            _ => return None,
        };
        Some(match (op, value) {
            (BinaryOp::Equal, Ast::String(text)) => text == measurement,
            (BinaryOp::NotEqual, Ast::String(text)) => text != measurement,
            (BinaryOp::Matches, Ast::Regex(pattern)) => pattern.is_match(measurement),
            (BinaryOp::NotMatches, Ast::Regex(pattern)) => !pattern.is_match(measurement),
            _ => false,
        })
    }

    fn comparison(self, op: BinaryOp, left: &'a Ast, right: &'a Ast) -> Result<Predicate> {
        if let Some(holds) = self.of_measurement(op, left, right) {
            return Ok(Predicate::Constant(holds));
        }
        check_operators(left)?;
        check_operators(right)?;
        let (left, right) = self.operands(left, right)?;
        if self.scope == Scope::Series && says_nothing_of_series(&left, &right) {
            return Ok(Predicate::Constant(true));
        }
        Ok(match (left, right) {
            (Side::Tag(l), Side::Tag(r)) if self.columns.has_empty_tags() => {
                texts(op, text_of(l), text_of(r))
            }
            (Side::Tag(l), Side::Tag(r)) => tags(op, l, r),
            (Side::Tag(tag), Side::Regex(pattern)) => tag_and_regex(op, tag, pattern),
            (Side::Tag(tag), Side::Value(Some(Expr::Literal(text, _)), Type::String, IsLiteral(true)))
            | (Side::Value(Some(Expr::Literal(text, _)), Type::String, IsLiteral(true)), Side::Tag(tag)) => {
                tag_and_text(op, tag, text.try_as_str().flatten().unwrap_or_default())
            }
            (Side::Tag(tag), Side::Value(Some(value), Type::String, _))
            | (Side::Value(Some(value), Type::String, _), Side::Tag(tag)) => {
                // Compared with a computed value, a tag that the series lacks has no value at all: even `!=` does not hold.
                match tag {
                    tag if self.columns.has_empty_tags() => texts(op, text_of(tag), value),
                    Some(tag) => texts(op, as_text(tag), value),
                    None => Predicate::Constant(false),
                }
            }
            (Side::Value(Some(value), Type::String, _), Side::Regex(pattern)) => {
                let matches = matching(value, pattern);
                match op {
                    BinaryOp::Matches => Predicate::Rows(matches),
                    BinaryOp::NotMatches => Predicate::Rows(Expr::Not(Box::new(matches))),
                    _ => Predicate::Constant(false),
                }
            }
            (Side::Value(Some(l), l_type, _), Side::Value(Some(r), r_type, _)) => {
                values(op, l, l_type, r, r_type)
            }
            _ => Predicate::Constant(false),
        })
    }

    /// Both sides of an operator. Where one side is boolean, a calculation on the other that has no value counts as false.
    fn operands(self, left: &'a Ast, right: &'a Ast) -> Result<(Side<'a>, Side<'a>)> {
        let sides = (self.operand(left)?, self.operand(right)?);
        let is_boolean = |side: &Side<'_>| matches!(side, Side::Value(Some(_), Type::Boolean, _));
        let or_false = |side, expr: &Ast| match side {
            Side::Value(None, ..) if !matches!(expr.unparenthesized(), Ast::VarRef { .. }) => {
                Side::Value(Some(boolean(false)), Type::Boolean, IsLiteral(false))
            }
            side => side,
        };
        Ok(match (is_boolean(&sides.0), is_boolean(&sides.1)) {
            (true, false) => (sides.0, or_false(sides.1, right)),
            (false, true) => (or_false(sides.0, left), sides.1),
            _ => sides,
        })
    }

    /// A side of an operator. A boolean calculation without a value counts as false; a boolean field without one does not.
    fn operand(self, side: &'a Ast) -> Result<Side<'a>> {
        let is_computed = matches!(side.unparenthesized(), Ast::Binary { .. });
        Ok(match self.side(side)? {
            Side::Value(Some(value), Type::Boolean, literal) if is_computed => {
                Side::Value(Some(Expr::IsTrue(Box::new(value))), Type::Boolean, literal)
            }
            side => side,
        })
    }

    fn type_of(self, name: &str, cast: Option<CastType>) -> Type {
        self.columns.type_as(name, self.names.type_of(name, cast))
    }

    fn side(self, expr: &'a Ast) -> Result<Side<'a>> {
        let literal =
            |value: ScalarValue, ty| Ok(Side::Value(Some(Expr::Literal(value, None)), ty, IsLiteral(true)));
        match expr.unparenthesized() {
            Ast::VarRef { name, cast } => Ok(match self.type_of(name, *cast) {
                Type::Tag => match self.columns.text_of_tag(name) {
                    Some(text) => Side::Value(Some(text), Type::String, IsLiteral(false)),
                    None => Side::Tag(self.columns.tag(name)),
                },
                // A name that nothing bears is a tag that every series lacks, unless a subquery selects it.
                Type::Unknown if cast.is_none() && !self.names.is_selected(name) => {
                    Side::Tag(self.columns.tag(name))
                }
                ty => Side::Value(self.columns.field(name, ty), ty, IsLiteral(false)),
            }),
            Ast::Float(x) => literal(ScalarValue::Float64(Some(*x)), Type::Float),
            Ast::Integer(n) => literal(ScalarValue::Int64(Some(*n)), Type::Integer),
            Ast::Unsigned(n) => literal(ScalarValue::UInt64(Some(*n)), Type::Unsigned),
            Ast::String(text) => literal(ScalarValue::Utf8(Some(text.clone())), Type::String),
            Ast::Boolean(b) => literal(ScalarValue::Boolean(Some(*b)), Type::Boolean),
            Ast::Regex(pattern) => Ok(Side::Regex(pattern)),
            condition @ Ast::Binary { op, .. } if op.precedence() <= 3 => {
                Ok(Side::Value(Some(self.predicate(condition)?.into_expr()), Type::Boolean, IsLiteral(false)))
            }
            Ast::Binary { op, left, right } => self.calculation(*op, left, right),
            Ast::Call { name, args } => self.math(name, args),
            _ => Ok(Side::Value(None, Type::Unknown, IsLiteral(false))),
        }
    }

    fn calculation(self, op: BinaryOp, left: &'a Ast, right: &'a Ast) -> Result<Side<'a>> {
        let null = |ty| Ok(Side::Value(None, ty, IsLiteral(false)));
        let (Side::Value(l, l_type, l_literal), Side::Value(r, r_type, r_literal)) =
            self.operands(left, right)?
        else {
            return null(Type::Unknown);
        };
        let Some(operator) = operator(op) else { return null(Type::Unknown) };
        let operand =
            |ty: Type, literal: IsLiteral| TypeOperand { field_type: ty.field_type(), literal: literal.0 };
        let (left, right) = (operand(l_type, l_literal), operand(r_type, r_literal));
        let ty = match result_type(operator, Clause::Where, left, right) {
            Ok(Some(ty)) => Type::from(ty),
            Ok(None) | Err(_) => return null(Type::Unknown),
        };
        match (l, r) {
            (Some(l), Some(r)) if l_type.is_field() && r_type.is_field() => {
                let call = ScalarFunction::new_udf(arithmetic(operator, Clause::Where), vec![l, r]);
                Ok(Side::Value(Some(Expr::ScalarFunction(call)), ty, IsLiteral(false)))
            }
            _ => null(ty),
        }
    }

    /// A mathematical function of numbers; of everything else it is null.
    fn math(self, name: &str, args: &'a [Ast]) -> Result<Side<'a>> {
        let null = Ok(Side::Value(None, Type::Unknown, IsLiteral(false)));
        let function = MathFunction::from_name(name).filter(|f| f.argument_count() == args.len());
        let Some(function) = function else { return null };
        let (mut exprs, mut ty, mut is_literal) = (Vec::with_capacity(args.len()), Type::Float, true);
        for (i, arg) in args.iter().enumerate() {
            let Side::Value(Some(expr), arg_type, literal) = self.side(arg)? else { return null };
            if !arg_type.is_numeric() {
                return null;
            }
            if i == 0 && function.keeps_type() {
                ty = arg_type;
            }
            is_literal &= literal.0;
            exprs.push(expr);
        }
        let literals = exprs.iter().map(|expr| expr.as_literal().cloned()).collect::<Option<Vec<_>>>();
        let expr = match literals {
            Some(literals) => match function.of_scalars(&literals)? {
                value if value.is_null() => None,
                value => Some(Expr::Literal(value, None)),
            },
            None => Some(Expr::ScalarFunction(ScalarFunction::new_udf(math(function), exprs))),
        };
        Ok(Side::Value(expr, ty, IsLiteral(is_literal)))
    }
}

/// Whether a comparison is not one of tags, texts and regular expressions: InfluxDB's index cannot look it up, and leaves it to the
/// points, which SHOW does not ask.
fn says_nothing_of_series(left: &Side<'_>, right: &Side<'_>) -> bool {
    let is_of_field = |side: &Side<'_>| matches!(side, Side::Value(_, _, IsLiteral(false)));
    let is_of_tag = |side: &Side<'_>| matches!(side, Side::Tag(_));
    let is_no_text = |side: &Side<'_>| matches!(side, Side::Value(_, ty, _) if *ty != Type::String);
    is_of_field(left)
        || is_of_field(right)
        || (is_of_tag(left) && is_no_text(right))
        || (is_no_text(left) && is_of_tag(right))
}

fn boolean(value: bool) -> Expr {
    Expr::Literal(ScalarValue::Boolean(Some(value)), None)
}

/// All operands joined as a tree of small depth. `unit` is the result of none.
fn balanced(
    mut operands: Vec<Predicate>,
    unit: bool,
    join: fn(Predicate, Predicate) -> Predicate,
) -> Predicate {
    while operands.len() > 1 {
        let mut pairs = operands.into_iter();
        let mut next = Vec::with_capacity(pairs.len().div_ceil(2));
        while let Some(first) = pairs.next() {
            next.push(match pairs.next() {
                Some(second) => join(first, second),
                None => first,
            });
        }
        operands = next;
    }
    operands.pop().unwrap_or(Predicate::Constant(unit))
}
