//! What the DataFusion aggregates of this folder have in common: one accumulator for many groups does all the work, also that of
//! queries without groups.
//!
//! In: a [`Vectorised`] function. Out: an [`AggregateUDFImpl`]. It knows no particular function.

use super::grouping::SingleGroup;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

/// An aggregate whose accumulator takes in rows of many groups at once. The order of rows must not matter to it.
pub(super) trait Vectorised: Debug + Eq + Hash + Send + Sync + 'static {
    /// The function's name.
    const NAME: &'static str;

    /// Checks the types of the arguments, and says to which they are cast.
    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>>;
    /// The type of the result.
    fn return_type(arg_types: &[DataType]) -> Result<DataType>;
    /// The columns of a partial state.
    fn state_fields(args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>>;
    /// The accumulator.
    fn groups(args: &AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>>;
}

/// The DataFusion aggregate made of `V`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Vector<V> {
    signature: Signature,
    function: PhantomData<V>,
}

impl<V> Default for Vector<V> {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), function: PhantomData }
    }
}

impl<V: Vectorised> AggregateUDFImpl for Vector<V> {
    fn name(&self) -> &str {
        V::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        V::coerce_types(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        V::return_type(arg_types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        V::state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let types = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Box::new(SingleGroup::new(V::groups(&args)?, types)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        V::groups(&args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}
