//! The operators of InfluxQL's expressions.
//!
//! ```text
//! left   op right → result            left op right → result
//! 7 int  /  2 int   3.5 float         7   +  null     null
//! 7      /  0       0                 1.5 *  2 int    3 float
//! 7 int  %  0 int   0                 true ^  true    false
//! 7.5    %  0       null              i64::MAX + 1    i64::MIN
//! ```
//!
//! In: two columns of `Float64`, `Int64`, `UInt64` or `Boolean`. Out: what [`result_type`] says. The
//! texts of its errors are those of InfluxDB 1.x; the caller puts `type error: <expression>: ` before them.

use crate::model::value::FieldType;
use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, PrimitiveArray, UInt64Array};
use arrow::compute::{binary, cast};
use arrow::datatypes::{ArrowPrimitiveType, DataType, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 8] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Modulo,
        Self::BitAnd,
        Self::BitOr,
        Self::BitXor,
    ];

    const fn function_name(self, clause: Clause) -> &'static str {
        match (self, clause) {
            (Self::Add, _) => "influx_add",
            (Self::Subtract, _) => "influx_subtract",
            (Self::Multiply, _) => "influx_multiply",
            (Self::Divide, Clause::Select) => "influx_divide",
            (Self::Divide, Clause::Where) => "influx_divide_integers",
            (Self::Modulo, _) => "influx_modulo",
            (Self::BitAnd, Clause::Select) => "influx_bit_and",
            (Self::BitAnd, Clause::Where) => "influx_bit_and_of_both",
            (Self::BitOr, Clause::Select) => "influx_bit_or",
            (Self::BitOr, Clause::Where) => "influx_bit_or_of_both",
            (Self::BitXor, Clause::Select) => "influx_bit_xor",
            (Self::BitXor, Clause::Where) => "influx_bit_xor_of_both",
        }
    }

    /// The operator as it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
        }
    }

    /// Whether it is one of `&`, `|` and `^`, which no float goes with.
    #[must_use]
    pub const fn is_bitwise(self) -> bool {
        matches!(self, Self::BitAnd | Self::BitOr | Self::BitXor)
    }
}

/// Where an operator stands. Two rules of InfluxDB differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clause {
    /// `SELECT`: `/` of two integers is a float, and beside a boolean null counts as false.
    Select,
    /// `WHERE`: `/` of two integers is an integer, and null beside anything makes null.
    Where,
}

/// One side of an operator, as far as types go.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// `None` for a column without a type: it is null everywhere.
    pub field_type: Option<FieldType>,
    /// Whether the side is a literal.
    pub literal: bool,
}

/// The type of a result, or why there is none, in InfluxDB's words. `None` when neither side has a type.
///
/// # Errors
///
/// `incompatible types: float and string`, and the two texts about integers and unsigned ones.
pub fn result_type(
    operator: Operator,
    clause: Clause,
    left: Operand,
    right: Operand,
) -> std::result::Result<Option<FieldType>, String> {
    use FieldType::{Boolean, Float, Integer, Unsigned};
    let (left_type, right_type) = match (left.field_type, right.field_type) {
        (Some(left), Some(right)) => (left, right),
        (one, other) => return Ok(one.or(other)),
    };
    let unsigned_and_integer = match (left_type, right_type) {
        (Unsigned, Integer) => Some((left, right)),
        (Integer, Unsigned) => Some((right, left)),
        _ => None,
    };
    if let Some((unsigned, integer)) = unsigned_and_integer {
        if unsigned.literal {
            return Err(format!("cannot use {} with an integer and unsigned literal", operator.symbol()));
        }
        if !integer.literal {
            return Err(format!(
                "cannot use {} between an integer and unsigned, an explicit cast is required",
                operator.symbol()
            ));
        }
    }
    let numeric = |t| matches!(t, Float | Integer | Unsigned);
    match (left_type, right_type) {
        (Boolean, Boolean) if operator.is_bitwise() => Ok(Some(Boolean)),
        (Float, other) | (other, Float) if numeric(other) && !operator.is_bitwise() => Ok(Some(Float)),
        (Integer, Integer) if operator == Operator::Divide && clause == Clause::Select => Ok(Some(Float)),
        (Integer, Integer) => Ok(Some(Integer)),
        (Integer | Unsigned, Integer | Unsigned) => Ok(Some(Unsigned)),
        (left, right) => Err(format!("incompatible types: {left} and {right}")),
    }
}

