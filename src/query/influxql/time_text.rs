//! Times as text in a statement: `'2015-08-18'`, `'2015-08-18 00:12:30.5'`, `'2015-08-18T00:12:30Z'`.
//!
//! In: the text of a string literal and the zone of `tz()`. Out: nanoseconds since the epoch. The forms are those
//! that InfluxDB 1.x takes (the layouts `2006-01-02 15:04:05.999999` and RFC 3339 of Go).

use chrono::{NaiveDate, NaiveDateTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;

/// Whether InfluxDB 1.x reads a string beside `time` as a time at all: `dddd-dd-dd` and anything after it.
#[must_use]
pub(super) fn looks_like_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && text.is_char_boundary(10)
        && bytes[..10]
            .iter()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() })
}

/// The time in nanoseconds, or `None` for an invalid text. A time without an offset is local in `zone`.
#[must_use]
pub(super) fn parse(text: &str, zone: Tz) -> Option<i128> {
    let (date, rest) = text.split_at_checked(10)?;
    if !looks_like_time(date) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(
        date[..4].parse().ok()?,
        date[5..7].parse().ok()?,
        date[8..10].parse().ok()?,
    )?;
    let (separator, rest) = match rest.chars().next() {
        None => return Some(utc_ns(date.and_hms_opt(0, 0, 0)?, 0, zone)),
        Some(separator @ (' ' | 'T')) => (separator, &rest[1..]),
        Some(_) => return None,
    };
    let (hour, rest) = rest.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, rest) = rest.split_at_checked(2)?;
    if !matches!(hour.len(), 1 | 2) || minute.len() != 2 {
        return None;
    }
    let time = date.and_hms_opt(digits(hour)?, digits(minute)?, digits(second)?)?;
    let (nanoseconds, rest) = fraction(rest)?;
    match (separator, rest) {
        (' ', "") => Some(utc_ns(time, nanoseconds, zone)),
        ('T', "Z") => Some(utc_ns(time, nanoseconds, Tz::UTC)),
        ('T', offset) => {
            let offset_s = offset_seconds(offset)?;
            Some(utc_ns(time, nanoseconds, Tz::UTC) - i128::from(offset_s) * 1_000_000_000)
        }
        _ => None,
    }
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The fraction of a second in nanoseconds (further digits are dropped), and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 {
        return None;
    }
    let mut value = 0;
    for i in 0..9 {
        value = value * 10 + rest.as_bytes().get(i).filter(|_| i < len).map_or(0, |b| i64::from(b - b'0'));
    }
    Some((value, &rest[len..]))
}

/// `+hh:mm` or `-hh:mm` in seconds.
fn offset_seconds(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours <= 24 && minutes < 60).then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

/// Local time in `zone` as UTC nanoseconds. A time that occurs twice or not at all is resolved as Go's `time.Date` does it:
/// with the offset in force at the time that the first guess gives.
fn utc_ns(local: NaiveDateTime, nanoseconds: i64, zone: Tz) -> i128 {
    let seconds = local.and_utc().timestamp();
    let utc_s = seconds - offset_at(zone, seconds - offset_at(zone, seconds));
    i128::from(utc_s) * 1_000_000_000 + i128::from(nanoseconds)
}

/// The offset of `zone` from UTC in seconds at `utc_s`.
fn offset_at(zone: Tz, utc_s: i64) -> i64 {
    if zone == Tz::UTC {
        return 0;
    }
    chrono::DateTime::from_timestamp(utc_s, 0)
        .map_or(0, |t| i64::from(zone.offset_from_utc_datetime(&t.naive_utc()).fix().local_minus_utc()))
}
