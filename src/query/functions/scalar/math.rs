//! InfluxQL's math functions.
//!
//! `abs ceil floor round` keep the type of their argument, and all but `abs` leave integers as they are. All
//! others convert to float. A result that is not a number is null; infinities stay.
//!
//! In: `Float64`, `Int64` or `UInt64`, one or two columns. Out: as said, one value per row.

use super::elementary;
use arrow::array::{Array, ArrayRef, Float64Array, Int64Array};
use arrow::compute::{binary, cast};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// A math function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each bears the name it has in InfluxQL")]
pub enum MathFunction {
    Abs,
    Ceil,
    Floor,
    Round,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Exp,
    Ln,
    Log2,
    Log10,
    Sqrt,
    /// `atan2(y, x)`
    Atan2,
    /// `pow(base, exponent)`
    Pow,
    /// `log(value, base)`
    Log,
}

impl MathFunction {
    /// Every function.
    pub const ALL: [Self; 18] = [
        Self::Abs,
        Self::Ceil,
        Self::Floor,
        Self::Round,
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
        Self::Exp,
        Self::Ln,
        Self::Log2,
        Self::Log10,
        Self::Sqrt,
        Self::Atan2,
        Self::Pow,
        Self::Log,
    ];

    const fn function_name(self) -> &'static str {
        match self {
            Self::Abs => "influx_abs",
            Self::Ceil => "influx_ceil",
            Self::Floor => "influx_floor",
            Self::Round => "influx_round",
            Self::Sin => "influx_sin",
            Self::Cos => "influx_cos",
            Self::Tan => "influx_tan",
            Self::Asin => "influx_asin",
            Self::Acos => "influx_acos",
            Self::Atan => "influx_atan",
            Self::Exp => "influx_exp",
            Self::Ln => "influx_ln",
            Self::Log2 => "influx_log2",
            Self::Log10 => "influx_log10",
            Self::Sqrt => "influx_sqrt",
            Self::Atan2 => "influx_atan2",
            Self::Pow => "influx_pow",
            Self::Log => "influx_log",
        }
    }

    /// The function's name in InfluxQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.function_name().trim_start_matches("influx_")
    }

    /// The function that InfluxQL calls `name`, in lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// How many arguments it takes.
    #[must_use]
    pub const fn argument_count(self) -> usize {
        match self {
            Self::Atan2 | Self::Pow | Self::Log => 2,
            _ => 1,
        }
    }

    /// Whether the result is of the first argument's type; a float otherwise.
    #[must_use]
    pub const fn keeps_type(self) -> bool {
        matches!(self, Self::Abs | Self::Ceil | Self::Floor | Self::Round)
    }

    /// The value for numbers, as many as the function takes.
    ///
    /// # Errors
    ///
    /// When one is no number, or their count is wrong.
    pub fn of_scalars(self, args: &[ScalarValue]) -> Result<ScalarValue> {
        let arrays = args.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?;
        ScalarValue::try_from_array(&calculate(self, &arrays)?, 0)
    }

    fn of_one(self) -> fn(f64) -> f64 {
        match self {
            Self::Abs => f64::abs,
            Self::Ceil => f64::ceil,
            Self::Floor => f64::floor,
            Self::Round => f64::round,
            Self::Sin => elementary::sin,
            Self::Cos => elementary::cos,
            Self::Tan => elementary::tan,
            Self::Asin => elementary::asin,
            Self::Acos => elementary::acos,
            Self::Atan => elementary::atan,
            Self::Exp => elementary::exp,
            Self::Log2 => elementary::log2,
            Self::Log10 => elementary::log10,
            Self::Sqrt => f64::sqrt,
            Self::Ln | Self::Atan2 | Self::Pow | Self::Log => elementary::ln,
        }
    }

    fn of_two(self) -> fn(f64, f64) -> f64 {
        match self {
            Self::Atan2 => elementary::atan2,
            Self::Pow => elementary::pow,
            _ => |value, base| elementary::ln(value) / elementary::ln(base),
        }
    }
}

/// The function `influx_abs(value)` and so on.
#[must_use]
pub fn math(function: MathFunction) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Math { function, signature: Signature::user_defined(Volatility::Immutable) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Math {
    function: MathFunction,
    signature: Signature,
}

impl ScalarUDFImpl for Math {
    fn name(&self) -> &str {
        self.function.function_name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if arg_types.len() != self.function.argument_count() {
            return Err(DataFusionError::Plan(format!(
                "{} takes {} arguments",
                self.name(),
                self.function.argument_count()
            )));
        }
        let side = |given: &DataType| match given {
            DataType::Null => Ok(DataType::Float64),
            DataType::Float64 | DataType::Int64 | DataType::UInt64 => Ok(given.clone()),
            other => Err(DataFusionError::Plan(format!("{} does not take {other}", self.name()))),
        };
        arg_types.iter().map(side).collect()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(match arg_types.first() {
            Some(given @ (DataType::Int64 | DataType::UInt64)) if self.function.keeps_type() => given.clone(),
            _ => DataType::Float64,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        scalar_if(all_scalar, calculate(self.function, &arrays)?)
    }
}

fn calculate(function: MathFunction, args: &[ArrayRef]) -> Result<ArrayRef> {
    match args {
        [value] => one(function, value),
        [left, right] => {
            let (left, right) = (floats(left)?, floats(right)?);
            let result = binary::<_, _, _, Float64Type>(&left, &right, function.of_two())?;
            Ok(Arc::new(without_nan(result)))
        }
        _ => Err(DataFusionError::Internal(format!("{} without arguments", function.function_name()))),
    }
}

fn one(function: MathFunction, value: &ArrayRef) -> Result<ArrayRef> {
    let integral = value.data_type().is_integer();
    if integral && function.keeps_type() {
        return Ok(match value.as_any().downcast_ref::<Int64Array>() {
            Some(signed) if function == MathFunction::Abs => {
                Arc::new(signed.unary::<_, arrow::datatypes::Int64Type>(i64::wrapping_abs))
            }
            _ => Arc::clone(value),
        });
    }
    Ok(Arc::new(without_nan(floats(value)?.unary(function.of_one()))))
}

fn floats(array: &ArrayRef) -> Result<Float64Array> {
    let floats = cast(array, &DataType::Float64)?;
    let mismatch = || DataFusionError::Internal("a cast to float gave no floats".into());
    floats.as_any().downcast_ref::<Float64Array>().cloned().ok_or_else(mismatch)
}

/// The array with null in the place of what is not a number.
pub(super) fn without_nan(array: Float64Array) -> Float64Array {
    if array.values().iter().any(|value| value.is_nan()) {
        return array.unary_opt(|value| (!value.is_nan()).then_some(value));
    }
    array
}

/// The result of a function: a scalar if all its arguments were.
pub(super) fn scalar_if(all_scalar: bool, result: ArrayRef) -> Result<ColumnarValue> {
    Ok(match all_scalar {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
        false => ColumnarValue::Array(result),
    })
}
