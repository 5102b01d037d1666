//! Tests of mathematics: against values recorded from InfluxDB 1.6.7, and against the C library's.

use super::{check_call, floats, integers};
use crate::query::functions::scalar::math::{MathFunction, math};
use datafusion::common::ScalarValue;
use proptest::prelude::*;

/// The result for floats; `None` where there is none.
fn value(name: &str, args: &[f64]) -> Option<f64> {
    let args: Vec<_> = args.iter().map(|x| ScalarValue::Float64(Some(*x))).collect();
    match MathFunction::from_name(name).unwrap().of_scalars(&args).unwrap() {
        ScalarValue::Float64(value) => value,
        other => panic!("{name} gave {other:?}"),
    }
}

/// A function's name and its recorded values.
type Recorded<T> = (&'static str, &'static [T]);

/// A function's name and the same function of the C library.
type Named = (&'static str, fn(f64) -> f64);

#[test]
#[rustfmt::skip]
#[expect(clippy::approx_constant, reason = "recorded values")]
fn values_have_influxdbs_last_digit() {
    let of_one: &[Recorded<(f64, Option<f64>)>] = &[
        ("sin", &[
            (0.5, Some(0.479425538604203)),
            (-0.25, Some(-0.24740395925452294)),
            (1.0, Some(0.8414709848078965)),
            (2.5, Some(0.5984721441039564)),
            (-7.4, Some(-0.8987080958116269)),
            (5.9, Some(-0.373876664830236)),
            (9.619, Some(-0.19300325980363195)),
            (-0.029, Some(-0.028995935337589488)),
            (1e-06, Some(9.999999999998333e-07)),
            (216.352, Some(0.4058357602589178)),
            (-12138.847, Some(0.26385192166361066)),
            (1000000.0, Some(-0.34999350217129294)),
            (1e-300, Some(1e-300)),
        ]),
        ("cos", &[
            (0.5, Some(0.8775825618903728)),
            (-0.25, Some(0.9689124217106447)),
            (1.0, Some(0.5403023058681398)),
            (2.5, Some(-0.8011436155469337)),
            (-7.4, Some(0.43854732757439036)),
            (5.9, Some(0.9274784307440358)),
            (9.619, Some(-0.9811981154207196)),
            (-0.029, Some(0.9995795294692155)),
            (1e-06, Some(0.9999999999995)),
            (216.352, Some(-0.9139460244976539)),
            (-12138.847, Some(0.9645631982583722)),
            (1000000.0, Some(0.9367521275331447)),
            (1e-300, Some(1.0)),
        ]),
        ("tan", &[
            (0.5, Some(0.5463024898437905)),
            (-0.25, Some(-0.25534192122103627)),
            (1.0, Some(1.557407724654902)),
            (2.5, Some(-0.7470222972386603)),
            (-7.4, Some(-2.0492841691280854)),
            (5.9, Some(-0.4031108998732262)),
            (9.619, Some(0.19670162097781416)),
            (-0.029, Some(-0.0290081324024178)),
            (1e-06, Some(1.0000000000003333e-06)),
            (216.352, Some(-0.4440478424116824)),
            (-12138.847, Some(0.27354549928923794)),
            (1000000.0, Some(-0.373624453987599)),
            (1e-300, Some(1e-300)),
        ]),
        ("asin", &[
            (0.5, Some(0.5235987755982989)),
            (-0.25, Some(-0.25268025514207865)),
            (1.0, Some(1.5707963267948966)),
            (2.5, None),
            (-7.4, None),
            (5.9, None),
            (9.619, None),
            (-0.029, Some(-0.029004066372440032)),
            (1e-06, Some(1.0000000000001666e-06)),
            (216.352, None),
            (-12138.847, None),
            (1000000.0, None),
            (1e-300, Some(1e-300)),
        ]),
        ("acos", &[
            (0.5, Some(1.0471975511965976)),
            (-0.25, Some(1.8234765819369751)),
            (1.0, Some(0.0)),
            (2.5, None),
            (-7.4, None),
            (5.9, None),
            (9.619, None),
            (-0.029, Some(1.5998003931673366)),
            (1e-06, Some(1.5707953267948966)),
            (216.352, None),
            (-12138.847, None),
            (1000000.0, None),
            (1e-300, Some(1.5707963267948966)),
        ]),
        ("atan", &[
            (0.5, Some(0.4636476090008061)),
            (-0.25, Some(-0.24497866312686414)),
            (1.0, Some(0.7853981633974483)),
            (2.5, Some(1.1902899496825317)),
            (-7.4, Some(-1.436474884841928)),
            (5.9, Some(1.402900403544522)),
            (9.619, Some(1.4672075379900245)),
            (-0.029, Some(-0.028991874433100476)),
            (1e-06, Some(9.999999999996666e-07)),
            (216.352, Some(1.5661742623867558)),
            (-12138.847, Some(-1.5707139466481053)),
            (1000000.0, Some(1.5707953267948966)),
            (1e-300, Some(1e-300)),
        ]),
        ("exp", &[
            (0.5, Some(1.6487212707001282)),
            (-0.25, Some(0.7788007830714049)),
            (1.0, Some(2.718281828459045)),
            (2.5, Some(12.182493960703473)),
            (-7.4, Some(0.0006112527611295724)),
            (5.9, Some(365.0374678653289)),
            (9.619, Some(15047.994417480955)),
            (-0.029, Some(0.9714164644666048)),
            (1e-06, Some(1.0000010000005)),
            (216.352, Some(9.130188599872939e+93)),
            (-12138.847, Some(0.0)),
            (1e-300, Some(1.0)),
        ]),
        ("ln", &[
            (0.5, Some(-0.6931471805599453)),
            (1.0, Some(0.0)),
            (2.5, Some(0.9162907318741551)),
            (5.9, Some(1.7749523509116738)),
            (9.619, Some(2.2637403091704784)),
            (1e-06, Some(-13.815510557964274)),
            (216.352, Some(5.376906710908267)),
            (1000000.0, Some(13.815510557964274)),
            (1e-300, Some(-690.7755278982137)),
        ]),
        ("log2", &[
            (0.5, Some(-1.0)),
            (1.0, Some(0.0)),
            (2.5, Some(1.3219280948873622)),
            (5.9, Some(2.560714954474479)),
            (9.619, Some(3.265886917900698)),
            (1e-06, Some(-19.931568569324174)),
            (216.352, Some(7.757236647149945)),
            (1000000.0, Some(19.931568569324174)),
            (1e-300, Some(-996.5784284662087)),
        ]),
        ("log10", &[
            (0.5, Some(-0.3010299956639812)),
            (1.0, Some(0.0)),
            (2.5, Some(0.3979400086720376)),
            (5.9, Some(0.7708520116421442)),
            (9.619, Some(0.9831299247347)),
            (1e-06, Some(-6.0)),
            (216.352, Some(2.335160914256024)),
            (1000000.0, Some(6.0)),
            (1e-300, Some(-300.0)),
        ]),
    ];
    for (name, values) in of_one {
        for (x, expected) in *values {
            assert_eq!(value(name, &[*x]), *expected, "{name}({x})");
        }
    }
    let of_two: &[Recorded<(f64, f64, Option<f64>)>] = &[
        ("pow", &[
            (0.5, 2.0, Some(0.25)),
            (-0.25, 3.0, Some(-0.015625)),
            (1.0, -2.5, Some(1.0)),
            (2.5, 0.5, Some(1.5811388300841898)),
            (-7.4, 2.0, Some(54.760000000000005)),
            (5.9, -3.94, Some(0.0009180008305625182)),
            (9.619, 3.55, Some(3091.087029637919)),
            (-0.029, -3.0, Some(-41002.09110664643)),
            (1e-06, 0.3, Some(0.01584893192461114)),
            (216.352, -0.53, Some(0.05785817296353568)),
            (-12138.847, 2.0, Some(147351606.489409)),
            (1000000.0, 7.25, Some(3.162277660168379e+43)),
        ]),
        ("atan2", &[
            (0.5, 2.0, Some(0.24497866312686414)),
            (-0.25, 3.0, Some(-0.08314123188844122)),
            (1.0, -2.5, Some(2.761086276477428)),
            (2.5, 0.5, Some(1.3734007669450157)),
            (-7.4, 2.0, Some(-1.306832603169192)),
            (5.9, -3.94, Some(2.159580791011918)),
            (9.619, 3.55, Some(1.217242385073376)),
            (-0.029, -3.0, Some(-3.1319262880050114)),
            (1e-06, 0.3, Some(3.333333333320988e-06)),
            (216.352, -0.53, Some(1.5732460334757306)),
            (-12138.847, 2.0, Some(-1.570631566502432)),
            (1000000.0, 7.25, Some(1.5707890767948967)),
        ]),
    ];
    for (name, values) in of_two {
        for (x, y, expected) in *values {
            assert_eq!(value(name, &[*x, *y]), *expected, "{name}({x}, {y})");
        }
    }
}

#[test]
fn math_follows_influxdb() {
    let f = || floats([7.5, -1.0, 0.3, 100.0, 0.5, 2.5, -2.5]);
    let of = math;
    check_call(&of(MathFunction::Round), vec![f()], &["8.0", "-1.0", "0.0", "100.0", "1.0", "3.0", "-3.0"]);
    let log2 = ["2.9068905956085187", "-", "-1.736965594166206", "6.643856189774724", "-1.0"];
    check_call(&of(MathFunction::Log2), vec![f().slice(0, 5)], &log2);
    let log10 = floats([8.0, 10.0, 0.1, 7.5, 1e10]);
    let expected = ["0.9030899869919435", "1.0", "-0.9999999999999999", "0.8750612633917", "10.0"];
    check_call(&of(MathFunction::Log10), vec![log10], &expected);
    check_call(&of(MathFunction::Ln), vec![floats([0.0, -1.0])], &["-inf", "-"]);
    check_call(&of(MathFunction::Asin), vec![integers([1, 2, 0])], &["1.5707963267948966", "-", "0.0"]);
    check_call(&of(MathFunction::Abs), vec![integers([-7, i64::MIN])], &["7", "-9223372036854775808"]);
    check_call(&of(MathFunction::Floor), vec![integers([-7])], &["-7"]);
    check_call(&of(MathFunction::Log), vec![integers([7]), integers([2])], &["2.807354922057604"]);
    check_call(&of(MathFunction::Pow), vec![integers([-7]), integers([2])], &["49.0"]);
    assert_eq!(MathFunction::from_name("atan2"), Some(MathFunction::Atan2));
    assert_eq!(MathFunction::from_name("influx_atan2"), None);
}

#[test]
fn ends_of_domains() {
    let (inf, max) = (f64::INFINITY, f64::MAX);
    let cases: &[(&str, &[f64], Option<f64>)] = &[
        ("ln", &[0.0], Some(-inf)),
        ("ln", &[-1.0], None),
        ("log10", &[0.0], Some(-inf)),
        ("log2", &[f64::from_bits(1)], Some(-1074.0)),
        ("exp", &[710.0], Some(inf)),
        ("exp", &[-745.0], Some(5e-324)),
        ("exp", &[-750.0], Some(0.0)),
        ("sqrt", &[-1.0], None),
        ("asin", &[1.5], None),
        ("acos", &[-1.0], Some(std::f64::consts::PI)),
        ("pow", &[0.0, 0.0], Some(1.0)),
        ("pow", &[0.0, -1.0], Some(inf)),
        ("pow", &[-8.0, 1.0 / 3.0], None),
        ("pow", &[-2.0, 3.0], Some(-8.0)),
        ("pow", &[10.0, 400.0], Some(inf)),
        ("pow", &[10.0, -400.0], Some(0.0)),
        ("pow", &[2.0, -1074.0], Some(5e-324)),
        ("pow", &[-1.0, 9007199254740991.0], Some(-1.0)),
        ("pow", &[0.5, max], Some(0.0)),
        ("atan2", &[0.0, -1.0], Some(std::f64::consts::PI)),
        ("atan2", &[1.0, 0.0], Some(std::f64::consts::FRAC_PI_2)),
        ("atan", &[max], Some(std::f64::consts::FRAC_PI_2)),
        ("sin", &[1e300], Some(1e300_f64.sin())),
        ("tan", &[0.0], Some(0.0)),
    ];
    for (name, args, expected) in cases {
        assert_eq!(value(name, args), *expected, "{name}{args:?}");
    }
}

/// Whether two results differ by nothing but rounding.
fn is_close(got: Option<f64>, expected: f64) -> bool {
    match got {
        None => expected.is_nan(),
        Some(got) => got == expected || (got - expected).abs() <= 1e-14 * expected.abs().max(1.0),
    }
}

proptest! {
    #[test]
    fn functions_agree_with_the_c_library(x in -40.0_f64..40.0, y in -40.0_f64..40.0, small in -0.97_f64..0.97) {
        let functions: [Named; 5] =
            [("exp", f64::exp), ("atan", f64::atan), ("ln", f64::ln), ("log2", f64::log2), ("log10", f64::log10)];
        for (name, expected) in functions {
            prop_assert!(is_close(value(name, &[x]), expected(x)) || (x - 1.0).abs() < 1e-3, "{name}({x})");
        }
        let functions: [Named; 2] = [("asin", f64::asin), ("acos", f64::acos)];
        for (name, expected) in functions {
            let (got, expected) = (value(name, &[small]).unwrap(), expected(small));
            prop_assert!((got - expected).abs() < 1e-14, "{name}({small})");
        }
        let functions: [Named; 2] = [("sin", f64::sin), ("cos", f64::cos)];
        for (name, expected) in functions {
            prop_assert!((value(name, &[x]).unwrap() - expected(x)).abs() < 1e-14, "{name}({x})");
        }
        prop_assert!(is_close(value("atan2", &[y, x]), y.atan2(x)), "atan2({y}, {x})");
        let (got, expected) = (value("pow", &[x, y]), x.powf(y));
        prop_assert!(got.is_none() == expected.is_nan());
        prop_assert!(got.is_none_or(|got| got == expected || (got / expected - 1.0).abs() < 1e-13), "pow({x}, {y})");
    }
}
