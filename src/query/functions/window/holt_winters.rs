//! `holt_winters(f, N, S)` and `holt_winters_with_fit(f, N, S)`: how the series goes on, by the damped method of Holt and
//! Winters.
//!
//! ```text
//! time value        N = 2, S = 0, with fit
//! 0    2            time value
//! 180  4       →    0    2            fitted
//!                   60   2.44
//!                   120  3.02
//!                   180  4.00
//!                   240  5.91         predicted, as without fit
//!                   300  9.99
//! ```
//!
//! The factors of the method, its first level, slope and seasons are searched for ([`super::nelder_mead`]) from several
//! places, and the best fit counts. All points are kept until the series ends. Time is counted in intervals; an interval
//! without a point is no evidence. Series that are too short, or go backwards in time, yield nothing.

use super::nelder_mead::minimise;
use super::{Point, Reducer};
use crate::model::limits::HOLT_WINTERS_INTERVALS_MAX;

/// From where the search for each of the four factors starts.
const GUESSES: [f64; 2] = [0.3, 0.7];
/// How much of the first values goes into the first level and slope.
const FIRST_WEIGHT: f64 = 0.5;
/// The search ends when the errors of its candidates deviate by less.
const EPSILON: f64 = 1.0e-4;
/// Where the level, the slope and the seasons stand among the parameters, after the four factors.
const LEVEL: usize = 4;
const SLOPE: usize = 5;
const SEASONS: usize = 6;

/// The state over one series.
pub(super) struct HoltWinters {
    count: usize,
    season: usize,
    with_fit: bool,
    interval_ns: i64,
    points: Vec<(i64, f64)>,
}

impl HoltWinters {
    pub(super) const fn new(count: usize, season: usize, with_fit: bool, interval_ns: i64) -> Self {
        Self { count, season, with_fit, interval_ns, points: Vec::new() }
    }

    /// The points of a season, or `None` without seasons.
    fn season(&self) -> Option<usize> {
        (self.season >= 2).then_some(self.season)
    }

    fn rounded(&self, time_ns: i64) -> i64 {
        let whole = time_ns / self.interval_ns;
        let is_up = time_ns % self.interval_ns > self.interval_ns / 2;
        whole.saturating_add(i64::from(is_up)).saturating_mul(self.interval_ns)
    }

    /// One value per interval, `NaN` where there is none; `None` when there is nothing to predict from.
    fn intervals(&self) -> Result<Option<Vec<f64>>, String> {
        let [(first_ns, first), .., (last_ns, _)] = self.points[..] else { return Ok(None) };
        if self.season().is_some_and(|season| self.points.len() < season) {
            return Ok(None);
        }
        let start_ns = self.rounded(first_ns);
        let span = i128::from(self.rounded(last_ns)) - i128::from(start_ns);
        let interval_count = span / i128::from(self.interval_ns);
        if interval_count <= 0 {
            return Ok(None);
        }
        if interval_count + self.count as i128 > HOLT_WINTERS_INTERVALS_MAX as i128 {
            return Err(format!("holt_winters over more than {HOLT_WINTERS_INTERVALS_MAX} intervals"));
        }
        let mut values = vec![first];
        let mut time_ns = start_ns;
        for (point_ns, value) in &self.points[1..] {
            let rounded = self.rounded(*point_ns);
            if rounded <= time_ns {
                continue;
            }
            time_ns = time_ns.saturating_add(self.interval_ns);
            while time_ns < rounded {
                values.push(f64::NAN);
                time_ns = time_ns.saturating_add(self.interval_ns);
            }
            values.push(*value);
        }
        Ok(Some(values))
    }
}

impl Reducer for HoltWinters {
    fn push(&mut self, point: Point, _out: &mut Vec<Point>) {
        self.points.push((point.time_ns, point.value.to_f64()));
    }

    fn finish(&mut self, out: &mut Vec<Point>) -> Result<(), String> {
        let (Some(values), Some(&(first_ns, _)), Some(&(last_ns, _))) =
            (self.intervals()?, self.points.first(), self.points.last())
        else {
            return Ok(());
        };
        let method = Method { values: &values, season: self.season() };
        let mut parameters = method.best_parameters();
        let forecast = method.forecast(self.count, &mut parameters);
        let (skipped, from_ns) = match self.with_fit {
            true => (0, first_ns),
            false => (values.len(), last_ns.saturating_add(self.interval_ns)),
        };
        let mut time_ns = from_ns;
        for value in &forecast[skipped..] {
            if !value.is_nan() {
                out.push(Point::float(time_ns, *value));
            }
            time_ns = time_ns.saturating_add(self.interval_ns);
        }
        Ok(())
    }

