//! `integral(f, unit)`: the area below the line through the points, per window.
//!
//! ```text
//! time value        windows of 60, unit 1s
//! 0    1            time value
//! 60   4       →    0    150
//! 90   2            60   168      90 from 60 to 90, and 78 from 90 to 120, to where the line is cut
//! 240  8
//! ```
//!
//! What lies between the end of a window and the next point counts in the window of that point. A window in which nothing
//! lies but a point at its start yields nothing. Of several points of one time the last counts.
//!
//! Points come in ascending order: what is asked for in descending order is sorted afterwards.
//!
//! Integers differ from floats as in InfluxDB 1.x: after a cut, the area up to the point takes the line's value at the cut for the
//! point's own; and without windows the result has the time of the range's lower bound rather than 0.

use super::super::scalar::bucket::Buckets;
use super::{Point, Reducer};
use crate::model::time::TIME_MIN_NS;
use crate::model::value::FieldType;

/// The state over one series.
pub(super) struct Integral {
    unit_ns: i64,
    buckets: Option<Buckets>,
    is_float: bool,
    /// The time of the current window's result.
    start_ns: i64,
    /// The end of the current window, where there is one.
    end_ns: Option<i64>,
    last: Option<(i64, f64)>,
    sum: f64,
}

impl Integral {
    pub(super) fn new(
        unit_ns: i64,
        buckets: Option<Buckets>,
        lower_ns: Option<i64>,
        argument: FieldType,
    ) -> Self {
        let is_float = argument == FieldType::Float;
        let start_ns = match lower_ns {
            Some(lower_ns) if !is_float && lower_ns > TIME_MIN_NS => lower_ns,
            _ => 0,
        };
        Self { unit_ns, buckets, is_float, start_ns, end_ns: None, last: None, sum: 0.0 }
    }

    fn enter_window_of(&mut self, time_ns: i64) {
        if let Some(buckets) = self.buckets {
            let (start_ns, end_ns) = buckets.bucket_of(time_ns);
            self.start_ns = if !self.is_float && start_ns <= TIME_MIN_NS { 0 } else { start_ns };
            self.end_ns = Some(end_ns);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "as in Go")]
    fn area(&self, from: (i64, f64), to: (i64, f64)) -> f64 {
        let elapsed = to.0.wrapping_sub(from.0) as f64 / self.unit_ns as f64;
        0.5 * (to.1 + from.1) * elapsed
    }
}

impl Reducer for Integral {
    fn push(&mut self, point: Point, out: &mut Vec<Point>) {
        let time_ns = point.time_ns;
        let own_value = point.value.to_f64();
        let Some(mut last) = self.last else {
            self.last = Some((time_ns, own_value));
            self.enter_window_of(time_ns);
            return;
        };
        let mut value = own_value;
        if last.0 != time_ns {
            if let Some(end_ns) = self.end_ns
                && time_ns >= end_ns
            {
                if last.0 != end_ns {
                    let cut = on_line(last, (time_ns, value), end_ns);
                    self.sum += self.area(last, (end_ns, cut));
                    last = (end_ns, if self.is_float { cut } else { last.1 });
                    value = if self.is_float { value } else { cut };
                }
                out.push(Point::float(self.start_ns, self.sum));
                self.enter_window_of(time_ns);
                self.sum = 0.0;
            }
            self.sum += self.area(last, (time_ns, value));
        }
        self.last = Some((time_ns, own_value));
    }

    fn finish(&mut self, out: &mut Vec<Point>) -> Result<(), String> {
        if self.last.is_some_and(|(time_ns, _)| time_ns != self.start_ns) {
            out.push(Point::float(self.start_ns, self.sum));
        }
        Ok(())
    }

    fn held_back_from_ns(&self) -> Option<i64> {
        (self.last.is_some() || self.buckets.is_none()).then_some(self.start_ns)
    }
}

/// The value at `time_ns` of the line through two points.
#[expect(clippy::cast_precision_loss, reason = "as in Go")]
fn on_line(from: (i64, f64), to: (i64, f64), time_ns: i64) -> f64 {
    let slope = (to.1 - from.1) / to.0.wrapping_sub(from.0) as f64;
    slope * time_ns.wrapping_sub(from.0) as f64 + from.1
}
