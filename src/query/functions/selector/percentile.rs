//! `influx_percentile(value, time, N [, aux…])`: the point of a group at the nearest rank of `N` percent.
//!
//! ```text
//! time value          N     value time
//! 1    30             50    20    3        index floor(3 · 50 / 100 + 0.5) − 1 = 1 of 10, 20, 30
//! 2    10       →     100   30    1
//! 3    20             0     null           no such index
//! ```
//!
//! `N` is a literal. Points of equal value are in order of time, those of equal time in order of arrival. InfluxDB
//! 1.x has them so up to 12 points; past these its order is that of an unstable sort.

use super::point_fields;
use crate::query::functions::gather::Gather;
use crate::query::functions::grouping::{argument, time_type, times_ns, unexpected_type, value_type};
use arrow::array::{Array, ArrayRef, StructArray, UInt64Array, make_comparator};
use arrow::buffer::NullBuffer;
use arrow::compute::{SortOptions, take};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::physical_expr::expressions::Literal;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Percentile;

/// Which argument is `N`.
const PERCENT_INDEX: usize = 2;

impl Gather for Percentile {
    const NAME: &'static str = "influx_percentile";
    type Parameter = f64;

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time, _, aux @ ..] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes a value, a time and N", Self::NAME)));
        };
        let value = value_type(Self::NAME, value, |_| false)?;
        let own = [value, time_type(Self::NAME, time)?, DataType::Float64];
        Ok(own.into_iter().chain(aux.iter().cloned()).collect())
    }

    fn return_type(arg_types: &[DataType]) -> Result<DataType> {
        let [value, time, _, aux @ ..] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes a value, a time and N", Self::NAME)));
        };
        Ok(DataType::Struct(point_fields(value, time, aux.iter())))
    }

    fn is_column(index: usize) -> bool {
        index != PERCENT_INDEX
    }

    fn parameter(args: &AccumulatorArgs<'_>) -> Result<f64> {
        let literal = args.exprs.get(PERCENT_INDEX).and_then(|expr| expr.downcast_ref::<Literal>());
        match literal.map(Literal::value) {
            Some(ScalarValue::Float64(Some(percent))) => Ok(*percent),
            _ => Err(DataFusionError::Plan(format!("{}'s N is not a literal", Self::NAME))),
        }
    }

    fn evaluate(
        percent: &f64,
        columns: &[ArrayRef],
        groups: &[Range<usize>],
        return_type: &DataType,
    ) -> Result<ArrayRef> {
        let values = argument(columns, 0, Self::NAME)?;
        let times = times_ns(argument(columns, 1, Self::NAME)?, Self::NAME)?;
        let compare = make_comparator(values.as_ref(), values.as_ref(), SortOptions::default())?;
        let choose = |rows: &Range<usize>| {
            let rank = rank(rows.len(), *percent)?;
            let mut sorted: Vec<usize> = rows.clone().collect();
            // Series are read one after the other, so the order of rows is not that of time. With the row as last
            // word the order is total, so that an unstable selection is stable.
            let order = |a: &usize, b: &usize| {
                compare(*a, *b).then(times[*a].cmp(&times[*b])).then(a.cmp(b))
            };
            let (_, chosen, _) = sorted.select_nth_unstable_by(rank, order);
            Some(*chosen as u64)
        };
        let chosen: UInt64Array = groups.iter().map(choose).collect();
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
