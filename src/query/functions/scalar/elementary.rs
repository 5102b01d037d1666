//! Elementary functions of floats, to the last digit as InfluxDB computes them.
//!
//! InfluxDB is written in Go, whose library approximates these functions itself: sines and arcs with the rational
//! functions of Cephes, the logarithm as FreeBSD does, the exponential by a Taylor series of a sixteenth of the reduced argument.
//! Against the C library's, one value in ten or so has another last digit, which clients that compare answers see. The rest
//! of the functions is exact, and the same everywhere.
//!
//! In and out: any `f64`; not a number outside of a function's domain.

use std::f64::consts::{FRAC_1_PI, FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4, LOG2_E, PI};

/// The value of the polynomial at `x`, coefficients of high powers first.
fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// `x` as a fraction in [0.5, 1) (with its sign) and a power of two. Zero and what is not finite stay as they are.
pub(super) fn frexp(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    /// Brings subnormal numbers into the normal range.
    const SUBNORMAL_SHIFT: i64 = 52;
    let (normal, shift) = if x.abs() < f64::MIN_POSITIVE {
        (x * (1_u64 << SUBNORMAL_SHIFT) as f64, SUBNORMAL_SHIFT)
    } else {
        (x, 0)
    };
    let bits = normal.to_bits();
    let exponent = ((bits >> MANTISSA_BITS) & EXPONENT_MASK).cast_signed() - EXPONENT_OF_HALF - shift;
    (with_exponent(normal, EXPONENT_OF_HALF), exponent)
}

/// `fraction` times a power of two, rounded once.
fn ldexp(fraction: f64, exponent: i64) -> f64 {
    let (fraction, own) = frexp(fraction);
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    /// Beyond these, and half of the next value below, there are only infinity and zero.
    const EXPONENTS: std::ops::RangeInclusive<i64> = -1080..=1024;
    /// Lifts a subnormal result into the normal range.
    const LIFT: i64 = 60;
    match own.saturating_add(exponent) {
        exponent if exponent > *EXPONENTS.end() => f64::INFINITY.copysign(fraction),
        exponent if exponent < *EXPONENTS.start() => 0.0_f64.copysign(fraction),
        exponent if exponent + EXPONENT_OF_HALF > 0 => with_exponent(fraction, exponent + EXPONENT_OF_HALF),
        exponent => with_exponent(fraction, exponent + LIFT + EXPONENT_OF_HALF) / (1_u64 << LIFT) as f64,
    }
}

const MANTISSA_BITS: u32 = 52;
const EXPONENT_MASK: u64 = 0x7ff;
/// The stored exponent of numbers in [0.5, 1).
const EXPONENT_OF_HALF: i64 = 1022;

/// The number with another stored exponent, of a normal number.
fn with_exponent(x: f64, exponent: i64) -> f64 {
    let rest = x.to_bits() & !(EXPONENT_MASK << MANTISSA_BITS);
    f64::from_bits(rest | (exponent.cast_unsigned() << MANTISSA_BITS))
}

/// The natural logarithm.
pub(super) fn ln(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return x.ln();
    }
    const LN2_HIGH: f64 = 0.6931471803691238;
    const LN2_LOW: f64 = 1.9082149292705877e-10;
    let (mut fraction, mut exponent) = frexp(x);
    if fraction < FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (fraction - 1.0, exponent as f64);
    let s = f / (2.0 + f);
    let (s2, s4) = (s * s, s * s * (s * s));
    let odd = [0.14798198605116586, 0.1818357216161805, 0.2857142874366239, 0.6666666666666735];
    let even = [0.15313837699209373, 0.22222198432149784, 0.3999999999940942];
    let r = s2 * polynomial(s4, &odd) + s4 * polynomial(s4, &even);
    let half_square = 0.5 * f * f;
    k * LN2_HIGH - ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f)
}

/// The logarithm to base 2, exact for powers of two.
pub(super) fn log2(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return x.log2();
    }
    let (fraction, exponent) = frexp(x);
    if fraction == 0.5 {
        return (exponent - 1) as f64;
    }
    ln(fraction) * LOG2_E + exponent as f64
}

/// The logarithm to base 10; of 0.1 it is -0.9999999999999999.
pub(super) fn log10(x: f64) -> f64 {
    ln(x) * std::f64::consts::LOG10_E
}

