//! `chande_momentum_oscillator(f, period)`: rises less falls by their sum, from -100 to 100.
//!
//! ```text
//! time value        period 2, hold 0
//! 0    1            0    0
//! 60   5       →    60   100
//! 180  11           180  100
//! 240  3            240  -14.2857     (6 - 8) / (6 + 8)
//! ```
//!
//! Sums go over the last `period` changes. With a warmup they are exponential averages instead.

use super::relative_strength_index::Movement;
use super::{Held, Reducer, Series, Smoothing};
use std::collections::VecDeque;

/// The reducer of the form with plain sums. `period` is at least 2.
pub(super) fn reducer(period: usize, hold: Option<usize>) -> Box<dyn Reducer> {
    let kept = period.saturating_sub(1);
    let sums = Sums { kept, changes: VecDeque::new(), last: None, up: 0.0, down: 0.0 };
    Box::new(Held::new(sums, hold.unwrap_or(kept), false))
}

/// The reducer of the form with averages.
pub(super) fn smoothed(smoothing: Smoothing) -> Box<dyn Reducer> {
    let movement = Movement::new(smoothing);
    let hold = smoothing.hold.unwrap_or(movement.warm_count());
    Box::new(Held::new(Averages(movement), hold, false))
}

struct Sums {
    /// How many changes are in the sums before a new one is.
    kept: usize,
    changes: VecDeque<f64>,
    last: Option<f64>,
    up: f64,
    down: f64,
}

impl Series for Sums {
    fn add(&mut self, value: f64) -> f64 {
        let change = self.last.replace(value).map_or(0.0, |last| value - last);
        if change > 0.0 {
            self.up += change;
        } else if change < 0.0 {
            self.down -= change;
        }
        let mut result = 0.0;
        if self.up != 0.0 || self.down != 0.0 {
            result = 100.0 * ((self.up - self.down) / (self.up + self.down));
        }
        // What leaves the sums is added and taken away in this very order, with all the error that brings.
        if self.changes.len() >= self.kept
            && let Some(oldest) = self.changes.pop_front()
        {
            if oldest > 0.0 {
                self.up -= oldest;
            } else if oldest < 0.0 {
                self.down += oldest;
            }
        }
        self.changes.push_back(change);
        result
    }

    fn size(&self) -> usize {
        self.changes.capacity() * size_of::<f64>()
    }
}

struct Averages(Movement);

impl Series for Averages {
    fn add(&mut self, value: f64) -> f64 {
        self.0.add(value);
        let (up, down) = (self.0.up.last(), self.0.down.last());
        100.0 * ((up - down) / (up + down))
    }
}
