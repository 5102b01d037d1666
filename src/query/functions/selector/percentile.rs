//! `influx_percentile(value, time, N [, aux…] [, series, order])`: the point of a group at the nearest rank of `N` percent.
//!
//! ```text
//! time value          N     value time
//! 1    30             50    20    3        index floor(3 · 50 / 100 + 0.5) − 1 = 1 of 10, 20, 30
//! 2    10       →     100   30    1
//! 3    20             0     null           no such index
//! ```
//!
//! `N` is a literal. Points of equal value are in order of time, those of equal time as the arguments at the end say, else in order of
//! arrival. Where `order` takes the greatest first, the latest come first, too. InfluxDB 1.x has them so up to 12 points; past these its
//! order is that of an unstable sort.

use super::chosen_fields;
use crate::query::functions::gather::Gather;
use crate::query::functions::grouping::{argument, time_type, times_ns, unexpected_type, value_type};
use crate::query::functions::ties::TieOrder;
use arrow::array::{Array, ArrayRef, AsArray, StructArray, UInt64Array, make_comparator};
use arrow::buffer::NullBuffer;
use arrow::compute::{SortOptions, take};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::physical_expr::expressions::Literal;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Percentile;

/// The literals among the arguments.
#[derive(Debug)]
pub(super) struct Rank {
    percent: f64,
    order: Option<TieOrder>,
}

/// Which argument is `N`.
const PERCENT_INDEX: usize = 2;

impl Gather for Percentile {
    const NAME: &'static str = "influx_percentile";
    type Parameter = Rank;

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time, _, aux @ ..] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes a value, a time and N", Self::NAME)));
        };
        let value = value_type(Self::NAME, value, |_| false)?;
        let own = [value, time_type(Self::NAME, time)?, DataType::Float64];
        Ok(own.into_iter().chain(aux.iter().cloned()).collect())
    }

    fn return_type(arg_types: &[DataType]) -> Result<DataType> {
        let [value, time, _, others @ ..] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes a value, a time and N", Self::NAME)));
        };
        Ok(DataType::Struct(chosen_fields(value, time, others)))
    }

    fn is_column(index: usize, data_type: &DataType) -> bool {
        // Only the order is of this type.
        index != PERCENT_INDEX && *data_type != DataType::Int8
    }

    fn parameter(args: &AccumulatorArgs<'_>) -> Result<Rank> {
        let literal = args.exprs.get(PERCENT_INDEX).and_then(|expr| expr.downcast_ref::<Literal>());
        match literal.map(Literal::value) {
            Some(ScalarValue::Float64(Some(percent))) => {
                Ok(Rank { percent: *percent, order: TieOrder::of(args) })
            }
            _ => Err(DataFusionError::Plan(format!("{}'s N is not a literal", Self::NAME))),
        }
    }

    fn evaluate(
        parameter: &Rank,
        columns: &[ArrayRef],
        groups: &[Range<usize>],
        return_type: &DataType,
    ) -> Result<ArrayRef> {
        let values = argument(columns, 0, Self::NAME)?;
        let times = times_ns(argument(columns, 1, Self::NAME)?, Self::NAME)?;
        let comparator =
            |column: &ArrayRef| make_comparator(column.as_ref(), column.as_ref(), SortOptions::default());
        let ranked = ranked(values)?;
        let compared = parameter.order.iter().flat_map(|order| order.compared(columns));
        let compared = compared.filter(|column| *column.data_type() != DataType::Null).map(comparator);
        let ties = compared.collect::<Result<Vec<_>, _>>()?;
        let is_reversed = parameter.order.is_some_and(TieOrder::takes_greatest);
        let place = |a: usize, b: usize| {
            let by_time = times[a].cmp(&times[b]);
            let order = ties.iter().fold(by_time, |order, compare| order.then_with(|| compare(a, b)));
            if is_reversed { order.reverse() } else { order }
        };
        let mut sorted: Vec<u64> = Vec::new();
        let mut choose = |rows: &Range<usize>| {
            let rank = rank(rows.len(), parameter.percent)?;
            sorted.clear();
            sorted.extend_from_slice(&ranked[rows.clone()]);
            let (not_greater, value, _) = sorted.select_nth_unstable(rank);
            let less_count = not_greater.iter().filter(|other| *other < value).count();
            let mut equal: Vec<usize> = rows.clone().filter(|row| ranked[*row] == *value).collect();
            // Series are read one after the other, so the order of rows is not that of time. With the row as last
            // word the order is total, so that an unstable selection is stable.
            let order = |a: &usize, b: &usize| place(*a, *b).then(a.cmp(b));
            let (_, chosen, _) = equal.select_nth_unstable_by(rank - less_count, order);
            Some(*chosen as u64)
        };
        let chosen: UInt64Array = groups.iter().map(&mut choose).collect();
        let columns = columns.iter().map(|column| Ok(take(column, &chosen, None)?));
        let DataType::Struct(fields) = return_type else {
            return Err(unexpected_type(Self::NAME, return_type));
        };
        let nulls: Option<NullBuffer> = chosen.logical_nulls();
        Ok(Arc::new(StructArray::try_new_with_length(
            fields.clone(),
            columns.collect::<Result<_>>()?,
            nulls,
            groups.len(),
        )?))
    }
}

/// Numbers in the order of the values, which have no nulls: those of floats in IEEE 754's total order, but -0 is 0 as in InfluxDB.
fn ranked(values: &ArrayRef) -> Result<Vec<u64>> {
    const SIGN: u64 = 1 << 63;
    let of_float = |value: &f64| {
        let bits = (value + 0.0).to_bits(); // adding zero makes -0 a 0
        if bits & SIGN == 0 { bits | SIGN } else { !bits }
    };
    Ok(match values.data_type() {
        DataType::Float64 => values.as_primitive::<Float64Type>().values().iter().map(of_float).collect(),
        DataType::Int64 => {
            let values = values.as_primitive::<Int64Type>().values();
            values.iter().map(|value| value.cast_unsigned() ^ SIGN).collect()
        }
        DataType::UInt64 => values.as_primitive::<UInt64Type>().values().to_vec(),
        other => return Err(unexpected_type(Percentile::NAME, other)),
    })
}

/// The index of the nearest rank among `count` sorted points.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "out of range saturates, and is then refused"
)]
fn rank(count: usize, percent: f64) -> Option<usize> {
    let rank = (count as f64 * percent / 100.0 + 0.5).floor();
    (rank >= 1.0).then(|| rank as usize - 1).filter(|index| *index < count)
}
