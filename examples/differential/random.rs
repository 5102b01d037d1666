//! The source of chance: a seed in, the same sequence out on every machine.
//!
//! Whatever the fuzzer decides comes from here, so that a seed and a round number replay a difference.

/// A splitmix64 generator.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of `seed` for one round; rounds are independent of each other.
    pub(crate) fn new(seed: u64, round: u64) -> Random {
        let mut random = Random(seed ^ round.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `count` - 1; 0 when `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count.max(1)).unwrap_or(u64::MAX)).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.wrapping_sub(low).unsigned_abs().saturating_add(1);
        low.wrapping_add_unsigned(self.next() % width)
    }

    /// Whether something with this probability in percent happens.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, which are not empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// A reference to one of `items`, `None` when there are none.
    pub(crate) fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { Some(&items[self.below(items.len())]) }
    }

    /// The index of one of `weights`, each as probable as its share of the sum.
    pub(crate) fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut rest = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return index;
            }
            rest -= weight;
        }
        0
    }

    /// The items that a coin chose, in order; at least one of them when there are any.
    pub(crate) fn some_of<T: Clone>(&mut self, items: &[T], percent: usize) -> Vec<T> {
        let chosen: Vec<T> = items.iter().filter(|_| self.chance(percent)).cloned().collect();
        if chosen.is_empty() { self.one_of(items).cloned().into_iter().collect() } else { chosen }
    }
}
