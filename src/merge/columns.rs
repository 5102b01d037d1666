//! Per-row columns of what runs hold once per series: series key and tags.

use super::sorted_rows::{SeriesRun, SortedRows};
use crate::model::series_key;
use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, MutableArrayData, StringViewArray, StringViewBuilder,
    UInt32Array, make_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{FilterBuilder, take};
use arrow::datatypes::{ArrowNativeType, Int64Type};
use arrow::error::ArrowError;
use std::ops::Range;

/// The series key of every row; never null.
#[must_use]
pub fn series_column(runs: &[SeriesRun]) -> StringViewArray {
    repeat(runs, runs.iter().map(|run| Some(run.key.as_ref())))
}

/// For each tag of `names`, its value in every row; null where the series lacks the tag.
#[must_use]
pub fn tag_columns(runs: &[SeriesRun], names: &[&str]) -> Vec<StringViewArray> {
    tag_values(runs, names).into_iter().map(|values| repeat_view(runs, &values)).collect()
}

/// For each tag of `names`, its value in every run; null where the series lacks the tag.
#[must_use]
pub fn tag_values<'a>(
    runs: impl IntoIterator<Item = &'a SeriesRun, IntoIter: ExactSizeIterator>,
    names: &[&str],
) -> Vec<StringViewArray> {
    let runs = runs.into_iter();
    let mut builders: Vec<_> = names.iter().map(|_| StringViewBuilder::with_capacity(runs.len())).collect();
    let mut found = vec![false; names.len()];
    for run in runs {
        // Both the tags of a key and usually the names ascend, but names may be asked for in any order.
        found.fill(false);
        let mut missing_count = names.len();
        for (key, value) in series_key::decode(&run.key) {
            if missing_count == 0 {
                break;
            }
            for (i, _) in names.iter().enumerate().filter(|(_, name)| **name == key) {
                builders[i].append_value(&value);
                found[i] = true;
                missing_count -= 1;
            }
        }
        for (builder, _) in builders.iter_mut().zip(&found).filter(|(_, found)| !**found) {
            builder.append_null();
        }
    }
    builders.iter_mut().map(StringViewBuilder::finish).collect()
}

fn repeat<'a>(runs: &[SeriesRun], values: impl Iterator<Item = Option<&'a str>>) -> StringViewArray {
    repeat_view(runs, &values.collect::<StringViewArray>())
}

/// `values[i]` for every row of run `i`. Strings are shared, not copied. (Building the views by hand would mean validating
/// them, which takes longer than everything else here; the kernel knows that views of a valid array are valid.)
fn repeat_view(runs: &[SeriesRun], values: &StringViewArray) -> StringViewArray {
    let row_count = runs.last().map_or(0, |r| r.end_row.as_usize());
    let mut indices: Vec<u32> = Vec::with_capacity(row_count);
    for (run, index) in runs.iter().zip(0..) {
        indices.resize(run.end_row.as_usize(), index);
    }
    let repeated = take(values, &UInt32Array::from(indices), None).expect("every index is that of a run");
    repeated.as_string_view().clone()
}

impl SortedRows {
    /// The rows of `ranges`, which ascend and do not overlap. One range is shared, several are copied.
    ///
    /// # Errors
    /// When the strings of the result exceed 2 GiB.
    pub fn gather(&self, ranges: &[Range<usize>]) -> Result<Self, ArrowError> {
        if let [range] = ranges {
            return Ok(self.slice(range.clone()));
        }
        let row_count = ranges.iter().map(Range::len).sum();
        let mut runs: Vec<SeriesRun> = Vec::new();
        let mut times_ns = Vec::with_capacity(row_count);
        for range in ranges {
            let before = times_ns.len();
            times_ns.extend_from_slice(&self.times_ns[range.clone()]);
            for run in self.slice_runs(range.clone()) {
                let end_row = super::sorted_rows::row_index(before + run.end_row as usize);
                match runs.last_mut() {
                    Some(last) if last.key == run.key => last.end_row = end_row,
                    _ => runs.push(SeriesRun { key: run.key, end_row }),
                }
            }
        }
        let gather = |column: &ArrayRef| {
            let data = column.to_data();
            let mut out = MutableArrayData::new(vec![&data], false, row_count);
            ranges.iter().try_for_each(|r| out.try_extend(0, r.start, r.end))?;
            Ok(make_array(out.freeze()))
        };
        let fields = self.fields.iter().map(gather).collect::<Result<_, ArrowError>>()?;
        Ok(Self { runs, times_ns: times_ns.into(), fields })
    }

    /// The rows whose bit in `mask` is set, in order.
    ///
    /// # Errors
    /// When the kernel cannot filter a column.
    pub fn filter(&self, mask: &BooleanBuffer) -> Result<Self, ArrowError> {
        let predicate = FilterBuilder::new(&BooleanArray::new(mask.clone(), None)).optimize().build();
        let (mut runs, mut end) = (Vec::new(), 0);
        for run in 0..self.runs.len() {
            let rows = self.run_rows(run);
            let kept = mask.slice(rows.start, rows.len()).count_set_bits();
            if kept > 0 {
                end += kept;
                let end_row = super::sorted_rows::row_index(end);
                runs.push(SeriesRun { key: self.runs[run].key.clone(), end_row });
            }
        }
        let times = predicate.filter(&Int64Array::new(self.times_ns.clone(), None))?;
        let fields = self.fields.iter().map(|field| predicate.filter(field)).collect::<Result<_, _>>()?;
        Ok(Self { runs, times_ns: times.as_primitive::<Int64Type>().values().clone(), fields })
    }
}
