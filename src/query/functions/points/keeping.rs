//! The DataFusion aggregate of functions that keep the N best points of a group: its arguments and types.
//!
//! In: `(value, time, N [, seed] [, aux…] [, series, order])`. Out: what [`super`] says. The accumulator is [`BestGroups`].

use super::best::{BestGroups, COUNT_INDEX, columns_of, first_aux, list_item, ranked};
use super::rank::{Ranking, own_seed};
use crate::query::functions::grouping::{time_type, value_type};
use crate::query::functions::selector::chosen_fields;
use crate::query::functions::ties::TieOrder;
use crate::query::functions::vectorised::Vectorised;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::GroupsAccumulator;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::physical_expr::expressions::Literal;
use std::marker::PhantomData;
use std::sync::Arc;

/// The ranking `R` as a [`Vectorised`] aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Keeping<R>(PhantomData<R>);

/// The fields of a point over arguments of those types.
fn fields_of<R: Ranking>(arg_types: &[DataType]) -> Result<Fields> {
    match (arg_types, arg_types.get(first_aux::<R>()..)) {
        ([value, time, ..], Some(others)) => Ok(chosen_fields(value, time, others)),
        _ => Err(DataFusionError::Plan(format!("{} takes a value, a time and N", R::NAME))),
    }
}

fn types(fields: &[FieldRef]) -> Vec<DataType> {
    fields.iter().map(|field| field.data_type().clone()).collect()
}

/// The whole number that argument `index` is.
fn parameter<R: Ranking>(args: &AccumulatorArgs<'_>, index: usize) -> Result<u64> {
    let literal = args.exprs.get(index).and_then(|expr| expr.downcast_ref::<Literal>());
    match literal.map(Literal::value) {
        Some(ScalarValue::UInt64(Some(number))) => Ok(*number),
        _ => Err(DataFusionError::Plan(format!("{}'s N or seed is not a literal", R::NAME))),
    }
}

impl<R: Ranking> Vectorised for Keeping<R> {
    const NAME: &'static str = R::NAME;

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let mut columns = columns_of::<R, _>(arg_types)?;
        let (Some(value), Some(time)) = (columns.next(), columns.next()) else {
            return Err(DataFusionError::Internal(format!("{} without arguments", R::NAME)));
        };
        let own = [value_type(R::NAME, value, R::takes)?, time_type(R::NAME, time)?];
        let parameters = vec![DataType::UInt64; first_aux::<R>() - COUNT_INDEX];
        Ok(own.into_iter().chain(parameters).chain(columns.cloned()).collect())
    }

    fn return_type(arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::LargeList(list_item(&fields_of::<R>(arg_types)?)))
    }

    fn state_fields(args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let item = list_item(&ranked(&fields_of::<R>(&types(args.input_fields))?));
        let name = format_state_name(args.name, "points");
        Ok(vec![Arc::new(Field::new(name, DataType::LargeList(item), true))])
    }

    fn groups(args: &AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let count = parameter::<R>(args, COUNT_INDEX)?;
        let seed = if R::HAS_SEED { own_seed(parameter::<R>(args, COUNT_INDEX + 1)?) } else { 0 };
        let fields = fields_of::<R>(&types(args.expr_fields))?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Box::new(BestGroups::<R>::new(count, seed, fields, TieOrder::of(args))))
    }
}