/// The function of an operator: `influx_add(left, right)` and so on.
#[must_use]
pub fn arithmetic(operator: Operator, clause: Clause) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Arithmetic {
        operator,
        clause,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    operator: Operator,
    clause: Clause,
    signature: Signature,
}

/// The field type of an Arrow type; `None` for null.
fn field_type(data_type: &DataType) -> Result<Option<FieldType>> {
    Ok(Some(match data_type {
        DataType::Null => return Ok(None),
        DataType::Float64 => FieldType::Float,
        DataType::Int64 => FieldType::Integer,
        DataType::UInt64 => FieldType::Unsigned,
        DataType::Boolean => FieldType::Boolean,
        other => return Err(DataFusionError::Plan(format!("no arithmetic on {other}"))),
    }))
}

impl Arithmetic {
    /// Here an integer beside an unsigned one counts as a literal: who must cast was asked before.
    fn output(&self, arg_types: &[DataType]) -> Result<Option<FieldType>> {
        let [left, right] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes two arguments", self.name())));
        };
        let (left, right) = (field_type(left)?, field_type(right)?);
        let operand = |field_type| Operand { field_type, literal: field_type == Some(FieldType::Integer) };
        let (left, right) = (operand(left), operand(right));
        result_type(self.operator, self.clause, left, right).map_err(DataFusionError::Plan)
    }
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        self.operator.function_name(self.clause)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let output = self.output(arg_types)?.unwrap_or(FieldType::Float);
        // A side without a type takes the other's; unlike integers are converted here, not cast.
        let side = |given: &DataType| match given {
            DataType::Null => output.data_type(),
            given => given.clone(),
        };
        Ok(arg_types.iter().map(side).collect())
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.output(arg_types)?.unwrap_or(FieldType::Float).data_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = arrays.as_slice() else {
            return Err(DataFusionError::Internal(format!("{} takes two arguments", self.name())));
        };
        let result = calculate(self.operator, self.clause, left, right)?;
        super::math::scalar_if(all_scalar, result)
    }
}

fn calculate(operator: Operator, clause: Clause, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let mismatch = || {
        DataFusionError::Internal(format!(
            "no {} between {} and {}",
            operator.function_name(clause),
            left.data_type(),
            right.data_type()
        ))
    };
    match (left.data_type(), right.data_type()) {
        // A side without a type has no value.
        (DataType::Boolean, DataType::Boolean | DataType::Null) | (DataType::Null, DataType::Boolean) => {
            let (left, right) = (cast(left, &DataType::Boolean)?, cast(right, &DataType::Boolean)?);
            let left: &BooleanArray = left.as_any().downcast_ref().ok_or_else(mismatch)?;
            let right: &BooleanArray = right.as_any().downcast_ref().ok_or_else(mismatch)?;
            booleans(operator, clause, left, right).ok_or_else(mismatch)
        }
        (DataType::Int64, DataType::Int64) if (operator, clause) != (Operator::Divide, Clause::Select) => {
            let left: &Int64Array = left.as_any().downcast_ref().ok_or_else(mismatch)?;
            let right: &Int64Array = right.as_any().downcast_ref().ok_or_else(mismatch)?;
            let operation = integers(operator);
            Ok(Arc::new(binary::<_, _, _, arrow::datatypes::Int64Type>(left, right, operation)?))
        }
        (DataType::Int64 | DataType::UInt64, DataType::Int64 | DataType::UInt64)
            if (left.data_type(), right.data_type()) != (&DataType::Int64, &DataType::Int64) =>
        {
            let (left, right) = (unsigned(left)?, unsigned(right)?);
            Ok(Arc::new(binary::<_, _, _, UInt64Type>(&left, &right, unsigneds(operator))?))
        }
        _ => {
            let (left, right) = (floats(left)?, floats(right)?);
            let operation = float_operation(operator).ok_or_else(mismatch)?;
            let result: Float64Array = binary(&left, &right, operation)?;
            Ok(Arc::new(super::math::without_nan(result)))
        }
    }
}

