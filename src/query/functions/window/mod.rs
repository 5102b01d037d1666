//! Functions of neighbouring points: each value comes from the points of a series up to its own.
//!
//! ```text
//! points in        difference   cumulative_sum   moving_average(2)
//! time value       time value   time value       time value
//! 0    1                        0    1
//! 10   4       →   10   3       10   5           10   2.5
//! 20   2           20   -2      20   7           20   3
//! ```
//!
//! In: the points of one series in the order of the statement, without nulls; several may have one time, where a group
//! joins series. Out: points of the function. A [`Reducer`] is the state of one function over one series. Nothing here
//! knows DataFusion: `exec::neighbours` feeds reducers with the rows of a plan.
//!
//! The operations and their order are InfluxDB 1.x's, so that the last digit is the same.

mod chande_momentum_oscillator;
mod cumulative_sum;
mod derivative;
mod difference;
mod elapsed;
mod exponential;
mod exponential_moving_average;
mod holt_winters;
mod integral;
mod kaufman;
mod moving_average;
mod nelder_mead;
mod relative_strength_index;
#[cfg(test)]
mod tests;
mod triple_exponential_derivative;

pub use exponential::Warmup;

use super::scalar::bucket::Buckets;
use crate::model::value::FieldType;

/// A number of a field or of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// 64-bit float.
    Float(f64),
    /// Signed 64-bit.
    Integer(i64),
    /// Unsigned 64-bit.
    Unsigned(u64),
}

impl Number {
    /// As a float, rounded as Go's conversion does.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "as in Go")]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Float(x) => x,
            Self::Integer(n) => n as f64,
            Self::Unsigned(n) => n as f64,
        }
    }
}

/// A value at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// The value.
    pub value: Number,
}

impl Point {
    /// A point of a float.
    #[must_use]
    pub const fn float(time_ns: i64, value: f64) -> Self {
        Self { time_ns, value: Number::Float(value) }
    }
}

/// The state of one function over one series.
pub trait Reducer: Send {
    /// Takes the next point, and appends the points that it completes, mostly one of its own time.
    fn push(&mut self, point: Point, out: &mut Vec<Point>);

    /// Takes the end of the series, and appends what was waiting for it.
    ///
    /// # Errors
    ///
    /// When a bound of the server is passed; the text says which.
    fn finish(&mut self, _out: &mut Vec<Point>) -> Result<(), String> {
        Ok(())
    }

    /// The first time, in the order of points, that a point to come may have. `None` when that is not before the next
    /// point that is pushed.
    fn held_back_from_ns(&self) -> Option<i64> {
        None
    }

    /// Bytes that grow with the number of points.
    fn size(&self) -> usize {
        0
    }
}

/// What a function that smooths is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Smoothing {
    /// Number of points that count, >= 1.
    pub period: usize,
    /// How many points yield nothing; `None` for as many as the average needs to warm up.
    pub hold: Option<usize>,
    /// What the average is while it warms up.
    pub warmup: Warmup,
}

/// A function with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowFunction {
    /// `derivative`, `non_negative_derivative`
    Derivative {
        /// Per how many nanoseconds, > 0.
        unit_ns: i64,
        /// Whether falls are left out.
        non_negative: bool,
    },
    /// `difference`, `non_negative_difference`
    Difference {
        /// Whether falls are left out.
        non_negative: bool,
    },
    /// `moving_average`
    MovingAverage {
        /// Number of points, > 1.
        count: usize,
    },
    /// `cumulative_sum`
    CumulativeSum,
    /// `elapsed`
    Elapsed {
        /// What is counted, in nanoseconds, > 0.
        unit_ns: i64,
    },
    /// `exponential_moving_average` and its double and triple form
    ExponentialMovingAverage {
        /// 1, 2 or 3.
        order: u8,
        /// How it smooths.
        smoothing: Smoothing,
    },
    /// `triple_exponential_derivative`
    TripleExponentialDerivative(Smoothing),
    /// `relative_strength_index`
    RelativeStrengthIndex(Smoothing),
    /// `chande_momentum_oscillator` with a warmup
    ChandeMomentumOscillatorSmoothed(Smoothing),
    /// `chande_momentum_oscillator`
    ChandeMomentumOscillator {
        /// Number of points, > 1.
        period: usize,
        /// How many points yield nothing.
        hold: Option<usize>,
    },
    /// `kaufmans_efficiency_ratio`
    KaufmansEfficiencyRatio {
        /// Number of points, >= 1.
        period: usize,
        /// How many points yield nothing.
        hold: Option<usize>,
    },
    /// `kaufmans_adaptive_moving_average`
    KaufmansAdaptiveMovingAverage {
        /// Number of points, >= 1.
        period: usize,
        /// How many points yield nothing.
        hold: Option<usize>,
    },
    /// `holt_winters`, `holt_winters_with_fit`
    HoltWinters {
        /// Number of points to predict, > 0.
        count: usize,
        /// Points of a season; below 2 there is none.
        season: usize,
        /// Whether the fitted points come too.
        with_fit: bool,
        /// Time between points, > 0.
        interval_ns: i64,
    },
    /// `integral`
    Integral {
        /// Per how many nanoseconds, > 0.
        unit_ns: i64,
        /// The windows that are summed up; all points where there are none.
        buckets: Option<Buckets>,
        /// The lower bound of times, where there is one.
        lower_ns: Option<i64>,
    },
}

