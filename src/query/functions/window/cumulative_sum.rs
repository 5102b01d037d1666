//! `cumulative_sum(f)`: the sum of the values so far.
//!
//! ```text
//! time value        time value
//! 0    1            0    1
//! 60   4       →    60   5
//! 90   2            90   7
//! ```
//!
//! The type stays; integers wrap.

use super::{Number, Point, Reducer};

/// The state over one series.
#[derive(Default)]
pub(super) struct CumulativeSum {
    sum: Option<Number>,
}

impl Reducer for CumulativeSum {
    fn push(&mut self, point: Point, out: &mut Vec<Point>) {
        let value = match (self.sum, point.value) {
            (None, Number::Float(x)) => Number::Float(0.0 + x),
            (None, value) => value,
            (Some(Number::Integer(sum)), Number::Integer(n)) => Number::Integer(sum.wrapping_add(n)),
            (Some(Number::Unsigned(sum)), Number::Unsigned(n)) => Number::Unsigned(sum.wrapping_add(n)),
            (Some(sum), value) => Number::Float(sum.to_f64() + value.to_f64()),
        };
        self.sum = Some(value);
        out.push(Point { time_ns: point.time_ns, value });
    }
}
