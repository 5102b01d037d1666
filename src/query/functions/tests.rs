//! Tests of the functions: against values recorded from InfluxDB 1.6.7, and against naive models.

mod math;
mod points;

use super::scalar::arithmetic::{Clause, Operand, Operator, arithmetic, result_type};
use super::scalar::bucket::Buckets;
use super::{aggregate, selector};
use crate::model::value::FieldType;
use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray,
    new_null_array,
};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, EmitTo, GroupsAccumulator, ScalarFunctionArgs, ScalarUDF,
};
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::{col, lit};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One way for rows to reach a final accumulator.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// As rows.
    Direct,
    /// As the states of a partial aggregation.
    Partial,
    /// As one state per row.
    Converted,
}

fn expr_of(function: Arc<AggregateUDF>, args: &[ArrayRef], percent: Option<f64>) -> AggregateFunctionExpr {
    let fields =
        args.iter().enumerate().map(|(i, a)| Field::new(format!("c{i}"), a.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut exprs: Vec<_> = (0..args.len()).map(|i| col(&format!("c{i}"), &schema).unwrap()).collect();
    if let Some(percent) = percent {
        exprs.insert(2, lit(percent));
    }
    AggregateExprBuilder::new(function, exprs).schema(schema).alias("x").build().unwrap()
}

/// The arguments as an operator passes them: with the literal as a column.
fn with_percent(args: &[ArrayRef], percent: Option<f64>) -> Vec<ArrayRef> {
    let mut args = args.to_vec();
    if let Some(percent) = percent {
        let rows = args[0].len();
        args.insert(2, ScalarValue::from(percent).to_array_of_size(rows).unwrap());
    }
    args
}

fn texts(array: &ArrayRef) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let formatter = ArrayFormatter::try_new(array, &options).unwrap();
    (0..array.len()).map(|row| formatter.value(row).to_string()).collect()
}

/// Aggregates chunks of rows, each on its way, and takes the first groups out before the rest.
fn aggregate_groups(
    expr: &AggregateFunctionExpr,
    args: &[ArrayRef],
    groups: &[usize],
    group_count: usize,
    ways: &[Way],
    first: usize,
) -> Vec<String> {
    let new = || -> Box<dyn GroupsAccumulator> { expr.create_groups_accumulator().unwrap() };
    let mut last = new();
    let chunk = groups.len().div_ceil(ways.len()).max(1);
    for (way, start) in ways.iter().zip((0..groups.len()).step_by(chunk)) {
        let length = chunk.min(groups.len() - start);
        let args: Vec<ArrayRef> = args.iter().map(|a| a.slice(start, length)).collect();
        let groups = &groups[start..start + length];
        match way {
            Way::Direct => last.update_batch(&args, groups, None, group_count).unwrap(),
            Way::Converted => {
                let state = last.convert_to_state(&args, None).unwrap();
                last.merge_batch(&state, groups, group_count).unwrap();
            }
            Way::Partial => {
                let mut partial = new();
                partial.update_batch(&args, groups, None, group_count).unwrap();
                let cut = first.min(group_count);
                let head = partial.state(EmitTo::First(cut)).unwrap();
                let tail = partial.state(EmitTo::All).unwrap();
                last.merge_batch(&head, &(0..cut).collect::<Vec<_>>(), group_count).unwrap();
                last.merge_batch(&tail, &(cut..group_count).collect::<Vec<_>>(), group_count).unwrap();
            }
        }
        assert!(last.size() > 0);
    }
    let empty: Vec<ArrayRef> = args.iter().map(|a| a.slice(0, 0)).collect();
    last.update_batch(&empty, &[], None, group_count).unwrap();
    let mut out = texts(&last.evaluate(EmitTo::First(first.min(group_count))).unwrap());
    out.extend(texts(&last.evaluate(EmitTo::All).unwrap()));
    out
}

/// Checks a function over one group, row-wise and vectorised, against `expected`.
#[track_caller]
fn check_one(function: Arc<AggregateUDF>, args: &[ArrayRef], percent: Option<f64>, expected: &str) {
    let expr = expr_of(function, args, percent);
    let args = with_percent(args, percent);
    let groups = vec![0; args[0].len()];
    for ways in [&[Way::Direct][..], &[Way::Partial], &[Way::Converted, Way::Direct, Way::Partial]] {
        assert_eq!(aggregate_groups(&expr, &args, &groups, 1, ways, 0), [expected], "{ways:?}");
    }
    let mut single = expr.create_accumulator().unwrap();
    single.update_batch(&args).unwrap();
    for _ in 0..2 {
        let value = single.evaluate().unwrap().to_array().unwrap();
        assert_eq!(texts(&value), [expected], "row-wise");
    }
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn booleans(values: &[bool]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

fn times(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter_values(values))
}

#[test]
fn integers_wrap() {
    let values = [integers([i64::MAX, 10])];
    check_one(aggregate::sum(), &values, None, "-9223372036854775799");
    check_one(aggregate::mean(), &values, None, "-4.611686018427388e18");
    check_one(aggregate::spread(), &values, None, "9223372036854775797");
}

#[test]
fn the_sum_of_negative_zeros_is_zero() {
    check_one(aggregate::sum(), &[floats([-0.0, -0.0])], None, "0.0");
}

#[test]
fn one_point_has_no_deviation() {
    check_one(aggregate::stddev(), &[floats([3.25]), times([0])], None, "NaN");
    check_one(aggregate::spread(), &[floats([3.25])], None, "0.0");
    check_one(aggregate::median(), &[integers([4])], None, "4.0");
}

#[test]
fn no_point_gives_null() {
    check_one(aggregate::sum(), &[floats([])], None, "-");
    check_one(aggregate::median(), &[floats([])], None, "-");
    check_one(aggregate::mode(), &[floats([]), times([])], None, "-");
    check_one(selector::last(), &[floats([]), times([])], None, "-");
}

#[test]
fn deviation_is_stable_far_from_zero() {
    let values = [
        1000000000.3238328,
        1000000000.3948236,
        1000000000.0724363,
        1000000000.09413,
        1000000000.0579989,
        1000000000.2146982,
        1000000000.4336457,
        1000000000.240663,
        1000000000.4245192,
        1000000000.123802,
        1000000000.630626,
    ];
    check_one(aggregate::mean(), &[floats(values)], None, "1000000000.2737434");
    check_one(aggregate::sum(), &[floats(values)], None, "11000000003.011177");
    check_one(aggregate::median(), &[floats(values)], None, "1000000000.240663");
    check_one(aggregate::stddev(), &[floats(values), times(0..11)], None, "0.18418221160628034");
}

#[test]
fn median_of_an_even_number_is_between() {
    check_one(aggregate::median(), &[integers([3, 8, 1, 4])], None, "3.5");
    check_one(aggregate::median(), &[floats([3.0, 8.25, 0.1, 7.3])], None, "5.15");
}

#[test]
fn mode_decides_ties_by_time() {
    let mode = |values: ArrayRef, expected: &str| {
        let times = times(1..=values.len() as i64);
        check_one(aggregate::mode(), &[values, times], None, expected);
    };
    mode(integers([1, 2, 2, 1]), "2");
    mode(integers([1, 1, 2, 2]), "1");
    mode(integers([5, 3, 4]), "3");
    mode(integers([3, 3, 1, 1, 2, 2]), "3");
    mode(booleans(&[true, false, true, false]), "true");
    mode(strings(&["x", "y", "y", "x", "z"]), "y");
}

#[test]
fn selectors_decide_ties_at_one_time() {
    let (at, host) = (times([5, 5, 9, 9]), strings(&["p", "q", "p", "q"]));
    let select = |function: fn() -> Arc<AggregateUDF>, values: ArrayRef, expected: &str| {
        check_one(function(), &[values, Arc::clone(&at), Arc::clone(&host)], None, expected);
    };
    let (i, f) = (|| integers([1, 2, 7, 6]), || floats([1.5, 2.5, 7.5, 6.5]));
    let (s, b) = (|| strings(&["x", "y", "m", "n"]), || booleans(&[false, true, true, false]));
    let at_5 = "time: 1970-01-01T00:00:00.000000005, aux_0";
    let at_9 = "time: 1970-01-01T00:00:00.000000009, aux_0";
    select(selector::first, i(), &format!("{{value: 2, {at_5}: q}}"));
    select(selector::first, f(), &format!("{{value: 2.5, {at_5}: q}}"));
    select(selector::first, b(), &format!("{{value: false, {at_5}: p}}"));
    select(selector::first, s(), &format!("{{value: y, {at_5}: q}}"));
    select(selector::last, i(), &format!("{{value: 7, {at_9}: p}}"));
    select(selector::last, b(), &format!("{{value: true, {at_9}: p}}"));
    select(selector::last, s(), &format!("{{value: n, {at_9}: q}}"));
    select(selector::min, i(), &format!("{{value: 1, {at_5}: p}}"));
    select(selector::min, b(), &format!("{{value: false, {at_5}: p}}"));
    select(selector::max, f(), &format!("{{value: 7.5, {at_9}: p}}"));
    select(selector::max, b(), &format!("{{value: true, {at_5}: q}}"));
}

#[test]
fn equal_points_are_told_apart_by_their_series() {
    let columns = [
        integers([5, 5, 5]),
        times([1, 1, 1]),
        strings(&["x", "y", "z"]),
        strings(&["m,h=b", "m,h=a", "m,h=c"]),
    ];
    let fields =
        columns.iter().enumerate().map(|(i, a)| Field::new(format!("c{i}"), a.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    for function in [selector::first, selector::last, selector::min, selector::max] {
        for (sign, aux, series) in [(-1_i8, "y", "m,h=a"), (1, "z", "m,h=c")] {
            let mut exprs: Vec<_> =
                (0..columns.len()).map(|i| col(&format!("c{i}"), &schema).unwrap()).collect();
            exprs.push(lit(sign));
            let expr = AggregateExprBuilder::new(function(), exprs).schema(Arc::clone(&schema)).alias("x");
            let expr = expr.build().unwrap();
            let mut args = columns.to_vec();
            args.push(ScalarValue::from(sign).to_array_of_size(3).unwrap());
            let at_1 = "time: 1970-01-01T00:00:00.000000001";
            let expected = format!("{{value: 5, {at_1}, aux_0: {aux}, series: {series}}}");
            for ways in [&[Way::Direct][..], &[Way::Partial; 3], &[Way::Converted; 3], &[Way::Direct; 3]] {
                let found = aggregate_groups(&expr, &args, &[0; 3], 1, ways, 0);
                assert_eq!(found, [expected.as_str()], "{ways:?}");
            }
        }
    }
}

#[test]
fn percentile_puts_equal_points_in_order() {
    let check = |columns: &[ArrayRef], order: i8, expected: [&str; 4]| {
        let fields =
            columns.iter().enumerate().map(|(i, a)| Field::new(format!("c{i}"), a.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        for (percent, expected) in [25.0, 50.0, 75.0, 100.0].into_iter().zip(expected) {
            let mut exprs: Vec<_> =
                (0..columns.len()).map(|i| col(&format!("c{i}"), &schema).unwrap()).collect();
            exprs.insert(2, lit(percent));
            exprs.push(lit(order));
            let expr = AggregateExprBuilder::new(selector::percentile(), exprs);
            let expr = expr.schema(Arc::clone(&schema)).alias("x").build().unwrap();
            let mut args = with_percent(columns, Some(percent));
            args.push(ScalarValue::from(order).to_array_of_size(4).unwrap());
            for ways in [&[Way::Direct][..], &[Way::Partial; 4], &[Way::Converted; 4], &[Way::Direct; 4]] {
                let found = aggregate_groups(&expr, &args, &[0; 4], 1, ways, 0);
                assert!(found[0].contains(expected), "{order} {percent} {ways:?}: {found:?} {expected}");
            }
        }
    };
    let at_once = [
        integers([5; 4]),
        times([1; 4]),
        strings(&["y", "x", "x", "z"]),
        strings(&["m,h=a", "m,h=c", "m,h=b", "m,h=d"]),
    ];
    check(&at_once, -1, ["h=a", "h=b", "h=c", "h=d"]);
    check(&at_once, 1, ["h=d", "h=c", "h=b", "h=a"]);
    check(&at_once, -2, ["h=b", "h=c", "h=a", "h=d"]);
    check(&at_once, 2, ["h=d", "h=a", "h=c", "h=b"]);
    let one_by_one = [integers([5; 4]), times([3, 1, 4, 2]), new_null_array(&DataType::Null, 4)];
    let [first, second, third, fourth] = ["000000001", "000000002", "000000003", "000000004"];
    check(&one_by_one, -1, [first, second, third, fourth]);
    check(&one_by_one, 1, [fourth, third, second, first]);
}

#[test]
fn percentile_chooses_the_nearest_rank() {
    let values = floats([30.5, 10.0, 20.0, 20.0, 50.0, 40.0, 70.0, 60.0, 5.0]);
    for (percent, expected) in [
        (0.0, None),
        (5.0, None),
        (6.0, Some(("5.0", 9))),
        (10.0, Some(("5.0", 9))),
        (49.9, Some(("20.0", 4))),
        (50.0, Some(("30.5", 1))),
        (90.0, Some(("60.0", 8))),
        (94.0, Some(("60.0", 8))),
        (95.0, Some(("70.0", 7))),
        (100.0, Some(("70.0", 7))),
        // Past 100 the rank still falls on the last of nine points.
        (101.0, Some(("70.0", 7))),
    ] {
        let text = match expected {
            None => "-".to_owned(),
            Some((value, time)) => {
                format!(
                    "{{value: {value}, time: 1970-01-01T00:00:00.00000000{time}, aux_0: {}}}",
                    time * time
                )
            }
        };
        let args = [Arc::clone(&values), times(1..=9), integers((1..=9).map(|k| k * k))];
        check_one(selector::percentile(), &args, Some(percent), &text);
    }
}

fn call(function: &Arc<ScalarUDF>, args: Vec<ArrayRef>) -> ArrayRef {
    let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
    let types = function.coerce_types(&types).unwrap();
    let args: Vec<ArrayRef> =
        args.iter().zip(&types).map(|(a, t)| arrow::compute::cast(a, t).unwrap()).collect();
    let arg_fields = types.iter().map(|t| Arc::new(Field::new("a", t.clone(), true))).collect();
    let number_rows = args[0].len();
    let result = function.invoke_with_args(ScalarFunctionArgs {
        args: args.into_iter().map(ColumnarValue::Array).collect(),
        arg_fields,
        number_rows,
        return_field: Arc::new(Field::new("r", function.return_type(&types).unwrap(), true)),
        config_options: Arc::new(ConfigOptions::default()),
    });
    result.unwrap().to_array(number_rows).unwrap()
}

#[track_caller]
fn check_call(function: &Arc<ScalarUDF>, args: Vec<ArrayRef>, expected: &[&str]) {
    assert_eq!(texts(&call(function, args)), expected);
}

#[test]
fn arithmetic_follows_influxdb() {
    let i = || integers([7, 7, -7, i64::MAX, i64::MIN, 0, 6, -3]);
    let j = || integers([2, 0, 2, 1, -1, 3, 4, 3]);
    let of = |operator| arithmetic(operator, Clause::Select);
    let of_where = |operator| arithmetic(operator, Clause::Where);
    let huge = "9.223372036854776e18";
    check_call(
        &of(Operator::Divide),
        vec![i(), j()],
        &["3.5", "0.0", "-3.5", huge, huge, "0.0", "1.5", "-1.0"],
    );
    let (min, max) = ("-9223372036854775808", "9223372036854775807");
    check_call(&of_where(Operator::Divide), vec![i(), j()], &["3", "0", "-3", max, min, "0", "1", "-1"]);
    check_call(&of(Operator::Modulo), vec![i(), j()], &["1", "0", "-1", "0", "0", "0", "2", "0"]);
    check_call(&of(Operator::BitAnd), vec![i(), j()], &["2", "0", "0", "1", min, "0", "4", "1"]);
    check_call(&of(Operator::BitOr), vec![i(), j()], &["7", "7", "-5", max, "-1", "3", "6", "-1"]);
    let xor = ["5", "7", "-5", "9223372036854775806", max, "3", "2", "-2"];
    check_call(&of(Operator::BitXor), vec![i(), j()], &xor);
    let two = integers([2; 8]);
    check_call(&of(Operator::Multiply), vec![i(), two], &["14", "14", "-14", "-2", "0", "0", "12", "-6"]);
    check_call(&of(Operator::Divide), vec![floats([7.5]), floats([0.0])], &["0.0"]);
    check_call(&of(Operator::Modulo), vec![floats([7.5]), floats([0.0])], &["-"]);
    check_call(&of(Operator::Multiply), vec![floats([7.5]), integers([2])], &["15.0"]);
    let null: ArrayRef = Arc::new(BooleanArray::from(vec![None::<bool>]));
    check_call(&of(Operator::BitAnd), vec![booleans(&[true]), Arc::clone(&null)], &["false"]);
    check_call(&of(Operator::BitOr), vec![Arc::clone(&null), booleans(&[true])], &["true"]);
    check_call(&of(Operator::BitXor), vec![Arc::clone(&null), Arc::clone(&null)], &["-"]);
    check_call(&of_where(Operator::BitOr), vec![booleans(&[true]), booleans(&[false])], &["true"]);
    check_call(&of_where(Operator::BitOr), vec![null, booleans(&[true])], &["-"]);
}

#[test]
fn incompatible_types_are_named() {
    let side = |field_type, literal| Operand { field_type: Some(field_type), literal };
    let check = |left, right, expected: &str| {
        assert_eq!(result_type(Operator::BitAnd, Clause::Select, left, right).unwrap_err(), expected);
    };
    use FieldType::{Float, Integer, Unsigned};
    check(side(Float, false), side(Integer, true), "incompatible types: float and integer");
    check(side(Integer, false), side(Unsigned, true), "cannot use & with an integer and unsigned literal");
    check(
        side(Unsigned, false),
        side(Integer, false),
        "cannot use & between an integer and unsigned, an explicit cast is required",
    );
}

const HOUR_NS: i64 = 3_600_000_000_000;

/// Checks the buckets of hourly points, and the walk over them, in seconds.
#[track_caller]
fn check_buckets(buckets: Buckets, hours_s: std::ops::Range<i64>, descending: bool, expected: &[i64]) {
    let second = 1_000_000_000;
    let mut starts: Vec<i64> =
        hours_s.clone().step_by(3600).map(|s| buckets.bucket_of(s * second).0 / second).collect();
    starts.dedup();
    if descending {
        starts.reverse();
    }
    assert_eq!(starts, expected);
    let mut cursor = buckets.cursor(expected[0] * second, descending);
    for start in expected {
        assert_eq!(cursor.start_ns() / second, *start);
        assert!(cursor.advance());
    }
}

#[test]
fn buckets_follow_the_clock_of_a_zone() {
    let berlin = |interval, offset| Buckets::new(interval, offset, Some(chrono_tz::Europe::Berlin)).unwrap();
    // Recorded: the autumn change on 2021-10-31, points from 20:00Z to 07:00Z.
    let autumn = 1635624000..1635667200;
    let two_hours = [1635624000, 1635631200, 1635638400, 1635649200, 1635656400, 1635663600];
    check_buckets(berlin(2 * HOUR_NS, 0), autumn.clone(), false, &two_hours);
    let four_hours = [1635616800, 1635631200, 1635649200, 1635663600];
    check_buckets(berlin(4 * HOUR_NS, 0), autumn.clone(), false, &four_hours);
    let hours: Vec<i64> = autumn.clone().step_by(3600).collect();
    check_buckets(berlin(HOUR_NS, 0), autumn, false, &hours);
    // The spring change on 2021-03-28.
    let spring = [1616871600, 1616878800, 1616886000, 1616893200, 1616896800, 1616904000, 1616911200];
    check_buckets(berlin(2 * HOUR_NS, 0), 1616875200..1616918400, false, &spring);
    // Descending with an offset: 1.6.7 adds an empty bucket at 1635656400, mended in 1.8.5.
    let days = [1635829200, 1635742800, 1635652800, 1635566400, 1635480000];
    check_buckets(berlin(24 * HOUR_NS, 6 * HOUR_NS), 1635537600..1635840000, true, &days);
}

/// In 2000 it was for two weeks. The clock was put back at midnight, and the bucket of these times begins in the hour that was repeated.
#[test]
fn long_buckets_follow_a_clock_that_is_put_forward_and_back_within_a_few_of_them() {
    let minute_ns = 60_000_000_000;
    let interval_ns = 486_085_500_000_000; // five days and a half, so that one begins at 23:30
    let buckets = Buckets::new(interval_ns, 0, Some(chrono_tz::America::Fortaleza)).unwrap();
    let change_ns = 972_180_000_000_000_000;
    let start_ns = change_ns - 30 * minute_ns;
    let bucket = (start_ns, start_ns + interval_ns + 60 * minute_ns);
    for minutes in [-30, -15, 0, 15, 45, 600] {
        assert_eq!(buckets.bucket_of(change_ns + minutes * minute_ns), bucket, "{minutes} minutes after it");
    }
}

/// Checks buckets that begin so many minutes after a time: the walk over them in either direction, and times in each but the last.
#[track_caller]
fn check_starts(buckets: Buckets, from_s: i64, minutes: &[i64]) {
    let mut starts: Vec<i64> = minutes.iter().map(|minute| (from_s + minute * 60) * 1_000_000_000).collect();
    for pair in starts.windows(2) {
        for time in [pair[0], (pair[0] + pair[1]) / 2, pair[1] - 1] {
            assert_eq!(buckets.bucket_of(time), (pair[0], pair[1]), "{minutes:?}");
        }
    }
    for descending in [false, true] {
        let mut cursor = buckets.cursor(starts[0], descending);
        for (place, start) in starts.iter().enumerate() {
            assert!(place == 0 || cursor.advance());
            assert_eq!(cursor.start_ns(), *start, "{minutes:?} descending: {descending}");
        }
        starts.reverse();
    }
}

/// Observed: `sum` over points at every fifth minute in ascending order, without empty buckets.
#[test]
fn a_change_of_the_clock_makes_one_bucket_longer_or_shorter() {
    use chrono_tz::America::{New_York, Sao_Paulo};
    use chrono_tz::{Australia::Lord_Howe, Europe::Berlin, Tz};
    const MINUTE_NS: i64 = 60_000_000_000;
    // The change, and minutes after it.
    let cases: &[(Tz, i64, i64, i64, &[i64])] = &[
        // An hour forward at 02:00.
        (Berlin, 1301187600, 40, 0, &[-120, -80, -40, 20, 60, 100]),
        (Berlin, 1301187600, 45, 0, &[-120, -75, -30, 45, 90, 135]),
        (Berlin, 1301187600, 60, 0, &[-120, -60, 0, 60, 120]),
        (Berlin, 1301187600, 80, 0, &[-200, -120, -40, 40, 60, 140, 220]),
        (Berlin, 1301187600, 120, 0, &[-240, -120, 0, 60, 180, 300]),
        (Berlin, 1301187600, 120, 15, &[-225, -105, 15, 75, 195, 315]),
        (Berlin, 1301187600, 180, 0, &[-300, -120, 0, 180, 360]),
        // An hour back at 03:00.
        (Berlin, 1319936400, 40, 0, &[-100, -60, -20, 40, 80, 120]),
        (Berlin, 1319936400, 45, 0, &[-90, -45, 15, 60, 105]),
        (Berlin, 1319936400, 60, 0, &[-120, -60, 0, 60, 120]),
        (Berlin, 1319936400, 80, 0, &[-180, -100, -20, 120, 200, 280]),
        (Berlin, 1319936400, 120, 0, &[-300, -180, -60, 120, 240, 360]),
        (Berlin, 1319936400, 120, 15, &[-285, -165, -45, 135, 255, 375]),
        (Berlin, 1319936400, 180, 0, &[-360, -180, 60, 240, 420]),
        (Berlin, 1319936400, 420, 0, &[-720, -300, 180, 600]),
        // An hour back at 02:00.
        (New_York, 1320559200, 90, 0, &[-210, -120, -30, 120, 210, 300]),
        (New_York, 1320559200, 120, 0, &[-240, -120, 60, 180, 300]),
        // Half an hour back, and forward, at 02:00.
        (Lord_Howe, 1301756400, 20, 0, &[-60, -40, -20, 10, 30, 50]),
        (Lord_Howe, 1301756400, 30, 0, &[-60, -30, 0, 30, 60]),
        (Lord_Howe, 1301756400, 120, 0, &[-240, -120, 30, 150, 270]),
        (Lord_Howe, 1317483000, 45, 0, &[-120, -75, -30, 15, 30, 75]),
        (Lord_Howe, 1317483000, 120, 0, &[-240, -120, 0, 90, 210]),
        // Midnight comes an hour late, or twice.
        (Sao_Paulo, 1318734000, 1440, 0, &[-2880, -1440, 0, 1380, 2820]),
        (Sao_Paulo, 1298167200, 1440, 0, &[-2880, -1440, 60, 1500, 2940]),
    ];
    for (zone, change_s, interval, offset, minutes) in cases {
        let buckets = Buckets::new(interval * MINUTE_NS, offset * MINUTE_NS, Some(*zone)).unwrap();
        check_starts(buckets, *change_s, minutes);
    }
}

proptest! {
    #[test]
    fn a_bucket_holds_its_times(
        time: i64,
        interval in 1_i64..i64::MAX,
        offset: i64,
        zone in prop::sample::select(vec![None, Some(chrono_tz::Europe::Berlin), Some(chrono_tz::Asia::Kolkata)]),
    ) {
        let buckets = Buckets::new(interval, offset, zone).unwrap();
        let (start, end) = buckets.bucket_of(time);
        if zone.is_none() && time.checked_sub(offset % interval).is_some()
            && start > crate::model::time::TIME_MIN_NS + interval / 2
            && end < crate::model::time::TIME_MAX_NS
            && time > i64::MIN / 2 && time < i64::MAX / 2 && interval < i64::MAX / 4
        {
            prop_assert!(start <= time && time < end, "{start} {time} {end}");
            prop_assert_eq!(end - start, interval);
            prop_assert_eq!((start - offset % interval).rem_euclid(interval), 0);
        }
        let _ = buckets.cursor(start, true).advance();
    }

    #[test]
    fn every_time_lies_in_one_bucket_of_a_zone(
        (zone, change_s) in prop::sample::select(vec![
            (chrono_tz::Europe::Berlin, 1616893200_i64),
            (chrono_tz::Europe::Berlin, 1635642000),
            (chrono_tz::America::New_York, 1615705200),
            (chrono_tz::America::New_York, 1636264800),
            (chrono_tz::Australia::Lord_Howe, 1617462000),
            (chrono_tz::Australia::Lord_Howe, 1633188600),
            (chrono_tz::America::Sao_Paulo, 1541300400),
            (chrono_tz::America::Sao_Paulo, 1550368800),
            // Two hours at once.
            (chrono_tz::Antarctica::Troll, 1635642000),
        ]),
        interval_minutes in
            prop_oneof![1_i64..200, prop::sample::select(vec![240_i64, 300, 720, 1440, 10080, 20160])],
        offset_minutes in prop_oneof![Just(0_i64), -200_i64..200],
        thousandths in -4_000_i64..4_000,
    ) {
        let minute_ns = 60_000_000_000;
        let interval_ns = interval_minutes * minute_ns;
        let buckets = Buckets::new(interval_ns, offset_minutes * minute_ns, Some(zone)).unwrap();
        let time = change_s * 1_000_000_000 + thousandths * interval_ns / 1_000;
        let (start, end) = buckets.bucket_of(time);
        prop_assert!(start <= time && time < end, "{start} {time} {end}");
        for time in [start, end - 1] {
            prop_assert_eq!(buckets.bucket_of(time), (start, end));
        }
        let (next, before) = (buckets.bucket_of(end), buckets.bucket_of(start - 1));
        prop_assert_eq!((before.1, next.0), (start, end));
        for (descending, expected) in [(false, next.0), (true, before.0)] {
            let mut cursor = buckets.cursor(start, descending);
            prop_assert!(cursor.advance());
            prop_assert_eq!(cursor.start_ns(), expected);
        }
    }

    #[test]
    fn aggregates_equal_their_models(
        rows in prop::collection::vec((0_usize..7, prop::option::of(-8_i32..8), 0_i64..6), 0..60),
        ways in prop::collection::vec(
            prop::sample::select(vec![Way::Direct, Way::Partial, Way::Converted]), 1..5),
        first in 0_usize..9,
    ) {
        check_models(&rows, &ways, first);
    }
}

/// (group, value, time)
type Point = (usize, Option<i32>, i64);

fn check_models(rows: &[Point], ways: &[Way], first: usize) {
    const GROUP_COUNT: usize = 8;
    let groups: Vec<usize> = rows.iter().map(|r| r.0).collect();
    let at = times(rows.iter().map(|r| r.2));
    // Quarters of small numbers: sums are exact in any order.
    let values: ArrayRef =
        Arc::new(rows.iter().map(|r| r.1.map(|v| f64::from(v) / 4.0)).collect::<Float64Array>());
    let whole: ArrayRef = Arc::new(rows.iter().map(|r| r.1.map(i64::from)).collect::<Int64Array>());
    let aux: ArrayRef =
        Arc::new((0..rows.len()).map(|i| (i % 3 != 0).then(|| format!("row{i}"))).collect::<StringArray>());
    let mut points: BTreeMap<usize, Vec<(f64, i64, usize)>> = BTreeMap::new();
    for (index, (group, value, time)) in rows.iter().enumerate() {
        if let Some(value) = value {
            points.entry(*group).or_default().push((f64::from(*value) / 4.0, *time, index));
        }
    }
    let run = |function: Arc<AggregateUDF>, args: &[ArrayRef], percent: Option<f64>| {
        let expr = expr_of(function, args, percent);
        aggregate_groups(&expr, &with_percent(args, percent), &groups, GROUP_COUNT, ways, first)
    };
    let model = |of: &OfPoints<'_>| -> Vec<String> {
        (0..GROUP_COUNT)
            .map(|group| points.get(&group).and_then(|points| of(points)).unwrap_or_else(|| "-".into()))
            .collect()
    };
    let value_args = [Arc::clone(&values)];
    let sum = |p: &[(f64, i64, usize)]| p.iter().fold(0.0, |sum, p| sum + p.0);
    assert_eq!(run(aggregate::sum(), &value_args, None), model(&|p| Some(format!("{:?}", sum(p)))));
    let mean = |p: &[(f64, i64, usize)]| sum(p) / p.len() as f64;
    assert_eq!(run(aggregate::mean(), &value_args, None), model(&|p| Some(format!("{:?}", mean(p)))));
    let whole_sum = model(&|p| Some(format!("{}", (sum(p) * 4.0) as i64)));
    assert_eq!(run(aggregate::sum(), &[whole], None), whole_sum);
    let sorted = |p: &[(f64, i64, usize)]| {
        let mut p = p.to_vec();
        p.sort_by(|a, b| a.0.total_cmp(&b.0));
        p
    };
    let spread = model(&|p| Some(format!("{:?}", sorted(p).last()?.0 - sorted(p).first()?.0)));
    assert_eq!(run(aggregate::spread(), &value_args, None), spread);
    let median = model(&|p| {
        let (p, n) = (sorted(p), p.len());
        Some(format!("{:?}", (p[(n - 1) / 2].0 + p[n / 2].0) / 2.0))
    });
    assert_eq!(run(aggregate::median(), &value_args, None), median);
    let timed = [Arc::clone(&values), Arc::clone(&at)];
    let stddev = model(&|p| {
        let squares: f64 = p.iter().map(|v| (v.0 - mean(p)).powi(2)).sum();
        (!p.is_empty()).then(|| format!("{:?}", (squares / (p.len() - 1) as f64).sqrt()))
    });
    for (got, want) in run(aggregate::stddev(), &timed, None).iter().zip(stddev) {
        match (got.parse::<f64>(), want.parse::<f64>()) {
            (Ok(got), Ok(want)) if !want.is_nan() => assert!((got - want).abs() < 1e-9, "{got} {want}"),
            _ => assert_eq!(*got, want),
        }
    }
    assert_eq!(run(aggregate::mode(), &timed, None), model(&|p| Some(format!("{:?}", naive_mode(p)))));
    check_selectors(&run, &model, &[values, at, aux.clone()], &aux);
}

/// What a test runs: a function over arguments, with a percent or none.
type Run<'a> = dyn Fn(Arc<AggregateUDF>, &[ArrayRef], Option<f64>) -> Vec<String> + 'a;
/// The expected value per group, from the points of the group.
type Model<'a> = dyn Fn(&OfPoints<'_>) -> Vec<String> + 'a;
/// The expected value of one group; `None` for null.
type OfPoints<'a> = dyn Fn(&[(f64, i64, usize)]) -> Option<String> + 'a;

fn check_selectors(run: &Run<'_>, model: &Model<'_>, args: &[ArrayRef], aux: &ArrayRef) {
    // Rows that tie in value and time differ only in the auxiliary value; any of them is right.
    let key = |text: &str| text.split(", aux_0").next().unwrap_or(text).trim_end_matches('}').to_owned();
    let keys = |texts: Vec<String>| texts.iter().map(|t| key(t)).collect::<Vec<_>>();
    let point = |p: Option<&(f64, i64, usize)>| {
        p.map(|p| format!("{{value: {:?}, time: 1970-01-01T00:00:00{}", p.0, nanos(p.1)))
    };
    let time_then = |a: &&(f64, i64, usize), b: &&(f64, i64, usize)| a.1.cmp(&b.1);
    let value_then = |a: &&(f64, i64, usize), b: &&(f64, i64, usize)| a.0.total_cmp(&b.0);
    let first = model(&|p| point(p.iter().min_by(|a, b| time_then(a, b).then(value_then(b, a)))));
    assert_eq!(keys(run(selector::first(), args, None)), first);
    let last = model(&|p| point(p.iter().max_by(|a, b| time_then(a, b).then(value_then(a, b)))));
    assert_eq!(keys(run(selector::last(), args, None)), last);
    let min = model(&|p| point(p.iter().min_by(|a, b| value_then(a, b).then(time_then(a, b)))));
    assert_eq!(keys(run(selector::min(), args, None)), min);
    let max = model(&|p| point(p.iter().max_by(|a, b| value_then(a, b).then(time_then(b, a)))));
    let got = run(selector::max(), args, None);
    assert_eq!(keys(got.clone()), max);
    // The auxiliary value belongs to a row with that very value and time.
    for text in got.iter().filter(|text| *text != "-") {
        let found = text.rsplit("aux_0: ").next().unwrap().trim_end_matches('}');
        assert!(found.is_empty() || found == "-" || texts(aux).iter().any(|t| t == found), "{text}");
    }
    let half = model(&|p| {
        let mut p = p.to_vec();
        p.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rank = (p.len() as f64 * 50.0 / 100.0 + 0.5).floor() as usize;
        point(p.get(rank.checked_sub(1)?)).map(|t| t.split(", time").next().unwrap().to_owned())
    });
    let got = run(selector::percentile(), args, Some(50.0));
    let values: Vec<_> = got.iter().map(|t| t.split(", time").next().unwrap().to_owned()).collect();
    assert_eq!(values, half);
}

fn nanos(time: i64) -> String {
    if time == 0 { String::new() } else { format!(".{time:09}") }
}

/// The algorithm of InfluxDB as it stands in its source, over points sorted by value and time.
fn naive_mode(points: &[(f64, i64, usize)]) -> f64 {
    let mut points = points.to_vec();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut current, mut current_count, mut current_time) = (points[0].0, 0, points[0].1);
    let (mut most, mut most_count, mut most_time) = (points[0].0, 0, points[0].1);
    for point in points {
        if point.0 != current {
            (current, current_count, current_time) = (point.0, 1, point.1);
            continue;
        }
        current_count += 1;
        if most_count > current_count || (most_count == current_count && current_time > most_time) {
            continue;
        }
        (most, most_count, most_time) = (point.0, current_count, point.1);
    }
    most
}

#[test]
fn retained_points_survive_partial_emission() {
    // Slices share buffers; what is taken out must not take along what stays.
    let base = integers(0..100);
    let odd = take(&base, &Int64Array::from_iter_values((1..100).step_by(2)), None).unwrap();
    let all = concat(&[odd.as_ref(), base.slice(10, 10).as_ref()]).unwrap();
    let expr = expr_of(aggregate::median(), &[Arc::clone(&all)], None);
    let groups: Vec<usize> = (0..60).map(|i| usize::from(i >= 50)).collect();
    assert_eq!(aggregate_groups(&expr, &[all], &groups, 2, &[Way::Partial; 3], 1), ["50.0", "14.5"]);
}
