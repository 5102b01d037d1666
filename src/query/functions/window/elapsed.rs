//! `elapsed(f, unit)`: the time from point to point, in whole units.
//!
//! ```text
//! time value        unit 1s         unit 1m
//! 0    1            time value      time value
//! 60   4       →    60   60         60   1
//! 90   2            90   30         90   0
//! ```
//!
//! Values do not matter. In descending order times are negative.

use super::{Number, Point, Reducer};

/// The state over one series.
pub(super) struct Elapsed {
    unit_ns: i64,
    last_ns: Option<i64>,
}

impl Elapsed {
    pub(super) const fn new(unit_ns: i64) -> Self {
        Self { unit_ns, last_ns: None }
    }
}

impl Reducer for Elapsed {
    fn push(&mut self, point: Point, out: &mut Vec<Point>) {
        let Some(last_ns) = self.last_ns.replace(point.time_ns) else { return };
        let elapsed = point.time_ns.wrapping_sub(last_ns).checked_div(self.unit_ns).unwrap_or_default();
        out.push(Point { time_ns: point.time_ns, value: Number::Integer(elapsed) });
    }
}
