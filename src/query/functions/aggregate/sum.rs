//! `influx_sum(value)`: the sum of a group's values. Knows nothing of grouping.
//!
//! ```text
//! group value          group influx_sum
//! a     1              a     3
//! a     2       →      b     null
//! b     null
//! ```
//!
//! The type stays; integers wrap on overflow, as Go's do. Floats are added in order of arrival, which
//! is what makes the last digits agree with InfluxDB's over one series.

use super::fold::{Aggregate, Fold, Number, state_column};
use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, PrimitiveArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sum;

impl Aggregate for Sum {
    const NAME: &'static str = "influx_sum";

    fn return_type(input: &DataType) -> DataType {
        input.clone()
    }

    fn state_columns(input: &DataType) -> Vec<(&'static str, DataType)> {
        vec![("sum", input.clone())]
    }
}

impl<T: Number> Fold<T> for Sum {
    type State = Option<T::Native>;
    type Output = T;

    /// Starts from 0, so that the sum of -0 is 0: so it is in InfluxDB.
    fn add(state: &mut Self::State, value: T::Native) {
        *state = Some(state.unwrap_or_default().add_wrapping(value));
    }

    fn merge(state: &mut Self::State, other: &Self::State) {
        if let Some(sum) = other {
            <Self as Fold<T>>::add(state, *sum);
        }
    }

    fn result(state: &Self::State) -> Option<T::Native> {
        *state
    }

    fn store(states: &[Self::State]) -> Vec<ArrayRef> {
        vec![Arc::new(states.iter().copied().collect::<PrimitiveArray<T>>())]
    }

    fn load(columns: &[ArrayRef]) -> Result<Vec<Self::State>> {
        let sums = state_column::<T>(columns, 0)?;
        Ok((0..sums.len()).map(|row| sums.is_valid(row).then(|| sums.value(row))).collect())
    }
}
