//! Numbers. [`quick`] reads the usual ones and what ends them in one pass and gives up on all others;
//! [`strict`] takes the exact text and names what is wrong with it, as InfluxDB 1.x does.

use super::parser::Value;
use super::rejection::LineFault;

/// Digits that a `u64` holds whatever they are.
const SAFE_DIGITS: usize = 19;
/// Digits of a mantissa that a `f64` holds exactly: 10^15 < 2^53.
const EXACT_DIGITS: usize = 15;
/// Powers of ten that divide an exact mantissa with one rounding, which makes the quotient the nearest float.
const POWERS_OF_TEN: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The number at the start of `bytes` and its length, or `None` where [`strict`] must look.
#[inline]
pub(super) fn quick(bytes: &[u8]) -> Option<(Value<'static>, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let start = at;
    let mut mantissa = 0u64;
    while let Some(digit) = digit(bytes, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let digits = at - start;
    if digits == 0 || digits > SAFE_DIGITS {
        return None;
    }
    match bytes.get(at) {
        Some(b'i') => {
            let value =
                if negative { 0i64.checked_sub_unsigned(mantissa) } else { i64::try_from(mantissa).ok() };
            Some((Value::Integer(value?), at + 1))
        }
        Some(b'u') if !negative => Some((Value::Unsigned(mantissa), at + 1)),
        Some(b'.') => quick_fraction(bytes, at, digits, mantissa, negative),
        Some(b'e' | b'E') => quick_scan(bytes),
        _ if digits <= EXACT_DIGITS => Some((Value::Float(signed(mantissa as f64, negative)), at)),
        _ => quick_scan(bytes),
    }
}

/// A float whose point stands at `bytes[at]`, after `digits` digits that make `mantissa`.
#[inline]
fn quick_fraction(
    bytes: &[u8],
    mut at: usize,
    digits: usize,
    mut mantissa: u64,
    negative: bool,
) -> Option<(Value<'static>, usize)> {
    at += 1;
    let start = at;
    while let Some(digit) = digit(bytes, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let fraction = at - start;
    if digits + fraction > EXACT_DIGITS || matches!(bytes.get(at), Some(b'e' | b'E')) {
        return quick_scan(bytes);
    }
    let value = mantissa as f64 / POWERS_OF_TEN[fraction];
    Some((Value::Float(signed(value, negative)), at))
}

/// A float that needs the long way.
fn quick_scan(bytes: &[u8]) -> Option<(Value<'static>, usize)> {
    let length = bytes
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        .unwrap_or(bytes.len());
    match strict(&bytes[..length]) {
        Ok(value) => Some((value, length)),
        Err(_) => None,
    }
}

#[inline(always)]
fn digit(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10).map(u64::from)
}

fn signed(value: f64, negative: bool) -> f64 {
    if negative { -value } else { value }
}

/// The number that `text` writes. `text` starts with a digit, `.`, `-`, `n` or `N`.
pub(super) fn strict(text: &[u8]) -> Result<Value<'static>, LineFault> {
    let negative = text.first() == Some(&b'-');
    let (mut suffix, mut decimal, mut scientific) = (None, false, false);
    for (at, &byte) in text.iter().enumerate().skip(usize::from(negative)) {
        match byte {
            b'0'..=b'9' => {}
            b'i' | b'u' if at > 0 && suffix.is_none() => suffix = Some(byte),
            b'.' if !decimal => decimal = true,
            b'e' | b'E' if at > 0 => scientific = true,
            b'+' | b'-' if at > 0 && matches!(text[at - 1], b'e' | b'E') => {}
            _ => return Err(LineFault::InvalidNumber),
        }
    }
    if suffix.is_some() && (decimal || scientific || text.last().copied() != suffix) {
        return Err(LineFault::InvalidNumber);
    }
    let signs = usize::from(negative) + usize::from(decimal) + usize::from(suffix.is_some());
    if text.len() == signs {
        return Err(LineFault::InvalidNumber);
    }
    match suffix {
        Some(b'i') => strict_integer(&text[..text.len() - 1]),
        Some(_) if negative => Err(LineFault::InvalidNumber),
        Some(_) => strict_unsigned(&text[..text.len() - 1]),
        None => match lexical_core::parse::<f64>(text) {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(LineFault::InvalidFloat),
        },
    }
}

fn strict_integer(digits: &[u8]) -> Result<Value<'static>, LineFault> {
    lexical_core::parse(digits)
        .map(Value::Integer)
        .map_err(|_| LineFault::IntegerOutOfRange(String::from_utf8_lossy(digits).into()))
}

fn strict_unsigned(digits: &[u8]) -> Result<Value<'static>, LineFault> {
    lexical_core::parse(digits)
        .map(Value::Unsigned)
        .map_err(|_| LineFault::UnsignedOutOfRange(String::from_utf8_lossy(digits).into()))
}

/// The integer at the start of `bytes` and its length, or `None` where the exact reading must look.
#[inline]
pub(super) fn quick_time(bytes: &[u8]) -> Option<(i64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let start = at;
    let mut value = 0u64;
    while let Some(digit) = digit(bytes, at) {
        value = value.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    if at == start || at - start > SAFE_DIGITS {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, at))
}
