//! The unit of the timestamps of a write request. It knows the spellings of the write APIs and scales
//! to nanoseconds; it does not decide what an unknown spelling means for the request.

use crate::model::time::{HOUR_NS, MINUTE_NS, SECOND_NS, TIME_MAX_NS, TIME_MIN_NS};

/// The unit of the timestamps of a write request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Nanoseconds, what a request without the parameter means.
    #[default]
    Nanosecond,
    /// Microseconds.
    Microsecond,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
}

impl Precision {
    /// The precision that InfluxDB 1.x's `precision` parameter names: `n`, `ns`, `u`, `µ`, `ms`, `s`, `m`, `h`
    /// or empty. `None` for everything else, `us` included, as from InfluxDB 1.8 on (1.6 read it as
    /// nanoseconds, which stores points at wrong times).
    #[must_use]
    pub fn from_v1(text: &str) -> Option<Self> {
        Some(match text {
            "" | "n" | "ns" => Self::Nanosecond,
            "u" | "µ" | "μ" => Self::Microsecond,
            "ms" => Self::Millisecond,
            "s" => Self::Second,
            "m" => Self::Minute,
            "h" => Self::Hour,
            _ => return None,
        })
    }

    /// The precision that InfluxDB 2.x's `precision` parameter names: `ns`, `us`, `ms`, `s` or empty.
    #[must_use]
    pub fn from_v2(text: &str) -> Option<Self> {
        Some(match text {
            "" | "ns" => Self::Nanosecond,
            "us" => Self::Microsecond,
            "ms" => Self::Millisecond,
            "s" => Self::Second,
            _ => return None,
        })
    }

    /// Nanoseconds in one unit.
    #[must_use]
    pub const fn unit_ns(self) -> i64 {
        match self {
            Self::Nanosecond => 1,
            Self::Microsecond => 1_000,
            Self::Millisecond => 1_000_000,
            Self::Second => SECOND_NS,
            Self::Minute => MINUTE_NS,
            Self::Hour => HOUR_NS,
        }
    }

    /// `time` of this precision in nanoseconds, or `None` outside the times that a point may bear.
    #[must_use]
    #[inline]
    pub fn to_ns(self, time: i64) -> Option<i64> {
        time.checked_mul(self.unit_ns()).filter(|ns| (TIME_MIN_NS..=TIME_MAX_NS).contains(ns))
    }

    /// `time_ns` cut to a whole unit, towards the past.
    #[must_use]
    pub const fn truncate_ns(self, time_ns: i64) -> i64 {
        time_ns.saturating_sub(time_ns.rem_euclid(self.unit_ns()))
    }
}
