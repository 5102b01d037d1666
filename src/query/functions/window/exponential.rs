//! The exponential average that the functions of technical analysis are made of.

/// What an exponential average is until it has seen as many values as its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warmup {
    /// An exponential average from the first value on, whose weight shrinks to its final one.
    Exponential,
    /// The mean.
    Simple,
}

/// The average of the values so far, in which the latest weighs most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Average {
    period: usize,
    /// The weight of a new value once warm.
    weight: f64,
    warmup: Warmup,
    last: f64,
    /// Number of values, at most the period.
    count: usize,
}

impl Average {
    /// An average in which a new value weighs 2 / (period + 1).
    #[expect(clippy::cast_precision_loss, reason = "periods are small")]
    pub(super) fn new(period: usize, warmup: Warmup) -> Self {
        Self::with_weight(period, 2.0 / period.saturating_add(1) as f64, warmup)
    }

    /// An average in which a new value weighs as given.
    pub(super) const fn with_weight(period: usize, weight: f64, warmup: Warmup) -> Self {
        Self { period, weight, warmup, last: 0.0, count: 0 }
    }

    /// How many values it takes until the next is the first of a warm average.
    pub(super) const fn warm_count(&self) -> usize {
        self.period.saturating_sub(1)
    }

    /// Whether it has seen as many values as its period.
    pub(super) const fn is_warm(&self) -> bool {
        self.count == self.period
    }

    /// Whether its values mean something to a function of them.
    pub(super) fn feeds(&self) -> bool {
        self.is_warm() || self.warmup == Warmup::Exponential
    }

    /// The average so far.
    pub(super) const fn last(&self) -> f64 {
        self.last
    }

    /// Takes a value in and gives the average.
    #[expect(clippy::cast_precision_loss, reason = "periods are small")]
    pub(super) fn add(&mut self, value: f64) -> f64 {
        let count = self.count as f64;
        self.last = if self.count == 0 {
            value
        } else if self.is_warm() {
            (value - self.last) * self.weight + self.last
        } else if self.warmup == Warmup::Simple {
            (self.last * count + value) / (count + 1.0)
        } else {
            (value - self.last) * (2.0 / (count + 2.0)) + self.last
        };
        self.count = self.period.min(self.count + 1);
        self.last
    }
}