    fn held_back_from_ns(&self) -> Option<i64> {
        match self.with_fit {
            true => self.points.first().map(|(time_ns, _)| *time_ns),
            false => self.points.last().map(|(time_ns, _)| time_ns.saturating_add(self.interval_ns)),
        }
    }

    fn size(&self) -> usize {
        self.points.capacity() * size_of::<(i64, f64)>()
    }
}

/// The method over a series of intervals.
struct Method<'a> {
    values: &'a [f64],
    season: Option<usize>,
}

impl Method<'_> {
    /// The parameters of the least error.
    fn best_parameters(&self) -> Vec<f64> {
        let mut start = self.first_parameters();
        let mut best: Option<(f64, Vec<f64>)> = None;
        for alpha in GUESSES {
            for beta in GUESSES {
                for gamma in GUESSES {
                    for phi in GUESSES {
                        start[..4].copy_from_slice(&[alpha, beta, gamma, phi]);
                        let found = minimise(|parameters| self.error(parameters), &start, EPSILON);
                        if best.as_ref().is_none_or(|(least, _)| found.0 < *least) {
                            best = Some(found);
                        }
                    }
                }
            }
        }
        best.map(|(_, parameters)| parameters).unwrap_or(start)
    }

    /// Level, slope and seasons to start from.
    #[expect(clippy::cast_precision_loss, reason = "seasons are short")]
    fn first_parameters(&self) -> Vec<f64> {
        let values = self.values;
        let mut parameters = vec![0.0; SEASONS];
        let Some(season) = self.season else {
            parameters[LEVEL] = FIRST_WEIGHT * values[0];
            if values.get(1).is_some_and(|second| !second.is_nan()) {
                parameters[SLOPE] = FIRST_WEIGHT * (values[1] - values[0]);
            }
            return parameters;
        };
        let m = season as f64;
        let at = |i: usize| values.get(i).copied().unwrap_or(f64::NAN);
        for value in (0..season).map(at).filter(|value| !value.is_nan()) {
            parameters[LEVEL] += (1.0 / m) * value;
        }
        for i in (0..season).take_while(|i| season + i < values.len()) {
            if !at(i).is_nan() && !at(season + i).is_nan() {
                parameters[SLOPE] += 1.0 / (m * m) * (at(season + i) - at(i));
            }
        }
        let level = parameters[LEVEL];
        parameters.extend((0..season).map(at).map(|value| if value.is_nan() { 0.0 } else { value / level }));
        parameters
    }

    /// The squared error of what the parameters make of the series; infinite where they make nothing.
    fn error(&self, parameters: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        for (found, value) in self.forecast(0, parameters).iter().zip(self.values) {
            if value.is_nan() {
                continue;
            }
            if found.is_nan() {
                return f64::INFINITY;
            }
            let difference = found - value;
            sum += difference * difference;
        }
        sum
    }

    /// The series as the parameters make it, and `count` values more. Brings the factors into their range, and the
    /// seasons to where they stand at the end.
    fn forecast(&self, count: usize, parameters: &mut [f64]) -> Vec<f64> {
        for factor in &mut parameters[..LEVEL] {
            *factor = factor.clamp(0.0, 1.0);
        }
        let [alpha, beta, gamma, phi, mut level, mut slope] = parameters[..SEASONS] else {
            return Vec::new();
        };
        let seasons = &mut parameters[SEASONS..];
        let season = self.season.unwrap_or(0);
        // Where in the ring of seasons the series stands.
        let mut offset = season.saturating_sub(1);
        let mut value = self.values[0];
        let mut damping = phi;
        let mut out = Vec::with_capacity(self.values.len() + count);
        out.push(value);
        for t in 1..self.values.len() + count {
            let (mut own_season, mut next_season) = (1.0, 1.0);
            if season > 0 {
                // Counted from a season before; in a ring that is the same place.
                own_season = seasons[(t + offset) % season];
                next_season = seasons[(t + t % season + offset) % season];
            }
            let expected = level + phi * slope;
            let new_level = alpha * (value / own_season) + (1.0 - alpha) * expected;
            let new_slope = beta * (new_level - level) + (1.0 - beta) * phi * slope;
            let new_season = gamma * (value / expected) + (1.0 - gamma) * own_season;
            value = (new_level + damping * new_slope) * next_season;
            (level, slope) = (new_level, new_slope);
            damping += power(phi, t);
            if season > 0 {
                seasons[(t + offset) % season] = new_season;
                offset += 1;
            }
            out.push(value);
        }
        out
    }
}

/// `base` to a whole power by repeated squaring, as in Go: the last digit depends on it.
fn power(base: f64, mut exponent: usize) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}
