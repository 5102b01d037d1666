//! Rows of one group that were read and cannot be decided yet. A linear fill waits for the next value, however many batches come before
//! it: so nothing here goes through all of them when one comes or goes, except for who looks for that value.

use super::contiguous::Source;
use arrow::array::{Array, RecordBatch};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Ranges of rows, from the first to the last to be put out. The first is not empty.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// Of all batches that wait.
    bytes: usize,
}

struct Waiting {
    batch: Arc<RecordBatch>,
    rows: Range<usize>,
    bytes: usize,
}

impl Queue {
    pub(super) fn push(&mut self, batch: Arc<RecordBatch>, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let bytes = batch.get_array_memory_size();
        self.bytes += bytes;
        self.waiting.push_back(Waiting { batch, rows, bytes });
    }

    /// The next row.
    pub(super) fn first(&self) -> Option<(&Arc<RecordBatch>, usize)> {
        self.waiting.front().map(|waiting| (&waiting.batch, waiting.rows.start))
    }

    /// Lets go of the next row.
    pub(super) fn pop(&mut self) {
        let Some(first) = self.waiting.front_mut() else { return };
        first.rows.start += 1;
        if first.rows.is_empty() {
            self.bytes -= first.bytes;
            self.waiting.pop_front();
        }
    }

    /// Bytes of the rows that wait. What the last batch holds is not ours alone, and goes with the next one.
    pub(super) fn bytes(&self) -> usize {
        self.bytes - self.waiting.back().map_or(0, |last| last.bytes)
    }

    /// The first value of `column`, and how many rows come before it.
    pub(super) fn next_known(&self, column: usize) -> Option<(usize, Source)> {
        let mut before = 0;
        for Waiting { batch, rows, .. } in &self.waiting {
            let values = batch.column(column);
            if let Some(row) = rows.clone().find(|&row| values.is_valid(row)) {
                return Some((before + row - rows.start, Source { batch: Arc::clone(batch), row }));
            }
            before += rows.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use std::collections::VecDeque;
    use std::sync::Arc;

    fn batch(rows: usize) -> Arc<RecordBatch> {
        let values: Int64Array = (0..rows).map(|row| (row % 5 == 4).then_some(row as i64)).collect();
        Arc::new(RecordBatch::try_from_iter([("a", Arc::new(values) as ArrayRef)]).unwrap())
    }

    /// All batches that have a row left, but for the last.
    #[test]
    fn the_bytes_are_those_of_the_batches_that_wait() {
        let mut queue = Queue::default();
        let mut model: VecDeque<(usize, usize)> = VecDeque::new();
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2_000 {
            if random.bool() {
                let batch = batch(random.usize(1..40));
                model.push_back((batch.get_array_memory_size(), batch.num_rows()));
                let rows = 0..batch.num_rows();
                queue.push(batch, rows);
            }
            for _ in 0..random.usize(0..20) {
                queue.pop();
                if let Some((_, rows)) = model.front_mut() {
                    *rows -= 1;
                    if *rows == 0 {
                        model.pop_front();
                    }
                }
            }
            let expected: usize = model.iter().rev().skip(1).map(|(bytes, _)| bytes).sum();
            assert_eq!(queue.bytes(), expected);
            assert_eq!(queue.first().is_some(), !model.is_empty());
        }
    }

    #[test]
    fn the_next_value_is_found_behind_rows_without_one() {
        let mut queue = Queue::default();
        queue.push(batch(10), 0..0);
        queue.push(batch(10), 6..9);
        queue.push(batch(10), 1..3);
        queue.push(batch(10), 3..8);
        queue.pop();
        let (before, found) = queue.next_known(0).unwrap();
        assert_eq!((before, found.row), (2 + 2 + 1, 4));
        assert_eq!(queue.first().map(|(_, row)| row), Some(7));
    }
}
