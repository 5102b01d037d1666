//! Tests of the nodes for functions of neighbouring points.

use super::neighbours::{NeighbourCall, NeighbourOptions, NeighbourOrder, NeighboursExec};
use super::row_merge::{RowMergeExec, RowMergeOptions};
use super::tests::{SECOND_NS, rows_of, table};
use crate::query::functions::window::WindowFunction;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

const DIFFERENCE: WindowFunction = WindowFunction::Difference { non_negative: false };
const SUM: usize = 2;
const MEAN: usize = 3;

fn call(input: usize, functions: &[WindowFunction], from_s: Option<i64>) -> NeighbourCall<usize> {
    let from_ns = from_s.map(|s| s * SECOND_NS);
    NeighbourCall { name: format!("call of {input}"), input, functions: functions.to_vec(), from_ns }
}

fn neighbours(
    input: &str,
    batch_rows: usize,
    calls: &[NeighbourCall<usize>],
    options: NeighbourOptions,
) -> Arc<dyn ExecutionPlan> {
    let order = NeighbourOrder { group_columns: vec![0], time_column: 1, other_columns: Vec::new() };
    Arc::new(NeighboursExec::try_new(table(input, batch_rows), order, calls.to_vec(), options).unwrap())
}

/// Checks the rows for every way to cut the input into batches.
fn check(input: &str, calls: &[NeighbourCall<usize>], options: NeighbourOptions, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    for batch_rows in 1..=5 {
        let plan = neighbours(input, batch_rows, calls, options);
        assert_eq!(rows_of(plan).unwrap(), expected, "{batch_rows} rows a batch");
    }
}

#[test]
fn calls_make_rows_of_their_own() {
    let input = "a 0 - 1\na 10 - 4\na 20 - -\na 30 - 2\nb 10 - 7";
    let calls = [
        call(MEAN, &[DIFFERENCE], None),
        call(MEAN, &[], Some(10)),
        call(MEAN, &[WindowFunction::CumulativeSum], Some(10)),
    ];
    let options = NeighbourOptions { hands_nulls_on: true, ..NeighbourOptions::default() };
    let expected = "a 10 3 4 4\na 20 - - -\na 30 -2 2 6\nb 10 - 7 7";
    check(input, &calls, options, expected);
    let options = NeighbourOptions { repeats: true, ..options };
    check(input, &calls, options, "a 10 3 4 4\na 20 3 4 4\na 30 -2 2 6\nb 10 - 7 7");
    let options = NeighbourOptions { limit: Some(1), offset: 1, ..NeighbourOptions::default() };
    check(input, &calls, options, "a 30 -2 2 6");
}

#[test]
fn limits_count_the_rows_of_a_call_from_its_first_value_on() {
    let input = "a 0 5 -\na 10 - -\na 20 - 7\na 30 - -\na 40 6 -\nb 0 - 1\nb 10 2 -";
    let calls = [call(SUM, &[], None), call(MEAN, &[], None)];
    let all = NeighbourOptions { hands_nulls_on: true, ..NeighbourOptions::default() };
    let options = NeighbourOptions { limit: Some(2), ..all };
    check(input, &calls, options, "a 0 5 -\na 10 - -\nb 0 - 1\nb 10 2 -");
    let options = NeighbourOptions { begins_with_value: true, ..options };
    check(input, &calls, options, "a 0 5 -\na 10 - -\na 20 - 7\na 30 - -\nb 0 - 1\nb 10 2 -");
    let options = NeighbourOptions { offset: 1, ..options };
    check(input, &calls, options, "a 10 - -\na 20 - -\na 30 - -\na 40 - -\nb 10 - -");
}

#[test]
fn nulls_make_no_rows_in_a_series_without_a_value() {
    let input = "a 0 - 1\na 10 - 4\nb 0 - 1\nb 10 5 3";
    let calls = [call(MEAN, &[DIFFERENCE], None), call(SUM, &[], None)];
    let options = NeighbourOptions { hands_nulls_on: true, ..NeighbourOptions::default() };
    check(input, &calls, options, "a 10 3 -\nb 0 - -\nb 10 2 5");
}

#[test]
fn rows_of_one_time_stand_side_by_side_in_order() {
    let input = "a 0 1 1\na 0 2 2\na 10 4 4\na 10 8 8\na 20 16 16";
    let calls = [call(MEAN, &[DIFFERENCE], None), call(SUM, &[WindowFunction::CumulativeSum], None)];
    let options = NeighbourOptions::default();
    check(input, &calls, options, "a 0 - 1\na 0 - 3\na 10 3 7\na 10 - 15\na 20 12 31");
}

#[test]
fn rows_wait_for_a_result_of_an_earlier_time() {
    let input = "a 10 1 1\na 20 2 3\na 30 4 -\nb 5 1 1\nb 7 1 1";
    let integral = WindowFunction::Integral { unit_ns: SECOND_NS, buckets: None, lower_ns: None };
    let calls = [call(MEAN, &[integral], None), call(SUM, &[WindowFunction::CumulativeSum], None)];
    let expected = "a 0 20 -\na 10 - 1\na 20 - 3\na 30 - 7\nb 0 2 -\nb 5 - 1\nb 7 - 2";
    check(input, &calls, NeighbourOptions::default(), expected);
}

#[test]
fn functions_are_nested() {
    let input = "a 0 - 1\na 10 - 4\na 20 - 9\na 30 - 16";
    let calls = [call(MEAN, &[DIFFERENCE, DIFFERENCE, WindowFunction::CumulativeSum], None)];
    check(input, &calls, NeighbourOptions::default(), "a 20 2\na 30 4");
}

#[test]
fn backwards() {
    let input = "b 20 - 7\na 20 - 9\na 10 - 4\na 0 - 1";
    let calls = [call(MEAN, &[DIFFERENCE], None), call(MEAN, &[], Some(10))];
    let options = NeighbourOptions { descending: true, ..NeighbourOptions::default() };
    check(input, &calls, options, "a 10 -5 4\na 0 -3 1");
}

fn merge(inputs: &[&str], options: RowMergeOptions, expected: &str) {
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    for batch_rows in 1..=4 {
        let inputs = inputs.iter().map(|input| table(input, batch_rows)).collect();
        let plan = RowMergeExec::try_new(inputs, options).unwrap();
        assert_eq!(rows_of(Arc::new(plan)).unwrap(), expected, "{batch_rows} rows a batch");
    }
}

#[test]
fn inputs_are_merged_by_series_and_time() {
    let inputs = ["a 0 7 -", "a 0 1 2\na 0 3 -\na 60 8 4\nb 0 2 -"];
    let options = RowMergeOptions { group_count: 1, descending: false, repeats: false };
    merge(&inputs, options, "a 0 7 - 1 2\na 0 - - 3 -\na 60 - - 8 4\nb 0 - - 2 -");
    let options = RowMergeOptions { repeats: true, ..options };
    merge(&inputs, options, "a 0 7 - 1 2\na 0 7 - 3 2\na 60 7 - 8 4\nb 0 - - 2 -");
    let options = RowMergeOptions { group_count: 1, descending: true, repeats: false };
    merge(&["b 1 1 1\na 5 2 2", "a 9 3 3"], options, "b 1 1 1 - -\na 9 - - 3 3\na 5 2 2 - -");
}
