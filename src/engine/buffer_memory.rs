//! How much memory the rows in all buffers hold. It says when a flush is due and when writes are refused.
//!
//! A write adds to it. But what rows hold also changes when they are sealed or merged, whoever causes that, when they are deleted, and when
//! their table is dropped. So nobody says what has changed: each table says under its own lock what its buffers hold now, and the sum
//! follows by the difference. It is never less than nothing, and does not drift.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The sum over all tables.
#[derive(Debug, Default)]
pub(super) struct BufferMemory {
    waiting: AtomicUsize,
    flushing: AtomicUsize,
}

impl BufferMemory {
    /// Memory of the rows that came since the last flush began, in bytes.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Memory of the rows that are being flushed, in bytes.
    pub(super) fn flushing_bytes(&self) -> usize {
        self.flushing.load(Ordering::Relaxed)
    }

    /// Memory of all rows that are not in files yet, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.waiting_bytes() + self.flushing_bytes()
    }
}

/// What one table has in the sum; nothing any more when this is dropped.
#[derive(Debug)]
pub(super) struct TableMemory {
    sum: Arc<BufferMemory>,
    waiting_bytes: usize,
    flushing_bytes: usize,
}

impl TableMemory {
    /// Nothing, of a table that has no rows yet.
    pub(super) fn new(sum: Arc<BufferMemory>) -> Self {
        Self { sum, waiting_bytes: 0, flushing_bytes: 0 }
    }

    /// The sum that this is part of.
    pub(super) fn sum(&self) -> &Arc<BufferMemory> {
        &self.sum
    }

    /// Takes in what the table has now.
    pub(super) fn set(&mut self, waiting_bytes: usize, flushing_bytes: usize) {
        // What a freeze moves counts twice for a moment, rather than not at all.
        replace(&self.sum.flushing, &mut self.flushing_bytes, flushing_bytes);
        replace(&self.sum.waiting, &mut self.waiting_bytes, waiting_bytes);
    }
}

impl Drop for TableMemory {
    fn drop(&mut self) {
        self.set(0, 0);
    }
}

/// Puts `new` in the place of what a table had in `sum` until now.
fn replace(sum: &AtomicUsize, own: &mut usize, new: usize) {
    let old = std::mem::replace(own, new);
    if new > old {
        sum.fetch_add(new - old, Ordering::Relaxed);
    } else if new < old {
        sum.fetch_sub(old - new, Ordering::Relaxed);
    }
}
