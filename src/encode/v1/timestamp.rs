//! Times: integers of a unit, or RFC 3339 as Go's `time.RFC3339Nano` prints it.

use super::number::push_integer;
use crate::model::time::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS};
use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

/// The unit of integer times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

impl Epoch {
    /// The unit that the parameter `epoch` names. InfluxDB 1.x takes what it does not know for nanoseconds,
    /// and the empty text for "no unit".
    #[must_use]
    pub fn from_parameter(text: &str) -> Option<Self> {
        match text {
            "" => None,
            "u" | "µ" => Some(Self::Microseconds),
            "ms" => Some(Self::Milliseconds),
            "s" => Some(Self::Seconds),
            "m" => Some(Self::Minutes),
            "h" => Some(Self::Hours),
            _ => Some(Self::Nanoseconds),
        }
    }

    /// A time in this unit. Rounds towards zero, as InfluxDB 1.x does.
    #[inline]
    pub(super) const fn scale(self, time_ns: i64) -> i64 {
        time_ns / self.unit_ns()
    }

    const fn unit_ns(self) -> i64 {
        match self {
            Self::Nanoseconds => 1,
            Self::Microseconds => 1_000,
            Self::Milliseconds => 1_000_000,
            Self::Seconds => SECOND_NS,
            Self::Minutes => MINUTE_NS,
            Self::Hours => HOUR_NS,
        }
    }
}

/// Prints times as RFC 3339; remembers the date of the day it printed last.
pub(super) struct Rfc3339 {
    zone: Option<Tz>,
    day: i64,
    date: [u8; 11],
}

impl Rfc3339 {
    /// Prints in UTC until told otherwise.
    pub(super) fn new() -> Self {
        Self { zone: None, day: 0, date: *b"1970-01-01T" }
    }

    /// Prints in this zone from now on; UTC when `None`.
    pub(super) fn set_zone(&mut self, zone: Option<Tz>) {
        self.zone = zone;
    }

    /// Appends the time in local form with its offset, without quotes.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, time_ns: i64) {
        let offset_s = match self.zone {
            None => 0,
            Some(zone) => zone
                .offset_from_utc_datetime(&DateTime::from_timestamp_nanos(time_ns).naive_utc())
                .fix()
                .local_minus_utc(),
        };
        // Whole seconds and nanoseconds apart: the offset must not overflow at the ends of the timeline.
        let local_s = time_ns.div_euclid(SECOND_NS) + i64::from(offset_s);
        let nanoseconds = time_ns.rem_euclid(SECOND_NS);
        let day = local_s.div_euclid(DAY_NS / SECOND_NS);
        if day != self.day {
            self.day = day;
            self.date = date_of(day);
        }
        out.extend_from_slice(&self.date);
        let second_of_day = local_s.rem_euclid(DAY_NS / SECOND_NS);
        push_two(out, second_of_day / 3_600);
        out.push(b':');
        push_two(out, second_of_day / 60 % 60);
        out.push(b':');
        push_two(out, second_of_day % 60);
        push_fraction(out, nanoseconds);
        push_offset(out, offset_s);
    }
}

/// The date of a day since the epoch, with the `T` that follows it.
fn date_of(day: i64) -> [u8; 11] {
    let date = i32::try_from(day)
        .ok()
        .and_then(NaiveDate::from_epoch_days)
        .expect("an i64 of nanoseconds lies in the years 1677 to 2262");
    let year = date.year().unsigned_abs();
    let [y1, y2] = two_digits(year / 100);
    let [y3, y4] = two_digits(year % 100);
    let [m1, m2] = two_digits(date.month());
    let [d1, d2] = two_digits(date.day());
    [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T']
}

#[allow(clippy::cast_possible_truncation)]
const fn two_digits(value: u32) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn push_two(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&two_digits(value as u32));
}

/// Appends a fraction of a second without trailing zeros, or nothing.
fn push_fraction(out: &mut Vec<u8>, nanoseconds: i64) {
    if nanoseconds == 0 {
        return;
    }
    let mut digits = [b'.', b'0', b'0', b'0', b'0', b'0', b'0', b'0', b'0', b'0'];
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(nanoseconds).as_bytes();
    digits[10 - text.len()..].copy_from_slice(text);
    let kept = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |at| at + 1);
    out.extend_from_slice(&digits[..kept]);
}

/// Appends `Z` or `±hh:mm`; seconds of historical offsets are cut off, as Go does.
fn push_offset(out: &mut Vec<u8>, offset_s: i32) {
    let minutes = offset_s / 60;
    if offset_s == 0 {
        out.push(b'Z');
        return;
    }
    out.push(if minutes < 0 { b'-' } else { b'+' });
    push_two(out, i64::from(minutes.abs() / 60));
    out.push(b':');
    push_two(out, i64::from(minutes.abs() % 60));
}

/// Appends a time in a unit.
#[inline]
pub(super) fn push_scaled(out: &mut Vec<u8>, epoch: Epoch, time_ns: i64) {
    push_integer(out, epoch.scale(time_ns));
}
