//! The source of chance: a seed in, the same sequence out on every machine.
//!
//! Whatever the fuzzer decides comes from here, so that a seed and a round number replay a difference.

use fastrand::Rng;

/// The generator for one round under `seed`; rounds are independent of each other.
pub(crate) fn of_round(seed: u64, round: u64) -> Rng {
    // Generators of seeds that are close to each other are related; those of numbers drawn from them are not.
    Rng::with_seed(seed ^ round.wrapping_mul(0xd134_2543_de82_ef95)).fork()
}

/// Choices that a generator makes.
pub(crate) trait Choices {
    /// Whether something with this probability in percent happens.
    fn chance(&mut self, percent: usize) -> bool;

    /// One of `items`, which are not empty.
    fn pick<T: Copy>(&mut self, items: &[T]) -> T;

    /// The index of one of `weights`, each as probable as its share of the sum, which is not 0.
    fn weighted(&mut self, weights: &[usize]) -> usize;

    /// The items that a coin chose, in order; at least one of them when there are any.
    fn some_of<T: Clone>(&mut self, items: &[T], percent: usize) -> Vec<T>;
}

impl Choices for Rng {
    fn chance(&mut self, percent: usize) -> bool {
        self.usize(..100) < percent
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        *self.choice(items).expect("there are some to choose from")
    }

    fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut rest = self.usize(..weights.iter().sum::<usize>());
        for (index, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return index;
            }
            rest -= weight;
        }
        unreachable!("the number drawn is less than the sum of the weights")
    }

    fn some_of<T: Clone>(&mut self, items: &[T], percent: usize) -> Vec<T> {
        let chosen: Vec<T> = items.iter().filter(|_| self.chance(percent)).cloned().collect();
        if chosen.is_empty() { self.choice(items).cloned().into_iter().collect() } else { chosen }
    }
}
