//! What is asked of chance besides plain numbers.

use fastrand::Rng;

/// Choices that a generator makes, the same ones again from the same seed.
pub(super) trait Choices {
    /// True once in `times` on average.
    fn once_in(&mut self, times: usize) -> bool;

    /// One of `from`, which are not empty.
    fn pick<T: Copy>(&mut self, from: &[T]) -> T;

    /// Some of them, at least one, in their order.
    fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T>;
}

impl Choices for Rng {
    fn once_in(&mut self, times: usize) -> bool {
        self.usize(..times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *self.choice(from).expect("there are some to choose from")
    }

    fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        let sure = self.usize(..from.len());
        from.iter().enumerate().filter(|(i, _)| *i == sure || self.bool()).map(|(_, x)| *x).collect()
    }
}