impl WindowFunction {
    /// The state for a new series whose values are of type `argument`. `descending`: points come latest first.
    #[must_use]
    pub fn reducer(self, argument: FieldType, descending: bool) -> Box<dyn Reducer> {
        match self {
            Self::Derivative { unit_ns, non_negative } => {
                Box::new(derivative::Derivative::new(unit_ns, non_negative, descending))
            }
            Self::Difference { non_negative } => Box::new(difference::Difference::new(non_negative)),
            Self::MovingAverage { count } => Box::new(moving_average::MovingAverage::new(count)),
            Self::CumulativeSum => Box::new(cumulative_sum::CumulativeSum::default()),
            Self::Elapsed { unit_ns } => Box::new(elapsed::Elapsed::new(unit_ns)),
            Self::ExponentialMovingAverage { order, smoothing } => {
                exponential_moving_average::reducer(order, smoothing)
            }
            Self::TripleExponentialDerivative(smoothing) => triple_exponential_derivative::reducer(smoothing),
            Self::RelativeStrengthIndex(smoothing) => relative_strength_index::reducer(smoothing),
            Self::ChandeMomentumOscillatorSmoothed(smoothing) => {
                chande_momentum_oscillator::smoothed(smoothing)
            }
            Self::ChandeMomentumOscillator { period, hold } => {
                chande_momentum_oscillator::reducer(period, hold)
            }
            Self::KaufmansEfficiencyRatio { period, hold } => kaufman::efficiency_ratio(period, hold),
            Self::KaufmansAdaptiveMovingAverage { period, hold } => {
                kaufman::adaptive_moving_average(period, hold)
            }
            Self::HoltWinters { count, season, with_fit, interval_ns } => {
                Box::new(holt_winters::HoltWinters::new(count, season, with_fit, interval_ns))
            }
            Self::Integral { unit_ns, buckets, lower_ns } => {
                Box::new(integral::Integral::new(unit_ns, buckets, lower_ns, argument))
            }
        }
    }

    /// Whether the first window of a range needs the window before it: InfluxDB 1.x reads one more window for these,
    /// whatever their period.
    #[must_use]
    pub const fn looks_back(self) -> bool {
        !matches!(self, Self::CumulativeSum | Self::HoltWinters { .. } | Self::Integral { .. })
    }

    /// Whether values of this type can be its argument.
    #[must_use]
    pub const fn takes(self, argument: FieldType) -> bool {
        match self {
            Self::Elapsed { .. } => true,
            Self::HoltWinters { .. } => matches!(argument, FieldType::Float | FieldType::Integer),
            _ => matches!(argument, FieldType::Float | FieldType::Integer | FieldType::Unsigned),
        }
    }

    /// The type of its values.
    #[must_use]
    pub const fn result_type(self, argument: FieldType) -> FieldType {
        match self {
            Self::Difference { .. } | Self::CumulativeSum => argument,
            Self::Elapsed { .. } => FieldType::Integer,
            _ => FieldType::Float,
        }
    }
}

/// A function that sees values only, not times: one float for one number.
trait Series: Send {
    fn add(&mut self, value: f64) -> f64;

    /// Bytes that grow with the number of values.
    fn size(&self) -> usize {
        0
    }
}

/// Runs a [`Series`] over points, and leaves out its first values.
struct Held<S> {
    series: S,
    hold: usize,
    seen: usize,
    /// Whether infinite values are left out.
    drops_infinite: bool,
}

impl<S: Series> Held<S> {
    const fn new(series: S, hold: usize, drops_infinite: bool) -> Self {
        Self { series, hold, seen: 0, drops_infinite }
    }
}

impl<S: Series> Reducer for Held<S> {
    fn push(&mut self, point: Point, out: &mut Vec<Point>) {
        let value = self.series.add(point.value.to_f64());
        self.seen = self.seen.saturating_add(1);
        if self.seen > self.hold && !(self.drops_infinite && value.is_infinite()) {
            out.push(Point::float(point.time_ns, value));
        }
    }

    fn size(&self) -> usize {
        self.series.size()
    }
}
