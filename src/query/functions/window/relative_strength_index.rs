//! `relative_strength_index(f, period)`: how much of the movement went up, from 0 to 100.
//!
//! ```text
//! time value        period 2
//! 120  7            time value
//! 180  11      →    180  100
//! 240  3            240  28.889
//! ```
//!
//! 100 - 100 / (1 + up / down), with up and down the exponential averages of rises and falls. The first value rises from 0.

use super::exponential::Average;
use super::{Held, Reducer, Series, Smoothing};

/// The reducer.
pub(super) fn reducer(smoothing: Smoothing) -> Box<dyn Reducer> {
    let movement = Movement::new(smoothing);
    let hold = smoothing.hold.unwrap_or(movement.warm_count());
    Box::new(Held::new(Index(movement), hold, false))
}

/// The averages of rises and falls.
pub(super) struct Movement {
    pub(super) up: Average,
    pub(super) down: Average,
    last: f64,
}

impl Movement {
    #[expect(clippy::cast_precision_loss, reason = "periods are small")]
    pub(super) fn new(smoothing: Smoothing) -> Self {
        let Smoothing { period, warmup, .. } = smoothing;
        let average = Average::with_weight(period.saturating_add(1), 1.0 / period as f64, warmup);
        Self { up: average, down: average, last: 0.0 }
    }

    pub(super) const fn warm_count(&self) -> usize {
        self.up.warm_count()
    }

    pub(super) fn add(&mut self, value: f64) {
        let rise = if value > self.last { value - self.last } else { 0.0 };
        let fall = if value < self.last { self.last - value } else { 0.0 };
        self.up.add(rise);
        self.down.add(fall);
        self.last = value;
    }
}

struct Index(Movement);

impl Series for Index {
    fn add(&mut self, value: f64) -> f64 {
        self.0.add(value);
        100.0 - (100.0 / (1.0 + self.0.up.last() / self.0.down.last()))
    }
}
