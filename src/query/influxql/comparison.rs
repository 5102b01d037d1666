//! Comparisons of WHERE whose sides are known: each as a [`Predicate`] on columns of one type.
//!
//! In: an operator and two sides, as DataFusion expressions with their types. Out: the condition, with InfluxDB 1.x's rules for
//! tags that are missing and for types that do not go together. Names, tables and scopes are `predicate`'s.

use super::columns::or_else;
use super::predicate::Predicate;
use super::types::Type;
use crate::query::functions::scalar::regex_match::regex_match;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use influxql::Pattern;
use influxql::ast::BinaryOp;

/// A tag (`None` when the table has none of this name) compared with a text.
pub(super) fn tag_and_text(op: BinaryOp, tag: Option<Expr>, text: &str) -> Predicate {
    match (op, tag, text) {
        (BinaryOp::Equal, None, text) => Predicate::Constant(text.is_empty()),
        (BinaryOp::NotEqual, None, text) => Predicate::Constant(!text.is_empty()),
        (BinaryOp::Equal, Some(tag), "") => Predicate::Rows(Expr::IsNull(Box::new(tag))),
        (BinaryOp::NotEqual, Some(tag), "") => Predicate::Rows(Expr::IsNotNull(Box::new(tag))),
        (BinaryOp::Equal, Some(tag), text) => Predicate::Rows(binary(tag, Operator::Eq, tag_text(text))),
        (BinaryOp::NotEqual, Some(tag), text) => {
            Predicate::Rows(or_missing(&tag, binary(tag.clone(), Operator::NotEq, tag_text(text))))
        }
        _ => Predicate::Constant(false),
    }
}

/// A tag (`None` when the table has none of this name) matched by an expression.
pub(super) fn tag_and_regex(op: BinaryOp, tag: Option<Expr>, pattern: &Pattern) -> Predicate {
    let wants_match = match op {
        BinaryOp::Matches => true,
        BinaryOp::NotMatches => false,
        _ => return Predicate::Constant(false),
    };
    let takes_missing = pattern.is_match("") == wants_match;
    let Some(tag) = tag else { return Predicate::Constant(takes_missing) };
    let matches = matching(tag.clone(), pattern);
    let matches = if wants_match { matches } else { Expr::Not(Box::new(matches)) };
    Predicate::Rows(if takes_missing { or_missing(&tag, matches) } else { matches })
}

/// Two tags, each `None` when the table has none of this name; one that is missing equals nothing.
pub(super) fn tags(op: BinaryOp, left: Option<Expr>, right: Option<Expr>) -> Predicate {
    let equal = match (left, right) {
        (Some(left), Some(right)) => Some(binary(left, Operator::Eq, right)),
        _ => None,
    };
    match (op, equal) {
        (BinaryOp::Equal, Some(equal)) => Predicate::Rows(equal),
        (BinaryOp::NotEqual, Some(equal)) => Predicate::Rows(Expr::IsNotTrue(Box::new(equal))),
        (BinaryOp::NotEqual, None) => Predicate::Constant(true),
        _ => Predicate::Constant(false),
    }
}

/// Two values that have these types.
pub(super) fn values(op: BinaryOp, left: Expr, left_type: Type, right: Expr, right_type: Type) -> Predicate {
    match (left_type, right_type) {
        (Type::String, Type::String) => texts(op, left, right),
        (Type::Boolean, Type::Boolean) if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) => {
            comparison_of(op, left, right)
        }
        (l, r) if l.is_numeric() && r.is_numeric() => {
            let common = common_type(l, r);
            let (left, right) = (as_type(left, l, &common), as_type(right, r, &common));
            match (op, &left, &right) {
                (BinaryOp::NotEqual, Expr::ScalarFunction(_), _)
                | (BinaryOp::NotEqual, _, Expr::ScalarFunction(_)) => unequal(left, right),
                _ => comparison_of(op, left, right),
            }
        }
        _ => Predicate::Constant(false),
    }
}

