//! `influx_stddev(value)`: the sample standard deviation of a group's values, as a float.
//!
//! ```text
//! group value          group influx_stddev
//! a     1              a     1.4142135623730951
//! a     3       →      b     NaN                  one point has no deviation
//! b     7              c     null
//! c     null
//! ```
//!
//! NaN is a value where null is none: `fill` leaves it, a subquery counts it, and responses show it as null. So does InfluxDB.
//!
//! One pass by Welford's recurrence, whose states merge by Chan's formula: stable where the values
//! are large and close together. InfluxDB makes two passes over buffered points, so the last digit may
//! differ.

use super::fold::{Aggregate, Fold, Number, state_column};
use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Stddev;

/// Number, mean and sum of squared distances from the mean.
#[derive(Clone, Copy, Default)]
pub(super) struct State {
    /// A whole number; a float because it is only ever divided by.
    count: f64,
    mean: f64,
    squares: f64,
}

impl Aggregate for Stddev {
    const NAME: &'static str = "influx_stddev";

    fn return_type(_input: &DataType) -> DataType {
        DataType::Float64
    }

    fn state_columns(_input: &DataType) -> Vec<(&'static str, DataType)> {
        vec![("count", DataType::Float64), ("mean", DataType::Float64), ("squares", DataType::Float64)]
    }
}

impl<T: Number> Fold<T> for Stddev {
    type State = State;
    type Output = Float64Type;

    fn add(state: &mut State, value: T::Native) {
        let value = T::as_f64(value);
        let from_old_mean = value - state.mean;
        state.count += 1.0;
        state.mean += from_old_mean / state.count;
        state.squares += from_old_mean * (value - state.mean);
    }

    fn merge(state: &mut State, other: &State) {
        if other.count == 0.0 {
            return;
        }
        if state.count == 0.0 {
            *state = *other;
            return;
        }
        let count = state.count + other.count;
        let distance = other.mean - state.mean;
        state.squares += other.squares + distance * distance * state.count * other.count / count;
        state.mean += distance * other.count / count;
        state.count = count;
    }

    fn result(state: &State) -> Option<f64> {
        (state.count > 0.0).then(|| (state.squares / (state.count - 1.0)).sqrt())
    }

    fn store(states: &[State]) -> Vec<ArrayRef> {
        let column = |of: fn(&State) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(states.iter().map(of)))
        };
        vec![column(|s| s.count), column(|s| s.mean), column(|s| s.squares)]
    }

    fn load(columns: &[ArrayRef]) -> Result<Vec<State>> {
        let counts = state_column::<Float64Type>(columns, 0)?;
        let means = state_column::<Float64Type>(columns, 1)?;
        let squares = state_column::<Float64Type>(columns, 2)?;
        Ok((0..counts.len())
            .map(|row| match counts.is_valid(row) && means.is_valid(row) && squares.is_valid(row) {
                true => {
                    State { count: counts.value(row), mean: means.value(row), squares: squares.value(row) }
                }
                false => State::default(),
            })
            .collect())
    }
}
