//! Tests of the functions of several points, mostly against a naive model.

use super::{Way, aggregate_groups, booleans, floats, integers, strings, texts, times};
use crate::query::functions::points;
use arrow::array::{Array, ArrayRef, Float64Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{AggregateUDF, EmitTo};
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::{col, lit};
use proptest::prelude::*;
use std::sync::Arc;

/// The function over those arguments, with the literals after the time, and the arguments as an operator passes them.
fn call(
    function: Arc<AggregateUDF>,
    args: &[ArrayRef],
    literals: &[u64],
) -> (AggregateFunctionExpr, Vec<ArrayRef>) {
    let fields =
        args.iter().enumerate().map(|(i, a)| Field::new(format!("c{i}"), a.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut exprs: Vec<_> = (0..args.len()).map(|i| col(&format!("c{i}"), &schema).unwrap()).collect();
    let mut args = args.to_vec();
    for (i, literal) in literals.iter().enumerate() {
        exprs.insert(2 + i, lit(*literal));
        args.insert(2 + i, ScalarValue::from(*literal).to_array_of_size(args[0].len()).unwrap());
    }
    (AggregateExprBuilder::new(function, exprs).schema(schema).alias("x").build().unwrap(), args)
}

/// The points of one group.
fn points_of(function: Arc<AggregateUDF>, args: &[ArrayRef], literals: &[u64]) -> String {
    let (expr, args) = call(function, args, literals);
    let groups = vec![0; args[0].len()];
    let direct = aggregate_groups(&expr, &args, &groups, 1, &[Way::Direct], 0);
    for ways in [&[Way::Partial][..], &[Way::Direct, Way::Partial]] {
        assert_eq!(aggregate_groups(&expr, &args, &groups, 1, ways, 0), direct, "{ways:?}");
    }
    let mut single = expr.create_accumulator().unwrap();
    single.update_batch(&args).unwrap();
    for _ in 0..2 {
        assert_eq!(texts(&single.evaluate().unwrap().to_array().unwrap()), direct, "row-wise");
    }
    direct[0].clone()
}

/// The numbers after `aux_0: ` in a text of points.
fn aux_of(points: &str) -> Vec<usize> {
    let after = points.split("aux_0: ").skip(1);
    after.map(|rest| rest.split('}').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn top_and_bottom_decide_ties_by_time() {
    let args = [floats([1.0, 5.0, 3.0, 5.0, -0.0, 0.0]), times([0, 9, 2, 7, 6, 5])];
    let at = |value: &str, time: u8| {
        format!(
            "{{value: {value}, time: 1970-01-01T00:00:00{}}}",
            match time {
                0 => String::new(),
                time => format!(".00000000{time}"),
            }
        )
    };
    assert_eq!(points_of(points::top(), &args, &[1]), format!("[{}]", at("5.0", 7)));
    let three = [at("5.0", 7), at("5.0", 9), at("3.0", 2)].join(", ");
    assert_eq!(points_of(points::top(), &args, &[3]), format!("[{three}]"));
    let three = [at("0.0", 5), at("-0.0", 6), at("1.0", 0)].join(", ");
    assert_eq!(points_of(points::bottom(), &args, &[3]), format!("[{three}]"));
}

#[test]
fn equal_points_are_told_apart() {
    let columns = [
        integers([5; 4]),
        times([1; 4]),
        strings(&["y", "x", "x", "z"]),
        integers(0..4),
        strings(&["m,h=a", "m,h=c", "m,h=b", "m,h=d"]),
    ];
    let fields =
        columns.iter().enumerate().map(|(i, a)| Field::new(format!("c{i}"), a.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    for function in [points::top, points::bottom] {
        for (order, expected) in [(-1_i8, [0, 2, 1]), (1, [3, 1, 2]), (-2, [2, 1, 0]), (2, [3, 0, 1])] {
            let mut exprs: Vec<_> =
                (0..columns.len()).map(|i| col(&format!("c{i}"), &schema).unwrap()).collect();
            exprs.insert(2, lit(3_u64));
            exprs.push(lit(order));
            let expr = AggregateExprBuilder::new(function(), exprs).schema(Arc::clone(&schema)).alias("x");
            let expr = expr.build().unwrap();
            let mut args = columns.to_vec();
            args.insert(2, ScalarValue::from(3_u64).to_array_of_size(4).unwrap());
            args.push(ScalarValue::from(order).to_array_of_size(4).unwrap());
            for ways in [&[Way::Direct][..], &[Way::Partial; 4], &[Way::Converted; 4], &[Way::Direct; 4]] {
                let found = aggregate_groups(&expr, &args, &[0; 4], 1, ways, 0);
                let rows = found[0].split("aux_1: ").skip(1);
                let rows: Vec<usize> =
                    rows.map(|rest| rest.split(',').next().unwrap().parse().unwrap()).collect();
                assert_eq!(rows, expected, "{order} {ways:?}");
            }
        }
    }
}

#[test]
fn values_of_every_type_keep_their_order() {
    let at = || times([1, 2, 3, 4]);
    let row = || integers(0..4);
    let check = |values: ArrayRef, expected: [usize; 4]| {
        let args = [values, at(), row()];
        assert_eq!(aux_of(&points_of(points::top(), &args, &[u64::MAX])), expected);
        let reversed: Vec<usize> = expected.into_iter().rev().collect();
        assert_eq!(aux_of(&points_of(points::bottom(), &args, &[4])), reversed);
    };
    check(integers([i64::MIN, i64::MAX, -1, 0]), [1, 3, 2, 0]);
    check(floats([f64::MIN, f64::MAX, -1.5, 1e-300]), [1, 3, 2, 0]);
    check(Arc::new(UInt64Array::from(vec![0, u64::MAX, 1, 1 << 63])), [1, 3, 2, 0]);
}

#[test]
fn no_point_gives_no_points() {
    assert_eq!(points_of(points::top(), &[floats([]), times([])], &[2]), "[]");
    let null: ArrayRef = Arc::new(Float64Array::from(vec![None::<f64>; 2]));
    assert_eq!(points_of(points::bottom(), &[null, times([1, 2])], &[2]), "[]");
}

#[test]
fn a_large_enough_sample_has_every_point() {
    for values in [strings(&["x", "y", "x"]), booleans(&[true, false, true]), floats([1.0, 2.0, 3.0])] {
        let args = [values, times([5, 5, 6]), integers(0..3)];
        let (expr, args) = call(points::sample(), &args, &[3, 7]);
        let ways = [Way::Direct, Way::Partial, Way::Converted];
        let mut all = aux_of(&aggregate_groups(&expr, &args, &[0; 3], 1, &ways, 0)[0]);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    }
}

#[test]
fn a_sample_is_fair() {
    const POINTS: usize = 10;
    const SEEDS: u64 = 3000;
    let args = [floats([1.0; POINTS]), times([4; POINTS]), integers(0..POINTS as i64)];
    let mut chosen = [0_u64; POINTS];
    for seed in 0..SEEDS {
        let (expr, args) = call(points::sample(), &args, &[3, seed]);
        let sample = &aggregate_groups(&expr, &args, &[0; POINTS], 1, &[Way::Direct, Way::Partial], 0)[0];
        let sample = aux_of(sample);
        assert_eq!(sample.len(), 3);
        sample.into_iter().for_each(|point| chosen[point] += 1);
    }
    // Each is expected 900 times with a standard deviation of 25.
    assert!(chosen.iter().all(|count| (770..1030).contains(count)), "{chosen:?}");
}

#[test]
fn points_that_were_pushed_out_are_forgotten() {
    let (expr, _) = call(points::top(), &[floats([]), times([]), strings(&[])], &[3]);
    let mut groups = expr.create_groups_accumulator().unwrap();
    let mut most = 0;
    for batch in 0..50_i64 {
        let rows = batch * 4000..(batch + 1) * 4000;
        let text = "some text of a length that counts".to_owned();
        let texts = strings(&vec![text.as_str(); 4000]);
        let args = [floats(rows.clone().map(|n| n as f64)), times(rows), texts];
        let (_, args) = call(points::top(), &args, &[3]);
        groups.update_batch(&args, &[0; 4000], None, 1).unwrap();
        most = most.max(groups.size());
    }
    assert!(most < 4_000_000, "{most} bytes");
    let points = texts(&groups.evaluate(EmitTo::All).unwrap());
    assert!(points[0].starts_with("[{value: 199999.0, "), "{points:?}");
    assert_eq!(points[0].matches("value: ").count(), 3);
}

#[test]
fn planned_types_are_those_of_the_result() {
    let function = points::top();
    let args = [DataType::Int64, times([]).data_type().clone(), DataType::UInt64, DataType::Utf8];
    let DataType::LargeList(item) = function.return_type(&args).unwrap() else { panic!("no list") };
    let DataType::Struct(fields) = item.data_type() else { panic!("no struct") };
    let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["value", "time", "aux_0"]);
    assert!(function.coerce_types(&[DataType::Utf8, args[1].clone(), DataType::UInt64]).is_err());
}

/// The rows of each group that a naive top or bottom keeps.
fn model(rows: &[(usize, Option<i64>, i64)], groups: usize, count: usize, sign: i64) -> Vec<Vec<usize>> {
    let of_group = |group: usize| {
        let mut kept: Vec<_> = (rows.iter().enumerate())
            .filter_map(|(row, &(of, value, time))| (of == group).then_some((value?, time, row)))
            .collect();
        kept.sort_by_key(|&(value, time, row)| (-sign * value, time, row));
        kept.into_iter().take(count).map(|(_, _, row)| row).collect()
    };
    (0..groups).map(of_group).collect()
}

proptest! {
    #[test]
    fn top_and_bottom_agree_with_a_naive_model(
        rows in prop::collection::vec((0_usize..4, prop::option::weighted(0.9, -4_i64..4), 0_i64..6), 0..60),
        count in 1_usize..6,
        ways in prop::collection::vec(prop::sample::select(vec![Way::Direct, Way::Partial, Way::Converted]), 1..5),
        first in 0_usize..5,
    ) {
        let values: ArrayRef = Arc::new(rows.iter().map(|(_, value, _)| value.map(|v| v as f64)).collect::<Float64Array>());
        let args = [values, times(rows.iter().map(|row| row.2)), integers(0..rows.len() as i64)];
        let groups: Vec<usize> = rows.iter().map(|row| row.0).collect();
        for (function, sign) in [(points::top(), 1), (points::bottom(), -1)] {
            let (expr, args) = call(function, &args, &[count as u64]);
            let got = aggregate_groups(&expr, &args, &groups, 4, &ways, first);
            let got: Vec<_> = got.iter().map(|points| aux_of(points)).collect();
            prop_assert_eq!(got, model(&rows, 4, count, sign));
        }
    }
}
