//! `difference(f)` and `non_negative_difference(f)`: the change from point to point.
//!
//! ```text
//! time value        time value      non-negative
//! 0    1            60   3          60   3
//! 60   4       →    90   -2         240  6
//! 90   2            240  6
//! 240  8
//! ```
//!
//! The type stays; integers wrap. Of several points of one time the first counts.

use super::{Number, Point, Reducer};

/// The state over one series.
pub(super) struct Difference {
    non_negative: bool,
    last: Option<Point>,
}

impl Difference {
    pub(super) const fn new(non_negative: bool) -> Self {
        Self { non_negative, last: None }
    }
}

impl Reducer for Difference {
    fn push(&mut self, point: Point, out: &mut Vec<Point>) {
        if self.last.is_some_and(|last| last.time_ns == point.time_ns) {
            return;
        }
        let Some(last) = self.last.replace(point) else { return };
        let (value, falls) = match (last.value, point.value) {
            (Number::Integer(from), Number::Integer(to)) => {
                let change = to.wrapping_sub(from);
                (Number::Integer(change), change < 0)
            }
            (Number::Unsigned(from), Number::Unsigned(to)) => {
                (Number::Unsigned(to.wrapping_sub(from)), to < from)
            }
            (from, to) => {
                let change = to.to_f64() - from.to_f64();
                (Number::Float(change), change < 0.0)
            }
        };
        if !(self.non_negative && falls) {
            out.push(Point { time_ns: point.time_ns, value });
        }
    }
}
