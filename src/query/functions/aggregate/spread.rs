//! `influx_spread(value)`: the greatest minus the least value of a group. The type stays.
//!
//! ```text
//! group value          group influx_spread
//! a     1              a     3
//! a     4       →      b     0
//! b     7
//! ```

use super::fold::{Aggregate, Fold, Number, state_column};
use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, PrimitiveArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Spread;

/// Least and greatest value.
type Bounds<N> = (N, N);

impl Aggregate for Spread {
    const NAME: &'static str = "influx_spread";

    fn return_type(input: &DataType) -> DataType {
        input.clone()
    }

    fn state_columns(input: &DataType) -> Vec<(&'static str, DataType)> {
        vec![("min", input.clone()), ("max", input.clone())]
    }
}

impl<T: Number> Fold<T> for Spread {
    type State = Option<Bounds<T::Native>>;
    type Output = T;

    fn add(state: &mut Self::State, value: T::Native) {
        <Self as Fold<T>>::merge(state, &Some((value, value)));
    }

    fn merge(state: &mut Self::State, other: &Self::State) {
        let Some((min, max)) = *other else { return };
        *state = Some(match *state {
            None => (min, max),
            Some((least, greatest)) => {
                (if min.is_lt(least) { min } else { least }, if max.is_gt(greatest) { max } else { greatest })
            }
        });
    }

    fn result(state: &Self::State) -> Option<T::Native> {
        state.map(|(min, max)| max.sub_wrapping(min))
    }

    fn store(states: &[Self::State]) -> Vec<ArrayRef> {
        let column = |of: fn(Bounds<T::Native>) -> T::Native| -> ArrayRef {
            Arc::new(states.iter().map(|state| state.map(of)).collect::<PrimitiveArray<T>>())
        };
        vec![column(|(min, _)| min), column(|(_, max)| max)]
    }

    fn load(columns: &[ArrayRef]) -> Result<Vec<Self::State>> {
        let (mins, maxs) = (state_column::<T>(columns, 0)?, state_column::<T>(columns, 1)?);
        Ok((0..mins.len())
            .map(|row| (mins.is_valid(row) && maxs.is_valid(row)).then(|| (mins.value(row), maxs.value(row))))
            .collect())
    }
}
