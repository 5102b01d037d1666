//! `kaufmans_efficiency_ratio(f, period)` and `kaufmans_adaptive_moving_average(f, period)`.
//!
//! ```text
//! time value        period 2
//! 0    1            ratio            average
//! 60   5            time value       time value
//! 120  7       →    120  1           120  5.8889
//! 180  3            180  0.3333      180  5.5556
//! ```
//!
//! The ratio is how far the value came over the period by how far it went back and forth: 1 on a straight way. The average
//! follows quickly where the ratio is high.

use super::{Held, Reducer, Series};

/// The reducer of the ratio.
pub(super) fn efficiency_ratio(period: usize, hold: Option<usize>) -> Box<dyn Reducer> {
    Box::new(Held::new(Ratio::new(period), hold.unwrap_or(period), true))
}

/// The reducer of the average.
pub(super) fn adaptive_moving_average(period: usize, hold: Option<usize>) -> Box<dyn Reducer> {
    let average = AdaptiveAverage { ratio: Ratio::new(period), last: 0.0 };
    Box::new(Held::new(average, hold.unwrap_or(period), true))
}

/// The last `period` values and the steps to them. Before the first value all are 0.
struct Ratio {
    period: usize,
    /// A ring; grows up to the period.
    values: Vec<f64>,
    steps: Vec<f64>,
    /// The place of the latest value.
    latest: usize,
    /// The sum of the steps.
    noise: f64,
    /// Number of values, at most one more than the period.
    count: usize,
}

impl Ratio {
    const fn new(period: usize) -> Self {
        Self { period, values: Vec::new(), steps: Vec::new(), latest: 0, noise: 0.0, count: 0 }
    }

    const fn is_warm(&self) -> bool {
        self.count == self.period + 1
    }

    fn latest_value(&self) -> f64 {
        self.values.get(self.latest).copied().unwrap_or(0.0)
    }
}

impl Series for Ratio {
    fn add(&mut self, value: f64) -> f64 {
        let oldest = if self.latest + 1 >= self.period { 0 } else { self.latest + 1 };
        let step = (value - self.latest_value()).abs();
        let signal = (value - self.values.get(oldest).copied().unwrap_or(0.0)).abs();
        self.noise -= self.steps.get(oldest).copied().unwrap_or(0.0);
        self.noise += step;
        if oldest >= self.values.len() {
            self.values.resize(oldest + 1, 0.0);
            self.steps.resize(oldest + 1, 0.0);
        }
        self.values[oldest] = value;
        self.steps[oldest] = step;
        self.latest = oldest;
        if !self.is_warm() {
            self.count += 1;
        }
        if signal == 0.0 || self.noise == 0.0 { 0.0 } else { signal / self.noise }
    }

    fn size(&self) -> usize {
        (self.values.capacity() + self.steps.capacity()) * size_of::<f64>()
    }
}

struct AdaptiveAverage {
    ratio: Ratio,
    last: f64,
}

/// Root of a new value's weight where there is only noise: 2 / (30 + 1), as in an average over 30.
const SLOW: f64 = 2.0 / 31.0;
/// How much it grows up to a straight way, where it is 2 / (2 + 1): rounded once from 2/3 - 2/31.
const RANGE: f64 = 56.0 / 93.0;

impl Series for AdaptiveAverage {
    fn add(&mut self, value: f64) -> f64 {
        if !self.ratio.is_warm() {
            self.last = self.ratio.latest_value();
        }
        let root = self.ratio.add(value) * RANGE + SLOW;
        self.last += root * root * (value - self.last);
        self.last
    }

    fn size(&self) -> usize {
        self.ratio.size()
    }
}
