//! Duration literals: `1h30m`, `500ms`, `2w`.
//!
//! In: the text of a duration token. Out: nanoseconds. Arithmetic wraps as in InfluxDB 1.x, which
//! notices an overflow only when the result comes out negative; here every overflow is noticed.

use crate::error::ParseError;

/// Nanoseconds of a duration literal.
///
/// ```
/// assert_eq!(influxql::parse_duration("1h30m").ok(), Some(5_400_000_000_000));
/// assert_eq!(influxql::parse_duration("5").map_err(|e| e.to_string()), Err("invalid duration".into()));
/// ```
pub fn parse_duration(text: &str) -> Result<i64, ParseError> {
    let invalid = || ParseError::new("invalid duration");
    // One character is refused even when it is a digit; InfluxDB 1.x checks bytes.
    if text.len() < 2 {
        return Err(invalid());
    }
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut total_ns: i128 = 0;
    let mut last = (0, "");
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let n: i64 = rest[..digits].parse().map_err(|_| invalid())?;
        let (unit, unit_ns) = unit_at(&rest[digits..]).ok_or_else(invalid)?;
        total_ns = total_ns.saturating_add(i128::from(n).saturating_mul(unit_ns));
        rest = &rest[digits + unit.len()..];
        last = (n, unit);
    }
    if negative {
        total_ns = -total_ns;
    }
    i64::try_from(total_ns).map_err(|_| {
        let (n, unit) = last;
        ParseError::new(format!("overflowed duration {n}{unit}: choose a smaller duration or INF"))
    })
}

/// The unit a text begins with, and its nanoseconds.
fn unit_at(text: &str) -> Option<(&'static str, i128)> {
    // Longer units stand before those they begin with.
    const UNITS: [(&str, i128); 9] = [
        ("ns", 1),
        ("ms", 1_000_000),
        ("u", 1_000),
        ("µ", 1_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
        ("w", 604_800_000_000_000),
    ];
    UNITS.into_iter().find(|(unit, _)| text.starts_with(unit))
}
