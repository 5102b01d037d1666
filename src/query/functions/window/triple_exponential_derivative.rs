//! `triple_exponential_derivative(f, period)`: by how many per cent an average of an average of an average changes.
//!
//! ```text
//! time value        period 1
//! 0    1            time value
//! 60   5       →    60   400
//! 120  7            120  40
//! ```
//!
//! The change from 0 is infinite, and such points are left out.

use super::exponential::{Average, Warmup};
use super::{Held, Reducer, Series, Smoothing};

/// The reducer.
pub(super) fn reducer(smoothing: Smoothing) -> Box<dyn Reducer> {
    let Smoothing { period, hold, warmup } = smoothing;
    let average = Average::new(period, warmup);
    let levels = match warmup {
        Warmup::Exponential => 1,
        Warmup::Simple => 3,
    };
    let hold = hold.unwrap_or(average.warm_count().saturating_mul(levels).saturating_add(1));
    Box::new(Held::new(Rate { averages: [average; 3], last: 0.0 }, hold, true))
}

struct Rate {
    averages: [Average; 3],
    last: f64,
}

impl Series for Rate {
    fn add(&mut self, value: f64) -> f64 {
        let [first, second, third] = &mut self.averages;
        let mut current = first.add(value);
        if first.feeds() {
            current = second.add(current);
            if second.feeds() {
                current = third.add(current);
            }
        }
        let rate = ((current / self.last) - 1.0) * 100.0;
        self.last = current;
        rate
    }
}
