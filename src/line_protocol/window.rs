//! The write window: the times that a retention policy with `PAST LIMIT` or `FUTURE LIMIT` takes points of, and what is said of
//! the others. As since InfluxDB 1.12.

use chrono::{DateTime, SecondsFormat};
use std::fmt;

/// The times of points that are taken. A bound that is `None` refuses nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteWindow {
    /// The first, in nanoseconds.
    pub oldest_ns: Option<i64>,
    /// The last, in nanoseconds.
    pub newest_ns: Option<i64>,
}

/// The points of a body that lie outside the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideWindow {
    /// The window.
    pub window: WriteWindow,
    /// How many.
    pub point_count: usize,
    /// The first of them in time.
    pub oldest: OutsidePoint,
    /// The last of them in time.
    pub newest: OutsidePoint,
}

/// A point outside the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsidePoint {
    /// Its measurement and tags, as written.
    pub series: Box<str>,
    /// Its time in nanoseconds.
    pub time_ns: i64,
}

impl WriteWindow {
    /// Whether points of this time are taken.
    #[must_use]
    pub fn contains(&self, time_ns: i64) -> bool {
        self.oldest_ns.is_none_or(|oldest_ns| time_ns >= oldest_ns)
            && self.newest_ns.is_none_or(|newest_ns| time_ns <= newest_ns)
    }

    /// The bound that a time violates: its name in InfluxDB 1.12 and its time.
    fn violated_by(&self, time_ns: i64) -> (&'static str, i64) {
        match (self.oldest_ns, self.newest_ns) {
            (Some(oldest_ns), _) if time_ns < oldest_ns => ("Write Window Lower Bound", oldest_ns),
            (_, newest_ns) => ("Write Window Upper Bound", newest_ns.unwrap_or(time_ns)),
        }
    }
}

impl OutsideWindow {
    /// Adds a point to those that were seen already.
    pub fn add(seen: &mut Option<Self>, window: WriteWindow, series: &str, time_ns: i64) {
        let point = || OutsidePoint { series: series.into(), time_ns };
        match seen {
            None => *seen = Some(Self { window, point_count: 1, oldest: point(), newest: point() }),
            Some(seen) => {
                seen.point_count += 1;
                if time_ns < seen.oldest.time_ns {
                    seen.oldest = point();
                }
                if time_ns > seen.newest.time_ns {
                    seen.newest = point();
                }
            }
        }
    }
}

impl fmt::Display for WriteWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.oldest_ns, self.newest_ns) {
            (Some(oldest_ns), Some(newest_ns)) => {
                write!(f, "from {} to {}", rfc3339(oldest_ns), rfc3339(newest_ns))
            }
            (Some(oldest_ns), None) => write!(f, "from {}", rfc3339(oldest_ns)),
            (None, Some(newest_ns)) => write!(f, "to {}", rfc3339(newest_ns)),
            (None, None) => f.write_str("always"),
        }
    }
}

impl fmt::Display for OutsideWindow {
    /// Completes "partial write: ".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = |point: &OutsidePoint| {
            let (bound, bound_ns) = self.window.violated_by(point.time_ns);
            let (at, bound_at) = (rfc3339(point.time_ns), rfc3339(bound_ns));
            format!("point {} at {at} dropped because it violates a {bound} at {bound_at}", point.series)
        };
        let (oldest, newest) = (point(&self.oldest), point(&self.newest));
        write!(
            f,
            "dropped {} points outside write window ({}) - oldest {oldest}, newest {newest}",
            self.point_count, self.window
        )
    }
}

fn rfc3339(time_ns: i64) -> String {
    DateTime::from_timestamp_nanos(time_ns).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
