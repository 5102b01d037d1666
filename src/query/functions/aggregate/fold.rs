//! Aggregates over one numeric column whose state per group is a few plain values.
//!
//! An aggregate says how one value changes the state ([`Fold`]); this file makes a DataFusion aggregate
//! of it. Values are added in the order in which they arrive.

use super::lanes::add_runs;
use crate::query::functions::grouping::{
    argument, downcast, for_each_run, for_each_valid, unexpected_type, valid_rows, value_type,
};

use crate::query::functions::vectorised::Vectorised;
use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

/// A field type that can be calculated with.
pub(super) trait Number: ArrowPrimitiveType<Native: ArrowNativeTypeOp + Default> + Debug {
    /// The value as a float, rounded to the nearest where it is not exact.
    fn as_f64(value: Self::Native) -> f64;
}

impl Number for Float64Type {
    fn as_f64(value: f64) -> f64 {
        value
    }
}

impl Number for Int64Type {
    #[expect(clippy::cast_precision_loss, reason = "Go's float64(int64) rounds the same way")]
    fn as_f64(value: i64) -> f64 {
        value as f64
    }
}

impl Number for UInt64Type {
    #[expect(clippy::cast_precision_loss, reason = "Go's float64(uint64) rounds the same way")]
    fn as_f64(value: u64) -> f64 {
        value as f64
    }
}

/// One aggregate over numbers of type `T`.
pub(super) trait Fold<T: Number> {
    /// What is known of one group. The default is a group without values.
    type State: Copy + Default + Send + 'static;
    /// The type of the result.
    type Output: ArrowPrimitiveType;

    /// Takes one value in.
    fn add(state: &mut Self::State, value: T::Native);
    /// Takes in all that another state of the same group has seen.
    fn merge(state: &mut Self::State, other: &Self::State);
    /// The result, or `None` for null.
    fn result(state: &Self::State) -> Option<<Self::Output as ArrowPrimitiveType>::Native>;
    /// States as columns, of the types that [`Aggregate::state_columns`] names.
    fn store(states: &[Self::State]) -> Vec<ArrayRef>;
    /// The reverse of [`Fold::store`]. A null reads as a group without values.
    fn load(columns: &[ArrayRef]) -> Result<Vec<Self::State>>;
}

/// What does not depend on the type of the numbers.
pub(super) trait Aggregate: Debug + Eq + Hash + Send + Sync + 'static {
    /// The function's name.
    const NAME: &'static str;
    /// The type of the result over numbers of type `input`.
    fn return_type(input: &DataType) -> DataType;
    /// Names and types of the state's columns over numbers of type `input`.
    fn state_columns(input: &DataType) -> Vec<(&'static str, DataType)>;
}

/// An aggregate over every type of numbers.
pub(super) trait OverNumbers:
    Aggregate + Fold<Float64Type> + Fold<Int64Type> + Fold<UInt64Type>
{
}

impl<A: Aggregate + Fold<Float64Type> + Fold<Int64Type> + Fold<UInt64Type>> OverNumbers for A {}

/// `A` as a [`Vectorised`] aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Folding<A>(PhantomData<A>);

impl<A: OverNumbers> Vectorised for Folding<A> {
    const NAME: &'static str = A::NAME;

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes one argument", A::NAME)));
        };
        Ok(vec![value_type(A::NAME, value, |_| false)?])
    }

    fn return_type(arg_types: &[DataType]) -> Result<DataType> {
        let input = arg_types
            .first()
            .ok_or_else(|| DataFusionError::Plan(format!("{} takes one argument", A::NAME)))?;
        Ok(A::return_type(input))
    }

    fn state_fields(args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let input = args.input_fields.first().map_or(&DataType::Null, |field| field.data_type());
        Ok(A::state_columns(input)
            .into_iter()
            .map(|(name, data_type)| {
                Arc::new(Field::new(format_state_name(args.name, name), data_type, true))
            })
            .collect())
    }

    fn groups(args: &AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match args.expr_fields.first().map(|field| field.data_type()) {
            Some(DataType::Float64) => Ok(Box::new(FoldGroups::<Float64Type, A>::default())),
            Some(DataType::Int64) => Ok(Box::new(FoldGroups::<Int64Type, A>::default())),
            Some(DataType::UInt64) => Ok(Box::new(FoldGroups::<UInt64Type, A>::default())),
            other => Err(unexpected_type(A::NAME, other.unwrap_or(&DataType::Null))),
        }
    }
}

/// The states of all groups.
struct FoldGroups<T: Number, A: Fold<T>> {
    states: Vec<A::State>,
}

impl<T: Number, A: Fold<T>> Default for FoldGroups<T, A> {
    fn default() -> Self {
        Self { states: Vec::new() }
    }
}

impl<T: Number, A: Fold<T> + Aggregate> GroupsAccumulator for FoldGroups<T, A> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize(total_num_groups, A::State::default());
        let values: &PrimitiveArray<T> = downcast(argument(values, 0, A::NAME)?, A::NAME)?;
        let nulls = valid_rows(values, opt_filter);
        let numbers = values.values();
        match &nulls {
            None => add_runs::<T, A>(&mut self.states, numbers, group_indices),
            nulls => for_each_run(group_indices, |group, rows| {
                let mut state = self.states[group];
                for_each_valid(nulls.as_ref(), rows, |row| A::add(&mut state, numbers[row]));
                self.states[group] = state;
            }),
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let states = emit_to.take_needed(&mut self.states);
        let results: PrimitiveArray<A::Output> = states.iter().map(A::result).collect();
        Ok(Arc::new(results))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(A::store(&emit_to.take_needed(&mut self.states)))
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize(total_num_groups, A::State::default());
        for (state, &group) in A::load(values)?.iter().zip(group_indices) {
            A::merge(&mut self.states[group], state);
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values: &PrimitiveArray<T> = downcast(argument(values, 0, A::NAME)?, A::NAME)?;
        let nulls = valid_rows(values, opt_filter);
        let mut states = vec![A::State::default(); values.len()];
        for_each_valid(nulls.as_ref(), 0..values.len(), |row| A::add(&mut states[row], values.value(row)));
        Ok(A::store(&states))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states.capacity() * size_of::<A::State>()
    }
}

/// Column `index` of a state, typed.
pub(super) fn state_column<T: ArrowPrimitiveType>(
    columns: &[ArrayRef],
    index: usize,
) -> Result<&PrimitiveArray<T>> {
    downcast(argument(columns, index, "an aggregate's state")?, "an aggregate's state")
}
