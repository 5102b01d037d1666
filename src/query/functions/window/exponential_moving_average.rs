//! `exponential_moving_average(f, period)`, and its double and triple form, which lag less.
//!
//! ```text
//! time value        period 2
//! 0    1            time value
//! 60   5       →    60   3.6667      1 + (5 - 1) * 2/3
//! 120  7            120  5.8889
//! ```
//!
//! With e1 the average of the values, e2 that of e1 and e3 that of e2: the double form is 2 e1 - e2, the triple form
//! 3 e1 - 3 e2 + e3. Without a hold, points yield nothing until the averages are warm.

use super::exponential::{Average, Warmup};
use super::{Held, Reducer, Series, Smoothing};

/// The reducer of the form of this order, 1, 2 or 3.
pub(super) fn reducer(order: u8, smoothing: Smoothing) -> Box<dyn Reducer> {
    let Smoothing { period, hold, warmup } = smoothing;
    let average = Average::new(period, warmup);
    let levels = match warmup {
        Warmup::Exponential => 1,
        Warmup::Simple => usize::from(order),
    };
    let hold = hold.unwrap_or(average.warm_count().saturating_mul(levels));
    match order {
        1 => Box::new(Held::new(Single(average), hold, false)),
        2 => Box::new(Held::new(Double([average; 2]), hold, false)),
        _ => Box::new(Held::new(Triple([average; 3]), hold, false)),
    }
}

struct Single(Average);

impl Series for Single {
    fn add(&mut self, value: f64) -> f64 {
        self.0.add(value)
    }
}

struct Double([Average; 2]);

impl Series for Double {
    fn add(&mut self, value: f64) -> f64 {
        let [first, second] = &mut self.0;
        let e1 = first.add(value);
        let e2 = if first.feeds() { second.add(e1) } else { e1 };
        2.0 * e1 - e2
    }
}

struct Triple([Average; 3]);

impl Series for Triple {
    fn add(&mut self, value: f64) -> f64 {
        let [first, second, third] = &mut self.0;
        let e1 = first.add(value);
        let e2 = if first.feeds() { second.add(e1) } else { e1 };
        let e3 = if second.feeds() { third.add(e2) } else { e2 };
        3.0 * e1 - 3.0 * e2 + e3
    }
}
