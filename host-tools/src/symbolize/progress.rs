//! The progress of naming addresses, for a display.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts addresses. The threads that name them share it with the one that shows it.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    done: AtomicU64,
}

impl Progress {
    /// Adds addresses to the total.
    pub(super) fn expect(&self, addresses: usize) {
        self.total.fetch_add(addresses as u64, Ordering::Relaxed);
    }

    /// Counts one named address.
    pub(super) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of named addresses, and of all.
    #[must_use]
    pub fn done_of_total(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}
