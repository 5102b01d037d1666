//! Rectangles of times and series: what may hold the same point, and what cannot.

use super::time::TimeRange;

/// Times and series that rows lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent<'a> {
    /// The times of the first and after the last row.
    pub times: TimeRange,
    /// The least and the greatest series key, inclusive.
    pub series: (&'a str, &'a str),
}

impl Extent<'_> {
    /// Whether some point may lie in both.
    #[must_use]
    pub fn overlaps(&self, other: &Extent<'_>) -> bool {
        let ((a_min, a_max), (b_min, b_max)) = (self.series, other.series);
        self.times.overlaps(&other.times) && a_min <= b_max && b_min <= a_max
    }
}

/// Groups items so that items of different groups do not overlap. In no certain order.
///
/// ```text
/// h=b │   ┌──2──┐
/// h=a │ ┌─│1─┐  │  ┌─3─┐        {1, 2}, {3}
///     └────────────────────▶ time
/// ```
pub fn overlap_groups<T>(mut items: Vec<T>, extent: impl Fn(&T) -> Extent<'_>) -> Vec<Vec<T>> {
    items.sort_by_key(|item| extent(item).times.start_ns);
    let mut done: Vec<Vec<T>> = Vec::new();
    let mut open: Vec<Vec<T>> = Vec::new();
    for item in items {
        let of_item = extent(&item);
        let ended = |group: &[T]| group.iter().all(|i| extent(i).times.end_ns <= of_item.times.start_ns);
        done.extend(open.extract_if(.., |group| ended(group)));
        let overlaps = |group: &[T]| group.iter().any(|i| extent(i).overlaps(&of_item));
        let joined: Vec<Vec<T>> = open.extract_if(.., |group| overlaps(group)).collect();
        let mut group: Vec<T> = joined.into_iter().flatten().collect();
        group.push(item);
        open.push(group);
    }
    done.extend(open);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    type Item = (i64, i64, &'static str, &'static str);

    fn extent_of((_, (start, end, min, max)): &(usize, Item)) -> Extent<'_> {
        Extent { times: TimeRange::new(*start, *end), series: (min, max) }
    }

    /// The numbers of the items of each group, sorted.
    fn groups(items: &[Item]) -> Vec<Vec<usize>> {
        let groups = overlap_groups(items.iter().copied().enumerate().collect(), extent_of);
        let mut numbers: Vec<Vec<usize>> = groups
            .into_iter()
            .map(|group| {
                let mut numbers: Vec<usize> = group.into_iter().map(|(i, _)| i).collect();
                numbers.sort_unstable();
                numbers
            })
            .collect();
        numbers.sort();
        numbers
    }

    #[test]
    fn what_shares_times_and_series_is_in_one_group() {
        assert_eq!(
            groups(&[(0, 10, "a", "c"), (5, 15, "c", "d"), (15, 20, "a", "z")]),
            [vec![0, 1], vec![2]]
        );
        assert_eq!(groups(&[(0, 10, "a", "b"), (0, 10, "c", "d")]), [vec![0], vec![1]]);
    }

    #[test]
    fn an_item_joins_the_groups_that_it_overlaps() {
        assert_eq!(groups(&[(0, 10, "a", "b"), (0, 10, "y", "z"), (5, 6, "b", "y")]), [vec![0, 1, 2]]);
    }
}
