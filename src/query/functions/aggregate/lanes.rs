//! Long runs of floats, added to several groups in turn.
//!
//! ```text
//! rows      a a a a b b b b c c c c d d d d
//! added as  a b c d a b c d a b c d a b c d
//! ```
//!
//! The values of one group have to be added in their order, and each addition of floats waits several cycles for the one
//! before it. Additions to other groups need not wait. So the runs of several groups, one in each lane, are added side by
//! side.

use super::fold::{Fold, Number};
use crate::query::functions::grouping::for_each_run;
use arrow::datatypes::DataType;

const LANES: usize = 4;
/// A shorter run is added directly: putting it into a lane would take longer than it saves.
const LANE_ROWS_MIN: usize = 64;

/// A run that is being added.
#[derive(Clone, Copy)]
struct Lane<'a, N, S> {
    group: usize,
    state: S,
    /// What is not added yet.
    values: &'a [N],
}

/// Adds every value to the state of its group, all values valid. `group_indices` has one group per value.
pub(super) fn add_runs<T: Number, A: Fold<T>>(
    states: &mut [A::State],
    values: &[T::Native],
    group_indices: &[usize],
) {
    // Integers gain nothing: their additions may be reordered, so the compiler vectorises those of a single run already.
    let lane_rows_min = if T::DATA_TYPE == DataType::Float64 { LANE_ROWS_MIN } else { usize::MAX };
    let mut lanes: Vec<Lane<'_, T::Native, A::State>> = Vec::with_capacity(LANES);
    for_each_run(group_indices, |group, rows| {
        if lanes.iter().any(|lane| lane.group == group) {
            finish::<T, A>(&mut lanes, states);
        }
        if rows.len() < lane_rows_min {
            let mut state = states[group];
            values[rows].iter().for_each(|&value| A::add(&mut state, value));
            states[group] = state;
            return;
        }
        lanes.push(Lane { group, state: states[group], values: &values[rows] });
        if lanes.len() == LANES {
            advance::<T, A>(&mut lanes, states);
        }
    });
    finish::<T, A>(&mut lanes, states);
}

/// Adds all that the lanes hold.
fn finish<T: Number, A: Fold<T>>(lanes: &mut Vec<Lane<'_, T::Native, A::State>>, states: &mut [A::State]) {
    while !lanes.is_empty() {
        advance::<T, A>(lanes, states);
    }
}

/// Adds as many values of every lane as the shortest has left, and removes the lanes that are finished. There is at least
/// one lane.
fn advance<T: Number, A: Fold<T>>(lanes: &mut Vec<Lane<'_, T::Native, A::State>>, states: &mut [A::State]) {
    let count = lanes.iter().map(|lane| lane.values.len()).min().unwrap_or_default();
    // Missing lanes are filled with copies whose sums are thrown away; the time would be spent waiting otherwise.
    let mut side_by_side: [_; LANES] = std::array::from_fn(|index| lanes[index.min(lanes.len() - 1)]);
    let [a, b, c, d] = &mut side_by_side;
    let rows = a.values[..count].iter().zip(&b.values[..count]);
    let rows = rows.zip(c.values[..count].iter().zip(&d.values[..count]));
    for ((&of_a, &of_b), (&of_c, &of_d)) in rows {
        A::add(&mut a.state, of_a);
        A::add(&mut b.state, of_b);
        A::add(&mut c.state, of_c);
        A::add(&mut d.state, of_d);
    }
    for (lane, added) in lanes.iter_mut().zip(side_by_side) {
        lane.state = added.state;
        lane.values = &lane.values[count..];
    }
    lanes.retain(|lane| {
        if lane.values.is_empty() {
            states[lane.group] = lane.state;
        }
        !lane.values.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::super::{mean::Mean, spread::Spread, sum::Sum};
    use super::*;
    use arrow::datatypes::{Float64Type, Int64Type};

    /// Each value added by itself, in order.
    fn plainly<T: Number, A: Fold<T>>(values: &[T::Native], group_indices: &[usize]) -> Vec<A::State> {
        let mut states = vec![A::State::default(); 8];
        for (&value, &group) in values.iter().zip(group_indices) {
            A::add(&mut states[group], value);
        }
        states
    }

    fn check<T: Number, A: Fold<T>>(values: &[T::Native], group_indices: &[usize]) {
        let mut states = vec![A::State::default(); 8];
        add_runs::<T, A>(&mut states, values, group_indices);
        let results = |states: &[A::State]| format!("{:?}", states.iter().map(A::result).collect::<Vec<_>>());
        assert_eq!(results(&states), results(&plainly::<T, A>(values, group_indices)), "{group_indices:?}");
    }

    #[test]
    fn lanes_add_the_values_of_each_group_in_their_order() {
        // Runs of every length beside the shortest that takes a lane, of groups that come again at once, soon and late.
        let lengths = [1, 63, 64, 65, 100, 200, 64, 3, 500];
        let orders: [&[usize]; 5] =
            [&[0, 1, 2, 3, 4, 5, 6, 7], &[0, 1, 0, 1, 2, 0], &[5], &[0, 0, 3, 3, 1], &[4, 2, 7, 1, 4, 2]];
        for (shift, order) in (0..lengths.len()).flat_map(|shift| orders.map(|order| (shift, order))) {
            let lengths = lengths.iter().cycle().skip(shift);
            let runs = order.iter().cycle().take(20).zip(lengths);
            let groups: Vec<usize> =
                runs.flat_map(|(&group, &length)| std::iter::repeat_n(group, length)).collect();
            // Sums of these depend on their order.
            let floats: Vec<f64> =
                (0..groups.len()).map(|row| (row as f64 + 0.1) * 10_f64.powi((row % 31) as i32)).collect();
            let integers: Vec<i64> = (0..groups.len()).map(|row| (row as i64 + 7) * 1_234_567_891).collect();
            check::<Float64Type, Sum>(&floats, &groups);
            check::<Float64Type, Mean>(&floats, &groups);
            check::<Float64Type, Spread>(&floats, &groups);
            check::<Int64Type, Sum>(&integers, &groups);
        }
        check::<Float64Type, Sum>(&[], &[]);
    }
}
