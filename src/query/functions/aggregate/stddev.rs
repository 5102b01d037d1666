//! `influx_stddev(value, time)`: the sample standard deviation of a group's values, as a float.
//!
//! ```text
//! group time value     group influx_stddev
//! a     1    1         a     1.4142135623730951
//! a     2    3     →   b     NaN                  one point has no deviation
//! b     1    7         c     null
//! c     1    null
//! ```
//!
//! NaN is a value where null is none: `fill` leaves it, a subquery counts it, and responses show it as null. So does InfluxDB.
//!
//! Two passes over the group's points in order of time, as in InfluxDB: so every digit is its. (The order of several series is
//! an accident there. Here the greater of two values of one time comes first, and rows may arrive in any order.)

use super::fold::Number;
use crate::query::functions::gather::Gather;
use crate::query::functions::grouping::{
    argument, downcast, time_type, times_ns, unexpected_type, value_type,
};
use arrow::array::{ArrayRef, Float64Array, PrimitiveArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::AccumulatorArgs;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Stddev;

impl Gather for Stddev {
    const NAME: &'static str = "influx_stddev";
    type Parameter = ();

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes a value and a time", Self::NAME)));
        };
        Ok(vec![value_type(Self::NAME, value, |_| false)?, time_type(Self::NAME, time)?])
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
        let times = times_ns(argument(columns, 1, Self::NAME)?, Self::NAME)?;
        Ok(Arc::new(match values.data_type() {
            DataType::Float64 => deviations::<Float64Type>(values, times, groups)?,
            DataType::Int64 => deviations::<Int64Type>(values, times, groups)?,
            DataType::UInt64 => deviations::<UInt64Type>(values, times, groups)?,
            other => return Err(unexpected_type(Self::NAME, other)),
        }))
    }
}

fn deviations<T: Number>(values: &ArrayRef, times: &[i64], groups: &[Range<usize>]) -> Result<Float64Array> {
    let values: &PrimitiveArray<T> = downcast(values, Stddev::NAME)?;
    let mut points: Vec<(i64, f64)> = Vec::new();
    Ok(groups
        .iter()
        .map(|rows| {
            points.clear();
            let numbers = values.values()[rows.clone()].iter().map(|value| T::as_f64(*value));
            points.extend(times[rows.clone()].iter().copied().zip(numbers));
            points.sort_unstable_by(|(a_ns, a), (b_ns, b)| a_ns.cmp(b_ns).then(b.total_cmp(a)));
            deviation(&points)
        })
        .collect())
}

/// The deviation of points in order of time; `None` without any. NaN is left out, as in InfluxDB.
fn deviation(points: &[(i64, f64)]) -> Option<f64> {
    if points.is_empty() {
        return None;
    }
    let numbers = || points.iter().map(|(_, number)| *number).filter(|number| !number.is_nan());
    let (mut count, mut mean) = (0.0, 0.0);
    for number in numbers() {
        count += 1.0;
        mean += (number - mean) / count;
    }
    let squares: f64 = numbers().fold(0.0, |sum, number| sum + (number - mean) * (number - mean));
    Some((squares / (count - 1.0)).sqrt())
}
