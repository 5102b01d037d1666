//! `influx_mode(value, time)`: the most frequent value of a group. The type stays.
//!
//! ```text
//! group time value          group influx_mode
//! a     1    1              a     2            2 was seen before the last 1
//! a     2    2       →      b     false
//! a     3    2
//! a     4    1
//! b     1    false
//! ```
//!
//! Of values that are equally frequent InfluxDB chooses so: going through them in ascending order, a value
//! replaces the one before unless its first point is later than the last point of that one; a value
//! that occurs once never replaces another. Hence the least value where all are unique. Of booleans equally
//! frequent, true.

use crate::query::functions::gather::Gather;
use crate::query::functions::grouping::{
    argument, downcast, is_text, time_type, times_ns, value_comparator, value_type,
};
use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::AccumulatorArgs;
use std::cmp::Ordering;
use std::ops::Range;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Mode;

impl Gather for Mode {
    const NAME: &'static str = "influx_mode";
    type Parameter = ();

    fn coerce_types(arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time] = arg_types else {
            return Err(DataFusionError::Plan(format!("{} takes a value and a time", Self::NAME)));
        };
        let any = |found: &DataType| is_text(found) || *found == DataType::Boolean;
        Ok(vec![value_type(Self::NAME, value, any)?, time_type(Self::NAME, time)?])
    }

    fn return_type(arg_types: &[DataType]) -> Result<DataType> {
        let none = || DataFusionError::Plan(format!("{} takes a value and a time", Self::NAME));
        arg_types.first().cloned().ok_or_else(none)
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
        let chosen: UInt64Array = if *values.data_type() == DataType::Boolean {
            let values: &BooleanArray = downcast(values, Self::NAME)?;
            groups.iter().map(|rows| boolean_mode(values, rows.clone()).map(|row| row as u64)).collect()
        } else {
            let compare = value_comparator(values)?;
            groups.iter().map(|rows| mode(&compare, times, rows.clone()).map(|row| row as u64)).collect()
        };
        Ok(take(values, &chosen, None)?)
    }
}

/// A row that bears the mode of those booleans.
fn boolean_mode(values: &BooleanArray, rows: Range<usize>) -> Option<usize> {
    let trues = rows.clone().filter(|&row| values.value(row)).count();
    let mode = trues >= rows.len() - trues;
    rows.into_iter().find(|&row| values.value(row) == mode)
}

/// A row that bears the mode of those rows.
fn mode(compare: &dyn Fn(usize, usize) -> Ordering, times: &[i64], rows: Range<usize>) -> Option<usize> {
    let mut sorted: Vec<usize> = rows.collect();
    // Points of one value stay in order of time, also where their series were not read in that order.
    sorted.sort_by(|&a, &b| compare(a, b).then(times[a].cmp(&times[b])));
    let mut best: Option<Tally> = None;
    for same in sorted.chunk_by(|&a, &b| compare(a, b).is_eq()) {
        let (Some(&first), Some(&last)) = (same.first(), same.last()) else { continue };
        let current = Tally { row: first, count: same.len(), first_ns: times[first], last_ns: times[last] };
        if best.as_ref().is_none_or(|best| current.replaces(best)) {
            best = Some(current);
        }
    }
    best.map(|best| best.row)
}

/// One value and the points that bear it.
struct Tally {
    row: usize,
    count: usize,
    first_ns: i64,
    last_ns: i64,
}

impl Tally {
    /// Whether this value is chosen over `best`, which is a lesser value.
    fn replaces(&self, best: &Self) -> bool {
        match self.count.cmp(&best.count) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => self.count > 1 && self.first_ns <= best.last_ns,
        }
    }
}
