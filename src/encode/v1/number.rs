//! Numbers as Go prints them.
//!
//! Digits are the shortest that read back as the same float, which is what both Go and `ryu` print; only
//! where the point and the exponent go differs. Go's `encoding/json` uses decimal notation from 1e-6 up to
//! 1e21 and otherwise an exponent with sign; its CSV output uses decimal notation throughout.

/// Appends an integer.
#[inline]
pub(super) fn push_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Below this, every float without fraction is its own shortest digits.
const EXACT_INTEGER_MAX: f64 = 9_007_199_254_740_992.0; // 2^53

/// Appends a finite float as Go's `encoding/json` does.
#[inline]
pub(super) fn push_json_float(out: &mut Vec<u8>, value: f64) {
    push_float(out, value, true);
}

/// Appends a float as Go's `strconv.FormatFloat(value, 'f', -1, 64)` does.
#[inline]
pub(super) fn push_plain_float(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        push_float(out, value, false);
    } else {
        out.extend_from_slice(non_finite_text(value).as_bytes());
    }
}

/// How Go prints a float that is no number.
pub(super) fn non_finite_text(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

#[inline]
fn push_float(out: &mut Vec<u8>, value: f64, exponents: bool) {
    // The cast is exact: a whole number within ±2^53.
    #[allow(clippy::cast_possible_truncation)]
    if value.abs() < EXACT_INTEGER_MAX && value.trunc() == value && value.to_bits() != (-0.0f64).to_bits() {
        push_integer(out, value as i64);
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    match text.find('e') {
        None => out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes()),
        Some(at) => push_scientific(out, &text[..at], &text[at + 1..], exponents),
    }
}

/// Lays out `ryu`'s scientific notation anew: `mantissa` is `[-]d[.d…]`.
fn push_scientific(out: &mut Vec<u8>, mantissa: &str, exponent: &str, exponents: bool) {
    let exponent: i32 = exponent.parse().expect("ryu writes a decimal exponent");
    let mantissa = match mantissa.strip_prefix('-') {
        Some(positive) => {
            out.push(b'-');
            positive
        }
        None => mantissa,
    };
    if exponents && !(-6..21).contains(&exponent) {
        out.extend_from_slice(mantissa.strip_suffix(".0").unwrap_or(mantissa).as_bytes());
        out.push(b'e');
        out.push(if exponent < 0 { b'-' } else { b'+' });
        push_integer(out, exponent.unsigned_abs());
        return;
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = if fraction == "0" { "" } else { fraction };
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        let zeros = exponent.unsigned_abs() as usize - 1;
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(whole.as_bytes());
        out.extend_from_slice(fraction.as_bytes());
        return;
    }
    let shift = exponent.unsigned_abs() as usize;
    out.extend_from_slice(whole.as_bytes());
    if fraction.len() <= shift {
        out.extend_from_slice(fraction.as_bytes());
        out.resize(out.len() + shift - fraction.len(), b'0');
    } else {
        out.extend_from_slice(&fraction.as_bytes()[..shift]);
        out.push(b'.');
        out.extend_from_slice(&fraction.as_bytes()[shift..]);
    }
}
