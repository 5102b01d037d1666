//! What every aggregate here shares: walking rows group by group, and serving DataFusion's row-wise
//! interface from a vectorised accumulator.
//!
//! In: argument arrays with a group index per row. Out: calls per row, or one value. It knows no
//! particular aggregate.

use arrow::array::{
    Array, ArrayRef, BooleanArray, DynComparator, Float64Array, TimestampNanosecondArray, make_comparator,
    new_empty_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use parking_lot::Mutex;
use std::fmt;
use std::ops::Range;

/// Which rows take part: those where `values` is not null and `filter`, if any, is true. `None` = all.
pub(super) fn valid_rows(values: &dyn Array, filter: Option<&BooleanArray>) -> Option<NullBuffer> {
    let filter = filter.map(|filter| {
        NullBuffer::new(match filter.nulls() {
            Some(nulls) => filter.values() & nulls.inner(),
            None => filter.values().clone(),
        })
    });
    NullBuffer::union(values.logical_nulls().as_ref(), filter.as_ref()).filter(|nulls| nulls.null_count() > 0)
}

/// Calls `each` with every maximal run of rows of one group, in order. Sorted input makes few, long
/// runs, so that `each` may keep the state of its group in registers.
pub(super) fn for_each_run(group_indices: &[usize], mut each: impl FnMut(usize, Range<usize>)) {
    let mut start = 0;
    while let Some(&group) = group_indices.get(start) {
        let length = run_length(&group_indices[start..], group);
        each(group, start..start + length);
        start += length;
    }
}

/// How many of `groups` are `group`, from the first on. Compares them in blocks, without a branch for each.
fn run_length(groups: &[usize], group: usize) -> usize {
    const BLOCK: usize = 64;
    let is_same = |block: &&[usize]| block.iter().fold(0, |others, other| others | (other ^ group)) == 0;
    let same = groups.chunks_exact(BLOCK).take_while(is_same).count() * BLOCK;
    same + groups[same..].iter().take_while(|other| **other == group).count()
}

/// Calls `each` with every row of `rows` that is valid.
#[inline]
pub(super) fn for_each_valid(nulls: Option<&NullBuffer>, rows: Range<usize>, mut each: impl FnMut(usize)) {
    match nulls {
        None => rows.for_each(each),
        Some(nulls) => rows.filter(|&row| nulls.is_valid(row)).for_each(&mut each),
    }
}

/// Compares rows by their values. As in InfluxDB, -0 is 0.
pub(super) fn value_comparator(values: &ArrayRef) -> Result<DynComparator> {
    let compare = |values: &dyn Array| make_comparator(values, values, SortOptions::default());
    Ok(match values.as_any().downcast_ref::<Float64Array>() {
        // Adding zero makes -0 a 0.
        Some(floats) => compare(&floats.unary::<_, Float64Type>(|x| x + 0.0))?,
        None => compare(values.as_ref())?,
    })
}

/// DataFusion's row-wise [`Accumulator`] on top of a vectorised one that has a single group: what a query
/// without `GROUP BY` uses.
pub(super) struct SingleGroup {
    /// Only ever reached through `&mut self`; the lock makes it `Sync`.
    groups: Mutex<Box<dyn GroupsAccumulator>>,
    argument_types: Vec<DataType>,
    /// Group indices of the longest batch so far: all 0.
    zeros: Vec<usize>,
}

impl SingleGroup {
    pub(super) fn new(groups: Box<dyn GroupsAccumulator>, argument_types: Vec<DataType>) -> Self {
        Self { groups: Mutex::new(groups), argument_types, zeros: Vec::new() }
    }

    /// The group indices of `row_count` rows.
    fn zeros(zeros: &mut Vec<usize>, row_count: usize) -> &[usize] {
        if zeros.len() < row_count {
            zeros.resize(row_count, 0);
        }
        &zeros[..row_count]
    }

    /// The state as arrays of length 1. The accumulator keeps it.
    fn state_arrays(&mut self) -> Result<Vec<ArrayRef>> {
        let groups = self.groups.get_mut();
        // The group exists from here on, even when no row ever came.
        let nothing: Vec<ArrayRef> = self.argument_types.iter().map(new_empty_array).collect();
        groups.update_batch(&nothing, &[], None, 1)?;
        let state = groups.state(EmitTo::All)?;
        groups.merge_batch(&state, &[0], 1)?;
        Ok(state)
    }
}

impl fmt::Debug for SingleGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleGroup").field("argument_types", &self.argument_types).finish_non_exhaustive()
    }
}

impl Accumulator for SingleGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let row_count = values.first().map_or(0, |v| v.len());
        let zeros = Self::zeros(&mut self.zeros, row_count);
        self.groups.get_mut().update_batch(values, zeros, None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let row_count = states.first().map_or(0, |v| v.len());
        let zeros = Self::zeros(&mut self.zeros, row_count);
        self.groups.get_mut().merge_batch(states, zeros, 1)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.state_arrays()?.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let state = self.state_arrays()?;
        let groups = self.groups.get_mut();
        let result = ScalarValue::try_from_array(&groups.evaluate(EmitTo::All)?, 0)?;
        groups.merge_batch(&state, &[0], 1)?;
        Ok(result)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.zeros.capacity() * size_of::<usize>() + self.groups.lock().size()
    }
}

/// An error that only a wrong plan can cause: our bug, not the user's.
pub(super) fn unexpected_type(function: &str, found: &DataType) -> DataFusionError {
    DataFusionError::Internal(format!("{function} was planned over {found}"))
}

/// Typed view of an argument or state array.
pub(super) fn downcast<'a, A: Array + 'static>(array: &'a ArrayRef, function: &str) -> Result<&'a A> {
    array.as_any().downcast_ref::<A>().ok_or_else(|| unexpected_type(function, array.data_type()))
}

/// Array `index` of the arguments or of a state.
pub(super) fn argument<'a>(arrays: &'a [ArrayRef], index: usize, function: &str) -> Result<&'a ArrayRef> {
    arrays
        .get(index)
        .ok_or_else(|| DataFusionError::Internal(format!("{function} was called without argument {index}")))
}

/// The values of a time argument: `Timestamp(ns)`, not null.
pub(super) fn times_ns<'a>(array: &'a ArrayRef, function: &str) -> Result<&'a [i64]> {
    downcast::<TimestampNanosecondArray>(array, function).map(|times| times.values().as_ref())
}

/// The type that argument 0 is coerced to: itself if it is numeric, or if `others` allows it. Dictionaries
/// are unpacked.
pub(super) fn value_type(
    function: &str,
    found: &DataType,
    others: fn(&DataType) -> bool,
) -> Result<DataType> {
    let found = match found {
        DataType::Dictionary(_, value) => value.as_ref(),
        found => found,
    };
    match found {
        DataType::Float64 | DataType::Int64 | DataType::UInt64 => Ok(found.clone()),
        // A column without a type holds only nulls.
        DataType::Null => Ok(DataType::Float64),
        found if others(found) => Ok(found.clone()),
        found => Err(DataFusionError::Plan(format!("{function} does not take values of type {found}"))),
    }
}

/// The type that a time argument is coerced to.
pub(super) fn time_type(function: &str, found: &DataType) -> Result<DataType> {
    match found {
        DataType::Timestamp(_, zone) => Ok(DataType::Timestamp(TimeUnit::Nanosecond, zone.clone())),
        found => Err(DataFusionError::Plan(format!("{function} takes a time, not {found}"))),
    }
}

/// Whether a type is one of text.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Utf8View)
}
