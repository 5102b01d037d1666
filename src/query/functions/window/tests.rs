//! Reducers without a plan. The numbers are answers of InfluxDB 1.6.7.

use super::*;

const F: &str = "0 1, 60 5, 120 7, 180 11, 240 3, 300 13, 360 17";
const G: &str = "0 1, 60 4, 90 2, 240 8";

/// `time value, …`
fn floats(text: &str) -> Vec<Point> {
    let point = |point: &str| {
        let (time, value) = point.trim().split_once(' ').unwrap();
        Point::float(time.parse().unwrap(), value.parse().unwrap())
    };
    text.split(',').map(point).collect()
}

fn integers(text: &str) -> Vec<Point> {
    let integer = |point: Point| {
        let Number::Float(value) = point.value else { unreachable!() };
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        let value = Number::Integer(value as i64);
        Point { value, ..point }
    };
    floats(text).into_iter().map(integer).collect()
}

fn run(function: WindowFunction, points: &[Point], descending: bool) -> String {
    let argument = match points.first().map(|point| point.value) {
        Some(Number::Integer(_)) => FieldType::Integer,
        _ => FieldType::Float,
    };
    let mut reducer = function.reducer(argument, descending);
    let mut out = Vec::new();
    for point in points {
        reducer.push(*point, &mut out);
    }
    reducer.finish(&mut out).unwrap();
    let text = |point: &Point| match point.value {
        Number::Float(value) => format!("{} {value}", point.time_ns),
        Number::Integer(value) => format!("{} {value}", point.time_ns),
        Number::Unsigned(value) => format!("{} {value}u", point.time_ns),
    };
    out.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn check(function: WindowFunction, points: &str, expected: &str) {
    assert_eq!(run(function, &floats(points), false), expected, "{function:?}");
}

fn smoothing(period: usize, hold: Option<usize>, warmup: Warmup) -> Smoothing {
    Smoothing { period, hold, warmup }
}

#[test]
fn changes() {
    let derivative = |unit_ns, non_negative| WindowFunction::Derivative { unit_ns, non_negative };
    check(derivative(1, false), G, "60 0.05, 90 -0.06666666666666667, 240 0.04");
    check(derivative(60, true), G, "60 3, 240 2.4");
    check(WindowFunction::Difference { non_negative: false }, G, "60 3, 90 -2, 240 6");
    check(WindowFunction::Difference { non_negative: true }, G, "60 3, 240 6");
    let reversed: Vec<_> = floats(G).into_iter().rev().collect();
    assert_eq!(run(derivative(60, false), &reversed, true), "90 -2.4, 60 4, 0 -3");
    let unsigned = [5, 3].map(|n| Point { time_ns: n, value: Number::Unsigned(n.cast_unsigned()) });
    assert_eq!(run(derivative(2, false), &unsigned, true), "3 -2");
    assert_eq!(
        run(WindowFunction::Difference { non_negative: false }, &unsigned, true),
        "3 18446744073709551614u"
    );
}

/// What is kept of up to `period` values counts as the query's memory.
#[test]
fn values_that_are_kept_are_counted() {
    const PERIOD: usize = 10_000;
    for function in [
        WindowFunction::MovingAverage { count: PERIOD },
        WindowFunction::ChandeMomentumOscillator { period: PERIOD, hold: None },
        WindowFunction::KaufmansEfficiencyRatio { period: PERIOD, hold: None },
        WindowFunction::KaufmansAdaptiveMovingAverage { period: PERIOD, hold: None },
    ] {
        let mut reducer = function.reducer(FieldType::Float, false);
        assert_eq!(reducer.size(), 0, "{function:?}");
        for time_ns in 0..9_000 {
            reducer.push(Point::float(time_ns, 1.0), &mut Vec::new());
        }
        assert!(reducer.size() >= 9_000 * size_of::<f64>(), "{function:?}");
    }
}

#[test]
fn of_several_points_of_one_time_the_first_counts() {
    let points = "0 1, 0 2, 10 4, 10 8, 20 16";
    check(WindowFunction::Difference { non_negative: false }, points, "10 3, 20 12");
    check(WindowFunction::Elapsed { unit_ns: 1 }, points, "0 0, 10 10, 10 0, 20 10");
    check(WindowFunction::CumulativeSum, points, "0 1, 0 3, 10 7, 10 15, 20 31");
    check(WindowFunction::MovingAverage { count: 2 }, points, "0 1.5, 10 3, 10 6, 20 12");
    let integral = WindowFunction::Integral { unit_ns: 1, buckets: None, lower_ns: None };
    check(integral, points, "0 150");
}

#[test]
fn integrals() {
    let integral = |every_ns: i64| WindowFunction::Integral {
        unit_ns: 1,
        buckets: Buckets::new(every_ns, 0, None),
        lower_ns: None,
    };
    check(integral(0), G, "0 990");
    check(integral(60), G, "0 150, 60 168");
    let integer = integers("0 10, 60 7, 90 7, 240 20");
    assert_eq!(run(integral(0), &integer, false), "0 2745");
    assert_eq!(run(integral(60), &integer, false), "0 510, 60 459");
    assert_eq!(run(integral(120), &integer, false), "0 969");
}

#[test]
fn technical_analysis() {
    let simple = |period, hold| smoothing(period, Some(hold), Warmup::Simple);
    let exponential = |period, hold| smoothing(period, hold, Warmup::Exponential);
    let rsi = WindowFunction::RelativeStrengthIndex(exponential(2, Some(0)));
    check(rsi, F, "0 100, 60 100, 120 100, 180 100, 240 28.888888888888886, 300 74.4, 360 83.06878306878306");
    let cmo = WindowFunction::ChandeMomentumOscillatorSmoothed(simple(1, 0));
    check(cmo, F, "0 100, 60 100, 120 100, 180 100, 240 -100, 300 100, 360 100");
    let cmo = WindowFunction::ChandeMomentumOscillator { period: 2, hold: Some(0) };
    check(cmo, F, "0 0, 60 100, 120 100, 180 100, 240 -33.33333333333333, 300 11.11111111111111, 360 100");
    let trix = WindowFunction::TripleExponentialDerivative(simple(2, 1));
    check(
        trix,
        F,
        "60 200, 120 44.44444444444444, 180 37.60683760683759, 240 -0.5521048999309719, \
         300 33.125144575526264, 360 41.56385751520417",
    );
    let average = WindowFunction::ExponentialMovingAverage { order: 1, smoothing: exponential(3, None) };
    check(average, "180 11, 240 3, 300 13", "300 9.333333333333334");
}

#[test]
fn holt_winters() {
    let function =
        |season, with_fit| WindowFunction::HoltWinters { count: 3, season, with_fit, interval_ns: 60 };
    check(function(2, false), F, "420 36.964355056432076, 480 51.72682763899755, 540 82.03875346959359");
    check(
        function(0, true),
        F,
        "0 1, 60 6.130139804998333, 120 6.490468116344315, 180 7.063950955596635, 240 8.217455971789372, \
         300 10.83518479767745, 360 17.286035435114762, 420 34.18386704360465, 480 80.5644995375425, \
         540 212.58011180086626",
    );
    // Most intervals between the two are empty.
    check(
        function(0, true),
        "0 2, 300 4",
        "0 2, 60 2.239714291885612, 120 2.661573613414888, 180 3.0427726415855023, 240 3.4719390371825183, \
         300 4.000721538339816, 360 4.682584087012539, 420 5.585728250542605, 480 6.802824072152172",
    );
    check(function(0, true), "0 2", "");
}
