//! `influx_mean(value)`: the sum of a group's values over their number, as a float.
//!
//! ```text
//! group value          group influx_mean
//! a     1              a     1.5
//! a     2       →      b     null
//! b     null
//! ```
//!
//! Integers are summed as integers, wrapping, and divided as floats: so does InfluxDB.

use super::fold::{Aggregate, Fold, Number, state_column};
use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, PrimitiveArray, UInt64Array};
use arrow::datatypes::{DataType, Float64Type, UInt64Type};
use datafusion::error::Result;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Mean;

/// Sum and number of values.
#[derive(Clone, Copy, Default)]
pub(super) struct State<N> {
    sum: N,
    count: u64,
}

impl Aggregate for Mean {
    const NAME: &'static str = "influx_mean";

    fn return_type(_input: &DataType) -> DataType {
        DataType::Float64
    }

    fn state_columns(input: &DataType) -> Vec<(&'static str, DataType)> {
        vec![("sum", input.clone()), ("count", DataType::UInt64)]
    }
}

impl<T: Number> Fold<T> for Mean {
    type State = State<T::Native>;
    type Output = Float64Type;

    fn add(state: &mut Self::State, value: T::Native) {
        state.sum = state.sum.add_wrapping(value);
        state.count += 1;
    }

    fn merge(state: &mut Self::State, other: &Self::State) {
        if other.count > 0 {
            state.sum = state.sum.add_wrapping(other.sum);
            state.count += other.count;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a count past 2^53 is out of reach")]
    fn result(state: &Self::State) -> Option<f64> {
        (state.count > 0).then(|| T::as_f64(state.sum) / state.count as f64)
    }

    fn store(states: &[Self::State]) -> Vec<ArrayRef> {
        vec![
            Arc::new(PrimitiveArray::<T>::from_iter_values(states.iter().map(|s| s.sum))),
            Arc::new(UInt64Array::from_iter_values(states.iter().map(|s| s.count))),
        ]
    }

    fn load(columns: &[ArrayRef]) -> Result<Vec<Self::State>> {
        let sums = state_column::<T>(columns, 0)?;
        let counts = state_column::<UInt64Type>(columns, 1)?;
        Ok((0..sums.len())
            .map(|row| match sums.is_valid(row) && counts.is_valid(row) {
                true => State { sum: sums.value(row), count: counts.value(row) },
                false => State::default(),
            })
            .collect())
    }
}
