//! [`TableColumns`]: the names of the language as columns of one table's provider.

use super::ir::Ref;
use super::predicate::Columns;
use super::types::Type;
use crate::model::database::TableInfo;
use crate::model::schema::{SERIES_COLUMN, TIME_COLUMN};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{Column, ScalarValue, TableReference};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{Case, Cast, TryCast};

/// The name under which a table's scan stands in plans.
pub(super) const SCAN_NAME: &str = "t";

/// The columns of one table as its provider has them.
#[derive(Clone, Debug)]
pub struct TableColumns<'a> {
    /// The table.
    pub table: &'a TableInfo,
    /// The provider's schema: stored names.
    pub schema: SchemaRef,
}

impl TableColumns<'_> {
    /// `time`, as `Timestamp(ns)`.
    #[must_use]
    pub fn time(&self) -> Expr {
        column(TIME_COLUMN)
    }

    /// The series key.
    #[must_use]
    pub fn series(&self) -> Expr {
        column(SERIES_COLUMN)
    }

    /// The tag as `Utf8View`, null where a row lacks it; `None` when the table does.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<Expr> {
        let column = self.table.schema.tag(name)?;
        self.stored(&column.stored_name, &DataType::Utf8View)
    }

    /// The field as a value of this type, null where a row lacks it; `None` when the table has no field of this
    /// name and type. Numbers are cast to other types of numbers; a number that does not fit is null.
    #[must_use]
    pub fn field(&self, name: &str, ty: Type) -> Option<Expr> {
        let column = self.table.schema.field(name)?;
        let own = Type::from(column.field_type()?);
        if own != ty && !(own.is_numeric() && ty.is_numeric()) {
            return None;
        }
        self.stored(&column.stored_name, &ty.data_type())
    }

    /// What a reference means in this table, `None` for null.
    #[must_use]
    pub fn value(&self, reference: &Ref) -> Option<Expr> {
        match reference.ty {
            Type::Tag => self.tag(&reference.name),
            Type::Unknown | Type::Duration => None,
            ty => self.field(&reference.name, ty),
        }
    }

    fn stored(&self, stored_name: &str, data_type: &DataType) -> Option<Expr> {
        let field = self.schema.field_with_name(stored_name).ok()?;
        Some(converted(column(stored_name), field.data_type(), data_type))
    }
}

impl Columns for TableColumns<'_> {
    fn measurement(&self) -> Option<&str> {
        Some(&self.table.name)
    }

    fn tag(&self, name: &str) -> Option<Expr> {
        TableColumns::tag(self, name)
    }

    fn field(&self, name: &str, ty: Type) -> Option<Expr> {
        TableColumns::field(self, name, ty)
    }
}

/// An expression of type `given` as one of type `wanted`; a number that does not fit is null.
#[must_use]
pub(super) fn converted(expr: Expr, given: &DataType, wanted: &DataType) -> Expr {
    match (given, wanted) {
        (given, wanted) if given == wanted => expr,
        (DataType::Float64, DataType::Int64) => truncated(expr),
        (DataType::Float64, DataType::UInt64)
        | (DataType::Int64, DataType::UInt64)
        | (DataType::UInt64, DataType::Int64) => Expr::TryCast(TryCast::new(Box::new(expr), wanted.clone())),
        _ => Expr::Cast(Cast::new(Box::new(expr), wanted.clone())),
    }
}

/// A float as an integer. One that does not fit becomes the least integer, as in Go on the usual machines.
fn truncated(float: Expr) -> Expr {
    let integer = Expr::TryCast(TryCast::new(Box::new(float.clone()), DataType::Int64));
    let least = Expr::Literal(ScalarValue::Int64(Some(i64::MIN)), None);
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(Expr::IsNotNull(Box::new(float))), Box::new(or_else(integer, least)))],
        else_expr: None,
    })
}

/// A column of the scan.
fn column(stored_name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(SCAN_NAME)), stored_name))
}

/// A column of a plan by a name that no table qualifies.
#[must_use]
pub(super) fn plain(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// A literal of the time column's type.
#[must_use]
pub(super) fn time_literal(time_ns: i64) -> Expr {
    Expr::Literal(ScalarValue::TimestampNanosecond(Some(time_ns), None), None)
}

/// A key that sorts in the opposite order: the number, or a time's nanoseconds, negated.
pub(super) fn backwards(place: Expr) -> Expr {
    Expr::Negative(Box::new(Expr::Cast(Cast::new(Box::new(place), DataType::Int64))))
}

/// A null of a result column's type.
#[must_use]
pub(super) fn null_of(ty: Type) -> Expr {
    Expr::Literal(ScalarValue::try_from(&ty.data_type()).unwrap_or(ScalarValue::Null), None)
}

/// Text as a tag's type has it.
#[must_use]
pub(super) fn text_literal(text: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8View(Some(text.to_owned())), None)
}

/// `expr`, or `default` where it is null. (DataFusion's `coalesce` works only after an optimiser rule rewrote it.)
#[must_use]
pub(super) fn or_else(expr: Expr, default: Expr) -> Expr {
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(Expr::IsNotNull(Box::new(expr.clone()))), Box::new(expr))],
        else_expr: Some(Box::new(default)),
    })
}
