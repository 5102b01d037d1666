//! What is asked of chance besides plain numbers.

use fastrand::Rng;

/// Choices that a generator makes, the same ones again from the same seed.
pub(crate) trait Choices {
    /// True once in `times` on average.
    fn once_in(&mut self, times: u64) -> bool;

    /// One of `from`, which are not empty.
    fn pick<T: Copy>(&mut self, from: &[T]) -> T;
}

impl Choices for Rng {
    fn once_in(&mut self, times: u64) -> bool {
        self.u64(..times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *self.choice(from).expect("there are some to choose from")
    }
}