/// `e` to the power of `x`, with fused operations, as on every processor that has them.
#[expect(clippy::cast_possible_truncation, reason = "the argument is bounded")]
pub(super) fn exp(x: f64) -> f64 {
    const ARGUMENT_MAX: f64 = 709.782712893384;
    const ARGUMENT_MIN: f64 = -746.0;
    if !(ARGUMENT_MIN..=ARGUMENT_MAX).contains(&x) {
        return x.exp();
    }
    const LN2_HIGH: f64 = 0.693147180559663;
    const LN2_LOW: f64 = 2.8235290563031577e-13;
    /// 1/8! to 1/1!.
    const TAYLOR: [f64; 8] = [
        2.48015873015873e-5,
        1.984126984126984e-4,
        1.388888888888889e-3,
        8.333333333333333e-3,
        4.1666666666666664e-2,
        1.6666666666666666e-1,
        0.5,
        1.0,
    ];
    let exponent = (x * LOG2_E).round_ties_even();
    let reduced = (-exponent).mul_add(LN2_LOW, (-exponent).mul_add(LN2_HIGH, x)) / 16.0;
    let series = TAYLOR[1..].iter().fold(TAYLOR[0], |sum, term| sum.mul_add(reduced, *term));
    // y = exp(reduced) - 1; squaring exp four times undoes the division by sixteen.
    let y = (0..3).fold(series * reduced, |y, _| y * (y + 2.0));
    ldexp(y.mul_add(y + 2.0, 1.0), exponent as i64)
}

/// `x` to the power of `y`: the whole part of the exponent by squaring, the rest by logarithm.
#[expect(clippy::cast_possible_truncation, reason = "the exponent is below 2^63 there")]
pub(super) fn pow(x: f64, y: f64) -> f64 {
    const EXPONENT_MAX: f64 = (1_u64 << 63) as f64;
    /// Past this power of two the result is infinite or zero.
    const BINARY_EXPONENT_MAX: i64 = 1 << 12;
    let is_special = x == 0.0 || x == 1.0 || y == 0.0 || y == 1.0 || !x.is_finite() || !y.is_finite();
    if is_special || y.abs() >= EXPONENT_MAX {
        return x.powf(y);
    }
    if y.abs() == 0.5 {
        return if y > 0.0 { x.sqrt() } else { 1.0 / x.sqrt() };
    }
    let (mut whole, mut rest) = (y.abs().trunc(), y.abs().fract());
    if rest != 0.0 && x < 0.0 {
        return f64::NAN;
    }
    let (mut fraction, mut exponent) = (1.0, 0_i64);
    if rest != 0.0 {
        if rest > 0.5 {
            (whole, rest) = (whole + 1.0, rest - 1.0);
        }
        fraction = exp(rest * ln(x));
    }
    let (mut square, mut square_exponent) = frexp(x);
    let mut bits = whole as i64;
    while bits != 0 {
        if square_exponent.abs() > BINARY_EXPONENT_MAX {
            exponent += square_exponent;
            break;
        }
        if bits & 1 == 1 {
            fraction *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square *= 2.0;
            square_exponent -= 1;
        }
        bits >>= 1;
    }
    if y < 0.0 { ldexp(1.0 / fraction, -exponent) } else { ldexp(fraction, exponent) }
}

/// The arc whose tangent is `x`.
pub(super) fn atan(x: f64) -> f64 {
    if x < 0.0 { -atan_positive(-x) } else { atan_positive(x) }
}

fn atan_positive(x: f64) -> f64 {
    /// The tangent of three eighths of half a circle.
    const TAN_3_PI_8: f64 = 2.414213562373095;
    /// What pi/2 lacks as a float.
    const FRAC_PI_2_REST: f64 = 6.123233995736766e-17;
    if x.is_nan() || x <= 0.66 {
        atan_reduced(x)
    } else if x > TAN_3_PI_8 {
        FRAC_PI_2 - atan_reduced(1.0 / x) + FRAC_PI_2_REST
    } else {
        FRAC_PI_4 + atan_reduced((x - 1.0) / (x + 1.0)) + 0.5 * FRAC_PI_2_REST
    }
}

fn atan_reduced(x: f64) -> f64 {
    const P: [f64; 5] = [
        -0.8750608600031904,
        -16.157537187333652,
        -75.00855792314705,
        -122.88666844901361,
        -64.85021904942025,
    ];
    const Q: [f64; 6] = [
        1.0,
        24.858464901423062,
        165.02700983169885,
        432.88106049129027,
        485.3903996359137,
        194.5506571482614,
    ];
    let z = x * x;
    let z = z * polynomial(z, &P) / polynomial(z, &Q);
    x * z + x
}

