//! The sieve against a naive reading of what a run keeps.

use super::{RunLimitExec, RunRows};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::collect;
use futures::executor::block_on;
use proptest::prelude::*;
use std::sync::Arc;

/// The row numbers that are kept of rows of `runs` (series and length of each), which come in batches of `batch_rows`.
fn kept(runs: &[(u8, usize)], batch_rows: usize, rows: RunRows) -> Vec<i64> {
    let series =
        runs.iter().flat_map(|(series, length)| std::iter::repeat_n(format!("series {series}"), *length));
    let series: StringViewArray = series.map(Some).collect();
    let numbers = Int64Array::from_iter_values(0..i64::try_from(series.len()).unwrap());
    let schema = Arc::new(Schema::new(vec![
        Field::new("__series", DataType::Utf8View, false),
        Field::new("number", DataType::Int64, false),
    ]));
    let columns: Vec<ArrayRef> = vec![Arc::new(series), Arc::new(numbers)];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let batches: Vec<_> = (0..batch.num_rows())
        .step_by(batch_rows)
        .map(|start| batch.slice(start, batch_rows.min(batch.num_rows() - start)))
        .collect();
    let input = MemorySourceConfig::try_new_exec(&[batches], schema, None).unwrap();
    let plan = Arc::new(RunLimitExec::new(input, 0, rows));
    let batches = block_on(collect(plan, Arc::new(TaskContext::default()))).unwrap();
    batches.iter().flat_map(|b| b.column(1).as_primitive::<Int64Type>().values().to_vec()).collect()
}

/// The same, run by run.
fn expected(runs: &[(u8, usize)], rows: RunRows) -> Vec<i64> {
    let mut joined: Vec<(u8, usize)> = Vec::new();
    for (series, length) in runs.iter().filter(|(_, length)| *length > 0) {
        match joined.last_mut() {
            Some(last) if last.0 == *series => last.1 += length,
            _ => joined.push((*series, *length)),
        }
    }
    let (mut out, mut start) = (Vec::new(), 0);
    for (_, length) in joined {
        let skipped = if rows.are_last { length.saturating_sub(rows.count) } else { 0 };
        out.extend((start + skipped..start + length).take(rows.count).map(|row| row as i64));
        start += length;
    }
    out
}

#[test]
fn a_series_that_comes_again_keeps_rows_of_each_run() {
    let runs = [(0, 3), (1, 2), (0, 1)];
    assert_eq!(kept(&runs, 8, RunRows { count: 1, are_last: false }), [0, 3, 5]);
    assert_eq!(kept(&runs, 8, RunRows { count: 1, are_last: true }), [2, 4, 5]);
}

proptest! {
    #[test]
    fn runs_keep_their_first_or_last_rows(
        runs in prop::collection::vec((0_u8..3, 0_usize..6), 0..12),
        batch_rows in 1_usize..7,
        count in 1_usize..5,
        are_last in any::<bool>(),
    ) {
        let rows = RunRows { count, are_last };
        prop_assert_eq!(kept(&runs, batch_rows, rows), expected(&runs, rows));
    }
}
