//! `moving_average(f, N)`: the mean of the last N values.
//!
//! ```text
//! time value        N = 2
//! 0    1            time value
//! 60   4       →    60   2.5
//! 90   2            90   3
//! ```
//!
//! Points before the Nth yield nothing. Integers are summed as such and wrap.

use super::{Number, Point, Reducer};
use std::collections::VecDeque;

/// The state over one series.
pub(super) struct MovingAverage {
    count: usize,
    last: VecDeque<Number>,
    sum: Option<Number>,
}

impl MovingAverage {
    pub(super) const fn new(count: usize) -> Self {
        Self { count, last: VecDeque::new(), sum: None }
    }
}

impl Reducer for MovingAverage {
    #[expect(clippy::cast_precision_loss, reason = "as in Go")]
    fn push(&mut self, point: Point, out: &mut Vec<Point>) {
        let mut sum = self.sum.unwrap_or(match point.value {
            Number::Float(_) => Number::Float(0.0),
            Number::Integer(_) => Number::Integer(0),
            Number::Unsigned(_) => Number::Unsigned(0),
        });
        if self.last.len() == self.count
            && let Some(oldest) = self.last.pop_front()
        {
            sum = combined(sum, oldest, |a, b| a - b, i64::wrapping_sub, u64::wrapping_sub);
        }
        sum = combined(sum, point.value, |a, b| a + b, i64::wrapping_add, u64::wrapping_add);
        self.last.push_back(point.value);
        self.sum = Some(sum);
        if self.last.len() == self.count {
            out.push(Point::float(point.time_ns, sum.to_f64() / self.count as f64));
        }
    }

    fn size(&self) -> usize {
        self.last.capacity() * size_of::<Number>()
    }
}

fn combined(
    a: Number,
    b: Number,
    floats: fn(f64, f64) -> f64,
    integers: fn(i64, i64) -> i64,
    unsigned: fn(u64, u64) -> u64,
) -> Number {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => Number::Integer(integers(a, b)),
        (Number::Unsigned(a), Number::Unsigned(b)) => Number::Unsigned(unsigned(a, b)),
        (a, b) => Number::Float(floats(a.to_f64(), b.to_f64())),
    }
}