/// `!=` of a calculation: what is not a number is null here, and yet differs from everything, as long as all its
/// fields are there: `sqrt(-1) != 0`.
fn unequal(left: Expr, right: Expr) -> Predicate {
    let mut fields: Vec<_> = left.column_refs().into_iter().chain(right.column_refs()).cloned().collect();
    fields.sort();
    fields.dedup();
    let is_present = |field| Predicate::Rows(Expr::IsNotNull(Box::new(Expr::Column(field))));
    let equal = binary(left, Operator::Eq, right);
    fields
        .into_iter()
        .map(is_present)
        .fold(Predicate::Rows(Expr::IsNotTrue(Box::new(equal))), |all, field| field.and(all))
}

/// The type in which two numbers compare; wide enough for both.
fn common_type(left: Type, right: Type) -> DataType {
    match (left, right) {
        (l, r) if l == r => l.data_type(),
        (Type::Float, _) | (_, Type::Float) => DataType::Float64,
        // 20 digits hold every u64, and a sign.
        _ => DataType::Decimal128(20, 0),
    }
}

fn as_type(expr: Expr, own: Type, data_type: &DataType) -> Expr {
    match &expr {
        _ if own.data_type() == *data_type => expr,
        Expr::Literal(value, _) if let Ok(value) = value.cast_to(data_type) => Expr::Literal(value, None),
        _ => Expr::Cast(Cast::new(Box::new(expr), data_type.clone())),
    }
}

/// Two texts of the Arrow type `Utf8`, which can only be equal or not.
pub(super) fn texts(op: BinaryOp, left: Expr, right: Expr) -> Predicate {
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual => comparison_of(op, left, right),
        _ => Predicate::Constant(false),
    }
}

fn comparison_of(op: BinaryOp, left: Expr, right: Expr) -> Predicate {
    let operator = match op {
        BinaryOp::Equal => Operator::Eq,
        BinaryOp::NotEqual => Operator::NotEq,
        BinaryOp::Less => Operator::Lt,
        BinaryOp::LessEqual => Operator::LtEq,
        BinaryOp::Greater => Operator::Gt,
        BinaryOp::GreaterEqual => Operator::GtEq,
        _ => return Predicate::Constant(false),
    };
    if let (Expr::Literal(left, _), Expr::Literal(right, _)) = (&left, &right) {
        return Predicate::Constant(holds(operator, left, right));
    }
    Predicate::Rows(binary(left, operator, right))
}

/// A comparison of two values of one type.
fn holds(operator: Operator, left: &ScalarValue, right: &ScalarValue) -> bool {
    left.partial_cmp(right).is_some_and(|order| match operator {
        Operator::Eq => order.is_eq(),
        Operator::NotEq => order.is_ne(),
        Operator::Lt => order.is_lt(),
        Operator::LtEq => order.is_le(),
        Operator::Gt => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// Whether an expression matches a text.
pub(super) fn matching(text: Expr, pattern: &Pattern) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(regex_match(pattern), vec![text]))
}

/// `tag IS NULL OR condition`.
fn or_missing(tag: &Expr, condition: Expr) -> Expr {
    binary(Expr::IsNull(Box::new(tag.clone())), Operator::Or, condition)
}

/// A tag's text, which is empty where it is missing.
pub(super) fn text_of(tag: Option<Expr>) -> Expr {
    tag.map_or_else(|| text(""), |tag| or_else(as_text(tag), text("")))
}

/// A tag as `Utf8`, the type of fields of text.
pub(super) fn as_text(tag: Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(tag), DataType::Utf8))
}

pub(super) fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

fn text(value: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8(Some(value.to_owned())), None)
}

/// A text in the type of tags, `Utf8View`.
pub(super) fn tag_text(value: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8View(Some(value.to_owned())), None)
}
