//! How much memory the rows in all buffers hold. It says when a flush is due and when writes are refused.
//!
//! Many things change that number: a write, sealing and merging rows (which a reader can trigger too), deleting rows,
//! dropping their table. Adding and subtracting at each of these places would drift. Instead each table reports, under its
//! own lock, how much its buffers hold now, and the sum changes by the difference to its last report.

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

/// The share of one table in the sum. Dropping it takes the share out.
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
        // In this order, rows that a freeze moves from one sum to the other count twice for a moment, rather than not at
        // all.
        replace(&self.sum.flushing, &mut self.flushing_bytes, flushing_bytes);
        replace(&self.sum.waiting, &mut self.waiting_bytes, waiting_bytes);
    }
}

impl Drop for TableMemory {
    fn drop(&mut self) {
        self.set(0, 0);
    }
}

/// Replaces the share `own` of a table in `sum` by `new`.
fn replace(sum: &AtomicUsize, own: &mut usize, new: usize) {
    let old = std::mem::replace(own, new);
    if new > old {
        sum.fetch_add(new - old, Ordering::Relaxed);
    } else if new < old {
        sum.fetch_sub(old - new, Ordering::Relaxed);
    }
}
