//! Points in time, ranges of time, and durations as InfluxDB writes them.
//!
//! A timestamp is an `i64` of nanoseconds since 1970-01-01T00:00:00Z; it may be negative.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Nanoseconds in a second.
pub const SECOND_NS: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
/// Nanoseconds in an hour.
pub const HOUR_NS: i64 = 60 * MINUTE_NS;
/// Nanoseconds in a day.
pub const DAY_NS: i64 = 24 * HOUR_NS;

/// The least timestamp a point may bear (influxdb 1.x `models.MinNanoTime`).
pub const TIME_MIN_NS: i64 = -9_223_372_036_854_775_806;
/// The greatest timestamp a point may bear (influxdb 1.x `models.MaxNanoTime`).
pub const TIME_MAX_NS: i64 = 9_223_372_036_854_775_806;

/// A half-open range of time, `start_ns <= t < end_ns`. Empty when `start_ns >= end_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    /// First timestamp inside.
    pub start_ns: i64,
    /// First timestamp after.
    pub end_ns: i64,
}

impl TimeRange {
    /// Every timestamp that a point may bear.
    pub const ALL: Self = Self { start_ns: TIME_MIN_NS, end_ns: TIME_MAX_NS + 1 };

    /// The range `start_ns <= t < end_ns`.
    #[must_use]
    pub const fn new(start_ns: i64, end_ns: i64) -> Self {
        Self { start_ns, end_ns }
    }

    /// Whether no timestamp lies inside.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start_ns >= self.end_ns
    }

    /// Whether `time_ns` lies inside.
    #[must_use]
    pub const fn contains(&self, time_ns: i64) -> bool {
        self.start_ns <= time_ns && time_ns < self.end_ns
    }

    /// Whether some timestamp lies in both ranges.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.intersect(other).is_empty()
    }

    /// Whether every timestamp of `other` lies in this range.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.intersect(other) == *other
    }

    /// The timestamps that lie in both ranges.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self { start_ns: self.start_ns.max(other.start_ns), end_ns: self.end_ns.min(other.end_ns) }
    }

    /// The least range that covers both, of which none is empty.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self { start_ns: self.start_ns.min(other.start_ns), end_ns: self.end_ns.max(other.end_ns) }
    }
}

/// The window of width `width_ns` (> 0) that `time_ns` lies in, aligned to the epoch by floor
/// division, so that negative times work. Saturates at the ends of the timeline.
#[must_use]
pub fn window_of(time_ns: i64, width_ns: i64) -> TimeRange {
    assert!(width_ns > 0, "a window has a positive width");
    let start = time_ns.div_euclid(width_ns).saturating_mul(width_ns);
    TimeRange::new(start, start.saturating_add(width_ns))
}

/// A duration as Go prints it: `168h0m0s`, `1h30m0s`, `1.5s`, `0s`. `SHOW RETENTION POLICIES` and
/// several error texts of InfluxDB 1.x use this form.
#[must_use]
pub fn go_duration(duration_ns: i64) -> String {
    let negative = duration_ns < 0;
    let ns = duration_ns.unsigned_abs();
    let mut out = String::new();
    if negative {
        out.push('-');
    }
    let second = SECOND_NS.unsigned_abs();
    if ns == 0 {
        return "0s".into();
    }
    if ns < second {
        let (unit, name) = match ns {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        push_decimal(&mut out, ns, unit);
        out.push_str(name);
        return out;
    }
    let (hours, minutes) = (ns / (3_600 * second), ns / (60 * second) % 60);
    if hours > 0 {
        let _ = write!(out, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(out, "{minutes}m");
    }
    push_decimal(&mut out, ns % (60 * second), second);
    out.push('s');
    out
}

/// Appends `value / unit` (unit a power of ten) with as many decimals as it needs.
fn push_decimal(out: &mut String, value: u64, unit: u64) {
    let _ = write!(out, "{}", value / unit);
    let fraction = value % unit;
    if fraction != 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}
