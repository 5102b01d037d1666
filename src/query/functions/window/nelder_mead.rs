//! The search of Nelder and Mead: the least value of a function of several variables, without its derivatives.
//!
//! In: the function and a place to start from. Out: the least value found and its place. A simplex of one corner more than
//! there are variables moves downhill: its worst corner is mirrored, pushed further, pulled in, or all are pulled to the best.
//!
//! Follows the variant of M. F. Hutt that InfluxDB 1.x uses in each step, since where the search ends depends on every one.

/// Reflection, contraction, expansion.
const ALPHA: f64 = 1.0;
const BETA: f64 = 0.5;
const GAMMA: f64 = 2.0;
const ITERATION_COUNT_MAX: usize = 1000;

/// Searches from `start`, until the values at the corners deviate by less than `epsilon`. The function may move what it is
/// asked about.
#[expect(clippy::cast_precision_loss, reason = "variables are few")]
pub(super) fn minimise(
    mut function: impl FnMut(&mut [f64]) -> f64,
    start: &[f64],
    epsilon: f64,
) -> (f64, Vec<f64>) {
    let count = start.len();
    let n = count as f64;
    let mut corners = first_simplex(start);
    let mut values: Vec<f64> = corners.iter_mut().map(|corner| function(corner)).collect();
    for _ in 0..ITERATION_COUNT_MAX {
        let (worst, best, second) = ranks(&values);
        let middle: Vec<f64> = (0..count)
            .map(|i| {
                let others = corners.iter().enumerate().filter(|(corner, _)| *corner != worst);
                others.fold(0.0, |sum, (_, corner)| sum + corner[i]) / n
            })
            .collect();
        let between = |other: &[f64], step: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            middle.iter().zip(other).map(|(m, x)| step(*m, *x)).collect()
        };
        let mut mirrored = between(&corners[worst], &|m, x| m + ALPHA * (m - x));
        let mirrored_value = function(&mut mirrored);
        if mirrored_value < values[second] && mirrored_value >= values[best] {
            corners[worst].copy_from_slice(&mirrored);
            values[worst] = mirrored_value;
        }
        if mirrored_value < values[best] {
            let mut further = between(&mirrored, &|m, x| m + GAMMA * (x - m));
            let further_value = function(&mut further);
            if further_value < mirrored_value {
                corners[worst] = further;
                values[worst] = further_value;
            } else {
                corners[worst].copy_from_slice(&mirrored);
                values[worst] = mirrored_value;
            }
        }
        if mirrored_value >= values[second] {
            let mut nearer = if mirrored_value < values[worst] {
                between(&mirrored, &|m, x| m + BETA * (x - m))
            } else {
                between(&corners[worst], &|m, x| m - BETA * (m - x))
            };
            let nearer_value = function(&mut nearer);
            if nearer_value < values[worst] {
                corners[worst] = nearer;
                values[worst] = nearer_value;
            } else {
                pull_to(&mut corners, best);
                values[worst] = function(&mut corners[worst]);
                values[second] = function(&mut corners[second]);
            }
        }
        let mean = values.iter().fold(0.0, |sum, value| sum + value) / (n + 1.0);
        let deviation = values.iter().fold(0.0, |sum, value| sum + (value - mean) * (value - mean) / n);
        if deviation.sqrt() < epsilon {
            break;
        }
    }
    let (_, best, _) = ranks(&values);
    let place = corners[best].clone();
    let value = function(&mut corners[best]);
    (value, place)
}

#[expect(clippy::cast_precision_loss, reason = "variables are few")]
fn first_simplex(start: &[f64]) -> Vec<Vec<f64>> {
    let n = start.len() as f64;
    let own = ((n + 1.0).sqrt() - 1.0 + n) / (n * 2.0_f64.sqrt());
    let other = ((n + 1.0).sqrt() - 1.0) / (n * 2.0_f64.sqrt());
    let corner = |i: usize| {
        let shifted = start.iter().enumerate().map(|(j, x)| if i == j { own + x } else { other + x });
        shifted.collect()
    };
    std::iter::once(start.to_vec()).chain((0..start.len()).map(corner)).collect()
}

/// The corners of the greatest, the least and the second greatest value.
fn ranks(values: &[f64]) -> (usize, usize, usize) {
    let (mut worst, mut best) = (0, 0);
    for (i, value) in values.iter().enumerate() {
        if *value > values[worst] {
            worst = i;
        }
        if *value < values[best] {
            best = i;
        }
    }
    let mut second = best;
    for (i, value) in values.iter().enumerate() {
        if *value > values[second] && *value < values[worst] {
            second = i;
        }
    }
    (worst, best, second)
}

/// Halves the way of every corner to the best one.
fn pull_to(corners: &mut [Vec<f64>], best: usize) {
    let target = corners[best].clone();
    for (_, corner) in corners.iter_mut().enumerate().filter(|(i, _)| *i != best) {
        for (x, goal) in corner.iter_mut().zip(&target) {
            *x = goal + (*x - goal) / 2.0;
        }
    }
}
