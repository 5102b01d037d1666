//! `derivative(f, unit)` and `non_negative_derivative(f, unit)`: the change per unit of time from point to point.
//!
//! ```text
//! time value        unit 1m         non-negative
//! 0    1            time value      time value
//! 60   4       →    60   3          60   3
//! 90   2            90   -4         240  2.4
//! 240  8            240  2.4
//! ```
//!
//! Of several points of one time the first counts. In descending order the change is that from the later point to the earlier
//! one, per time between them, so that signs are the opposite.

use super::{Number, Point, Reducer};

/// The state over one series.
pub(super) struct Derivative {
    unit_ns: i64,
    non_negative: bool,
    descending: bool,
    last: Option<Point>,
}

impl Derivative {
    pub(super) const fn new(unit_ns: i64, non_negative: bool, descending: bool) -> Self {
        Self { unit_ns, non_negative, descending, last: None }
    }
}

impl Reducer for Derivative {
    #[expect(clippy::cast_precision_loss, reason = "as in Go")]
    fn push(&mut self, point: Point, out: &mut Vec<Point>) {
        if self.last.is_some_and(|last| last.time_ns == point.time_ns) {
            return;
        }
        let Some(last) = self.last.replace(point) else { return };
        let change = match (last.value, point.value) {
            // Integers wrap before they become floats.
            (Number::Integer(from), Number::Integer(to)) => to.wrapping_sub(from) as f64,
            (Number::Unsigned(from), Number::Unsigned(to)) if to > from => (to - from) as f64,
            (Number::Unsigned(from), Number::Unsigned(to)) => -((from - to) as f64),
            (from, to) => to.to_f64() - from.to_f64(),
        };
        if self.non_negative && change < 0.0 {
            return;
        }
        let elapsed = match self.descending {
            false => point.time_ns.wrapping_sub(last.time_ns),
            true => last.time_ns.wrapping_sub(point.time_ns),
        };
        let value = change / (elapsed as f64 / self.unit_ns as f64);
        out.push(Point::float(point.time_ns, value));
    }
}