/// The arc of the point (`x`, `y`).
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    if x == 0.0 || y == 0.0 || !x.is_finite() || !y.is_finite() {
        return y.atan2(x);
    }
    match atan(y / x) {
        arc if x > 0.0 => arc,
        arc if arc <= 0.0 => arc + PI,
        arc => arc - PI,
    }
}

/// The arc whose sine is `x`.
pub(super) fn asin(x: f64) -> f64 {
    let size = x.abs();
    if x == 0.0 || size > 1.0 || x.is_nan() {
        return x.asin();
    }
    let cosine = (1.0 - size * size).sqrt();
    let arc =
        if size > 0.7 { FRAC_PI_2 - atan_positive(cosine / size) } else { atan_positive(size / cosine) };
    arc.copysign(x)
}

/// The arc whose cosine is `x`.
pub(super) fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}

/// Past this, the argument of a sine is reduced by the C library.
const SINE_ARGUMENT_MAX: f64 = (1_u64 << 29) as f64;

/// An angle as a number of eighths of a circle, even, and the rest in [-pi/4, pi/4].
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the argument is bounded")]
fn octants(x: f64) -> (u64, f64) {
    // pi/4 in three parts.
    const PARTS: [f64; 3] = [0.7853981256484985, 3.774894707930798e-8, 2.6951514290790595e-15];
    let octant = (x * (4.0 * FRAC_1_PI)) as u64;
    let octant = octant + (octant & 1);
    let rest = PARTS.iter().fold(x, |rest, part| rest - octant as f64 * part);
    (octant & 7, rest)
}

fn sine_of_rest(z: f64) -> f64 {
    const SINE: [f64; 6] = [
        1.5896230157654656e-10,
        -2.5050747762857807e-8,
        2.7557313621385722e-6,
        -1.984126982958954e-4,
        8.333333333322118e-3,
        -0.1666666666666663,
    ];
    let zz = z * z;
    z + z * zz * polynomial(zz, &SINE)
}

fn cosine_of_rest(z: f64) -> f64 {
    const COSINE: [f64; 6] = [
        -1.1358536521387682e-11,
        2.087570084197473e-9,
        -2.755731417929674e-7,
        2.4801587288851704e-5,
        -1.3888888888873056e-3,
        4.1666666666666595e-2,
    ];
    let zz = z * z;
    1.0 - 0.5 * zz + zz * zz * polynomial(zz, &COSINE)
}

/// The sine.
pub(super) fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() || x.abs() >= SINE_ARGUMENT_MAX {
        return x.sin();
    }
    let (octant, rest) = octants(x.abs());
    let sine = if octant & 2 == 2 { cosine_of_rest(rest) } else { sine_of_rest(rest) };
    if (octant > 3) == (x < 0.0) { sine } else { -sine }
}

/// The cosine.
pub(super) fn cos(x: f64) -> f64 {
    if x.is_nan() || x.abs() >= SINE_ARGUMENT_MAX {
        return x.cos();
    }
    let (octant, rest) = octants(x.abs());
    let cosine = if octant & 2 == 2 { sine_of_rest(rest) } else { cosine_of_rest(rest) };
    if matches!(octant, 2 | 4) { -cosine } else { cosine }
}

/// The tangent.
pub(super) fn tan(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() || x.abs() >= SINE_ARGUMENT_MAX {
        return x.tan();
    }
    const P: [f64; 3] = [-13093.693918138379, 1153516.6483858742, -17956525.197648488];
    const Q: [f64; 5] =
        [1.0, 13681.296347069296, -1320892.3444021097, 25008380.18233579, -53869575.592945464];
    /// The square of a rest that is its own tangent.
    const SQUARE_MIN: f64 = 1e-14;
    let (octant, rest) = octants(x.abs());
    let zz = rest * rest;
    let tangent =
        if zz > SQUARE_MIN { rest + rest * (zz * polynomial(zz, &P) / polynomial(zz, &Q)) } else { rest };
    let tangent = if octant & 2 == 2 { -1.0 / tangent } else { tangent };
    if x < 0.0 { -tangent } else { tangent }
}
