//! The memory that all queues share: taken with a write, given back when the last who holds it lets go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound of bytes, and how many are held.
#[derive(Debug)]
pub(super) struct Memory {
    bytes_max: usize,
    held_bytes: AtomicUsize,
}

/// Bytes that are held; given back when this is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, held_bytes: AtomicUsize::new(0) }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Takes so many bytes; `None` when they do not fit.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        let fits = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.held_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Held { memory: self.clone(), bytes })
    }
}

impl Held {
    /// Takes more bytes of the same memory, even past its bound: what is needed to send a held write must not be refused,
    /// or the write would be held for ever. New writes find less room meanwhile.
    #[must_use]
    pub fn more(&self, bytes: usize) -> Self {
        self.memory.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { memory: self.memory.clone(), bytes }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
