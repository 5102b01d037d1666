//! Where runs begin in a batch.
//!
//! ```text
//! row  host time       begin there:  of host 0, 3 · of buckets of an hour 0, 2, 3
//! 0    a    00:00
//! 1    a    00:10
//! 2    a    01:00
//! 3    b    00:00
//! ```
//!
//! In: a column. Out: the numbers of the rows that differ from the row before, ascending, without row 0. A run may be
//! shorter than it could be (two equal long texts in different buffers). Runs are long: rows are compared in blocks, without a
//! branch for each.

use crate::query::functions::scalar::bucket::Buckets;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, TimestampNanosecondArray};
use arrow::compute::partition;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampNanosecondType, UInt64Type};
use datafusion::error::Result;

/// Rows that are compared at once.
const BLOCK_ROWS: usize = 64;

/// Appends the rows whose value differs from that of the row before.
pub(super) fn push_changes(array: &ArrayRef, starts: &mut Vec<u32>) -> Result<()> {
    match array.data_type() {
        DataType::Utf8View => push_unequal(array.as_string_view().views(), starts),
        DataType::Int64 => push_unequal_numbers::<Int64Type>(array, starts),
        DataType::UInt64 => push_unequal_numbers::<UInt64Type>(array, starts),
        DataType::Float64 => push_unequal_numbers::<Float64Type>(array, starts),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            push_unequal_numbers::<TimestampNanosecondType>(array, starts);
        }
        DataType::Dictionary(..) => {
            let keys = array.as_any_dictionary().keys();
            return push_ranges(&arrow::array::make_array(keys.to_data()), starts);
        }
        _ => return push_ranges(array, starts),
    }
    // Under a null lies any value, so that two nulls may seem to differ, but a null and a value must not seem equal.
    if let Some(nulls) = array.logical_nulls() {
        push_unequal(&nulls.iter().collect::<Vec<_>>(), starts);
    }
    Ok(())
}

/// Appends the rows whose time lies in another bucket than that of the row before.
pub(super) fn push_bucket_changes(
    buckets: &Buckets,
    times: &TimestampNanosecondArray,
    starts: &mut Vec<u32>,
) {
    if let Some(nulls) = times.nulls() {
        push_unequal(&nulls.iter().collect::<Vec<_>>(), starts);
    }
    let Some(first) = times.values().first() else { return };
    let (mut start, mut end) = buckets.bucket_of(*first);
    for (times, first) in times.values().chunks(BLOCK_ROWS).zip((0..).step_by(BLOCK_ROWS)) {
        // The sign of either difference tells; without comparisons every machine does several at once.
        let outside = |time: i64| time.wrapping_sub(start) | (end - 1).wrapping_sub(time);
        if times.iter().fold(0, |any, &time| any | outside(time)) >= 0 {
            continue;
        }
        for (&time, row) in times.iter().zip(first..) {
            if time < start || end <= time {
                (start, end) = buckets.bucket_of(time);
                starts.push(row);
            }
        }
    }
}

fn push_unequal_numbers<T: ArrowPrimitiveType>(array: &ArrayRef, starts: &mut Vec<u32>) {
    push_unequal(array.as_primitive::<T>().values(), starts);
}

fn push_unequal<V: PartialEq>(values: &[V], starts: &mut Vec<u32>) {
    let (Some((_, after)), Some((_, before))) = (values.split_first(), values.split_last()) else { return };
    let blocks = before.chunks(BLOCK_ROWS).zip(after.chunks(BLOCK_ROWS));
    for ((before, after), first) in blocks.zip((1..).step_by(BLOCK_ROWS)) {
        let pairs = || before.iter().zip(after);
        if pairs().fold(true, |equal, (before, after)| equal & (before == after)) {
            continue;
        }
        let changes = pairs().zip(first..).filter(|((before, after), _)| before != after);
        starts.extend(changes.map(|(_, row)| row));
    }
}

/// [`push_unequal`] for any type.
fn push_ranges(array: &ArrayRef, starts: &mut Vec<u32>) -> Result<()> {
    let ranges = partition(std::slice::from_ref(array))?.ranges();
    starts.extend(ranges.iter().skip(1).filter_map(|range| u32::try_from(range.start).ok()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{TIME_MAX_NS, TIME_MIN_NS};
    use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray, StringViewArray};
    use std::sync::Arc;

    /// The rows that differ from the row before, by comparing each with it.
    fn changes_of<V: PartialEq>(values: &[V]) -> Vec<u32> {
        let pairs = values.windows(2).zip(1..);
        pairs.filter(|(pair, _)| pair[0] != pair[1]).map(|(_, row)| row).collect()
    }

    fn pushed(array: ArrayRef) -> Vec<u32> {
        let mut starts = Vec::new();
        push_changes(&array, &mut starts).unwrap();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    #[test]
    fn changes_of_every_type_are_found_wherever_they_lie() {
        for length in [0, 1, 2, 63, 64, 65, 129, 1_000] {
            for run in [1, 2, 63, 64, 65, 200] {
                let numbers: Vec<i64> = (0..length).map(|row| row / run).collect();
                let expected = changes_of(&numbers);
                let texts = || numbers.iter().map(|n| format!("a text of more than twelve bytes {n}"));
                assert_eq!(pushed(Arc::new(Int64Array::from(numbers.clone()))), expected);
                assert_eq!(
                    pushed(Arc::new(Float64Array::from_iter_values(numbers.iter().map(|n| *n as f64)))),
                    expected
                );
                assert_eq!(pushed(Arc::new(StringArray::from_iter_values(texts()))), expected);
                let odd: Vec<bool> = numbers.iter().map(|n| n % 2 == 1).collect();
                assert_eq!(pushed(Arc::new(BooleanArray::from(odd))), expected);
                // Views of equal long texts differ where the texts lie apart.
                let found = pushed(Arc::new(StringViewArray::from_iter_values(texts())));
                assert!(expected.iter().all(|row| found.contains(row)), "{length} {run}");
            }
        }
    }

    #[test]
    fn a_null_begins_a_run_also_over_an_equal_value() {
        let array = Int64Array::new(vec![7, 7, 7, 7].into(), Some(vec![true, false, false, true].into()));
        assert_eq!(pushed(Arc::new(array)), [1, 3]);
    }

    #[test]
    fn buckets_change_between_the_ends_of_time() {
        let buckets = Buckets::new(1_000, 0, None).unwrap();
        let (first, last) = (TIME_MIN_NS, TIME_MAX_NS - 1);
        let times = vec![first, last, 0, first, 1, last];
        let mut starts = Vec::new();
        push_bucket_changes(&buckets, &times.into(), &mut starts);
        assert_eq!(starts, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn buckets_change_with_time_in_either_direction() {
        let buckets = Buckets::new(10, 0, None).unwrap();
        for step in [1_i64, 3, 10, 25, -1, -7] {
            let times: Vec<i64> = (0..500).map(|row| row * step).collect();
            let starts_of: Vec<i64> = times.iter().map(|time| time.div_euclid(10)).collect();
            let mut starts = Vec::new();
            push_bucket_changes(&buckets, &times.into(), &mut starts);
            assert_eq!(starts, changes_of(&starts_of), "{step}");
        }
    }
}
