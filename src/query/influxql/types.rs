//! [`Type`]: the types of InfluxQL, and their order of precedence.

use super::error::{Result, err};
use crate::model::value::FieldType;
use arrow::datatypes::DataType;
use influxql::ast::{CastType, Expr};
use std::fmt;

/// The type of a name or an expression within one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// No table of the statement has the name.
    Unknown,
    /// 64-bit float.
    Float,
    /// Signed 64-bit.
    Integer,
    /// Unsigned 64-bit.
    Unsigned,
    /// Text of a field.
    String,
    /// True or false.
    Boolean,
    /// Text of a tag.
    Tag,
    /// A literal such as `1h`.
    Duration,
}

impl Type {
    /// Of a name that tables disagree about, the greater one counts (influxdb 1.x `DataType.LessThan`).
    fn rank(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Duration => 1,
            Self::Tag => 2,
            Self::Boolean => 3,
            Self::String => 4,
            Self::Unsigned => 5,
            Self::Integer => 6,
            Self::Float => 7,
        }
    }

    /// The type that counts when one name has both.
    #[must_use]
    pub fn or_greater(self, other: Self) -> Self {
        if self.rank() < other.rank() { other } else { self }
    }

    /// Float, integer or unsigned.
    #[must_use]
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Float | Self::Integer | Self::Unsigned)
    }

    /// A field's type, as opposed to a tag's or none.
    #[must_use]
    pub fn is_field(self) -> bool {
        matches!(self, Self::Float | Self::Integer | Self::Unsigned | Self::String | Self::Boolean)
    }

    /// The type of a field, or `None` for everything else.
    #[must_use]
    pub fn field_type(self) -> Option<FieldType> {
        Some(match self {
            Self::Float => FieldType::Float,
            Self::Integer => FieldType::Integer,
            Self::Unsigned => FieldType::Unsigned,
            Self::String => FieldType::String,
            Self::Boolean => FieldType::Boolean,
            Self::Tag | Self::Unknown | Self::Duration => return None,
        })
    }

    /// The Arrow type of a result column of this type.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Float => DataType::Float64,
            Self::Integer => DataType::Int64,
            Self::Unsigned => DataType::UInt64,
            Self::String => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Tag => DataType::Utf8View,
            Self::Unknown | Self::Duration => DataType::Null,
        }
    }

    /// The type that a cast of this name asks for, when it asks for one.
    #[must_use]
    pub fn of_cast(cast: CastType) -> Option<Self> {
        Some(match cast {
            CastType::Float => Self::Float,
            CastType::Integer => Self::Integer,
            CastType::Unsigned => Self::Unsigned,
            CastType::String => Self::String,
            CastType::Boolean => Self::Boolean,
            CastType::Tag => Self::Tag,
            CastType::Field => return None,
        })
    }

    /// The cast that names this type in an error text.
    #[must_use]
    pub fn to_cast(self) -> Option<CastType> {
        Some(match self {
            Self::Float => CastType::Float,
            Self::Integer => CastType::Integer,
            Self::Unsigned => CastType::Unsigned,
            Self::String => CastType::String,
            Self::Boolean => CastType::Boolean,
            Self::Tag => CastType::Tag,
            Self::Unknown | Self::Duration => return None,
        })
    }
}

impl From<FieldType> for Type {
    fn from(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Float => Self::Float,
            FieldType::Integer => Self::Integer,
            FieldType::Unsigned => Self::Unsigned,
            FieldType::String => Self::String,
            FieldType::Boolean => Self::Boolean,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Tag => "tag",
            Self::Duration => "duration",
        })
    }
}

/// More operators and functions in one expression than anyone writes. Plans recurse along them, and the time that planning takes
/// grows with their cube: 100 cost a tenth of a second, 500 would cost ten.
pub(super) const OPERATORS_MAX: usize = 100;

/// Refuses an expression of too many operators and functions, wherever in it they stand. Needs no stack itself.
pub(super) fn check_operators(expr: &Expr) -> Result<()> {
    let mut waiting = vec![expr];
    let mut count = 0_usize;
    while let Some(expr) = waiting.pop() {
        match expr {
            Expr::Binary { left, right, .. } => {
                count += 1;
                waiting.extend([&**left, &**right]);
            }
            Expr::Paren(inner) => waiting.push(inner),
            Expr::Call { args, .. } => {
                count += 1;
                waiting.extend(args);
            }
            _ => {}
        }
        if count > OPERATORS_MAX {
            return err(format!("an expression may have at most {OPERATORS_MAX} operators"));
        }
    }
    Ok(())
}

/// Whether the parser made this of one literal.
#[must_use]
pub fn is_literal(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String(_)
            | Expr::Integer(_)
            | Expr::Unsigned(_)
            | Expr::Float(_)
            | Expr::Boolean(_)
            | Expr::Duration(_)
            | Expr::Regex(_)
    )
}
