//! `influx_median(value)`: the middle value of a group as a float; of an even number of values, the mean of the
//! two in the middle.
//!
//! ```text
//! group value          group influx_median
//! a     4              a     2
//! a     1       →      b     null
//! a     2
//! b     null
//! ```

use super::fold::Number;
use crate::query::functions::gather::Gather;
use crate::query::functions::grouping::{argument, downcast, unexpected_type, value_type};
use arrow::array::{ArrayRef, ArrowNativeTypeOp, Float64Array, PrimitiveArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::AccumulatorArgs;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Median;

impl Gather for Median {
    const NAME: &'static str = "influx_median";
    type Parameter = ();

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes one argument", Self::NAME)));
        };
        Ok(vec![value_type(Self::NAME, value, |_| false)?])
    }

    fn return_type(_arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn is_column(_index: usize, _data_type: &DataType) -> bool {
        true
    }

    fn parameter(_args: &AccumulatorArgs<'_>) -> Result<()> {
        Ok(())
    }

    fn evaluate(
        (): &(),
        columns: &[ArrayRef],
        groups: &[Range<usize>],
        _return_type: &DataType,
    ) -> Result<ArrayRef> {
        let values = argument(columns, 0, Self::NAME)?;
        Ok(Arc::new(match values.data_type() {
            DataType::Float64 => medians::<Float64Type>(values, groups)?,
            DataType::Int64 => medians::<Int64Type>(values, groups)?,
            DataType::UInt64 => medians::<UInt64Type>(values, groups)?,
            other => return Err(unexpected_type(Self::NAME, other)),
        }))
    }
}

fn medians<T: Number>(values: &ArrayRef, groups: &[Range<usize>]) -> Result<Float64Array> {
    let values: &PrimitiveArray<T> = downcast(values, Median::NAME)?;
    let mut points = Vec::new();
    Ok(groups
        .iter()
        .map(|rows| {
            points.clear();
            points.extend_from_slice(&values.values()[rows.clone()]);
            median::<T>(&mut points)
        })
        .collect())
}

/// The median; reorders `points`.
fn median<T: Number>(points: &mut [T::Native]) -> Option<f64> {
    if points.is_empty() {
        return None;
    }
    let middle = points.len() / 2;
    let odd = points.len() % 2 == 1;
    let (lower, &mut high, _) = points.select_nth_unstable_by(middle, |a, b| a.compare(*b));
    if odd {
        return Some(T::as_f64(high));
    }
    let low = lower.iter().copied().max_by(|a, b| a.compare(*b))?;
    // As InfluxDB: the difference is taken in the values' own type.
    Some(T::as_f64(low) + T::as_f64(high.sub_wrapping(low)) / 2.0)
}