fn booleans(
    operator: Operator,
    clause: Clause,
    left: &BooleanArray,
    right: &BooleanArray,
) -> Option<ArrayRef> {
    let operation: fn(bool, bool) -> bool = match operator {
        Operator::BitAnd => |a, b| a & b,
        Operator::BitOr => |a, b| a | b,
        Operator::BitXor => |a, b| a ^ b,
        _ => return None,
    };
    let of_pair = |(a, b): (Option<bool>, Option<bool>)| match clause {
        Clause::Select => a.or(b).map(|_| operation(a.unwrap_or_default(), b.unwrap_or_default())),
        Clause::Where => Some(operation(a?, b?)),
    };
    Some(Arc::new(left.iter().zip(right.iter()).map(of_pair).collect::<BooleanArray>()))
}

fn integers(operator: Operator) -> fn(i64, i64) -> i64 {
    match operator {
        Operator::Add => i64::wrapping_add,
        Operator::Subtract => i64::wrapping_sub,
        Operator::Multiply => i64::wrapping_mul,
        Operator::Divide => |a, b| if b == 0 { 0 } else { a.wrapping_div(b) },
        Operator::Modulo => |a, b| if b == 0 { 0 } else { a.wrapping_rem(b) },
        Operator::BitAnd => |a, b| a & b,
        Operator::BitOr => |a, b| a | b,
        Operator::BitXor => |a, b| a ^ b,
    }
}

fn unsigneds(operator: Operator) -> fn(u64, u64) -> u64 {
    match operator {
        Operator::Add => u64::wrapping_add,
        Operator::Subtract => u64::wrapping_sub,
        Operator::Multiply => u64::wrapping_mul,
        Operator::Divide => |a, b| a.checked_div(b).unwrap_or(0),
        Operator::Modulo => |a, b| a.checked_rem(b).unwrap_or(0),
        Operator::BitAnd => |a, b| a & b,
        Operator::BitOr => |a, b| a | b,
        Operator::BitXor => |a, b| a ^ b,
    }
}

fn float_operation(operator: Operator) -> Option<fn(f64, f64) -> f64> {
    Some(match operator {
        Operator::Add => |a, b| a + b,
        Operator::Subtract => |a, b| a - b,
        Operator::Multiply => |a, b| a * b,
        Operator::Divide => |a, b| if b == 0.0 { 0.0 } else { a / b },
        Operator::Modulo => |a, b| a % b,
        Operator::BitAnd | Operator::BitOr | Operator::BitXor => return None,
    })
}

/// Integers reinterpreted as unsigned, as Go converts them.
fn unsigned(array: &ArrayRef) -> Result<UInt64Array> {
    if let Some(signed) = array.as_any().downcast_ref::<Int64Array>() {
        return Ok(signed.unary(i64::cast_unsigned));
    }
    typed(array)
}

fn floats(array: &ArrayRef) -> Result<Float64Array> {
    typed(&cast(array, &DataType::Float64)?)
}

fn typed<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<PrimitiveArray<T>> {
    let mismatch = || DataFusionError::Internal(format!("arithmetic on {}", array.data_type()));
    array.as_any().downcast_ref::<PrimitiveArray<T>>().cloned().ok_or_else(mismatch)
}
