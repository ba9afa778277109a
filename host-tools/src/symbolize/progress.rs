//! How far the naming of addresses is, for whoever wants to show it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts addresses. Shared by those who name them and one who looks on.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    done: AtomicU64,
}

impl Progress {
    /// There are so many more to name.
    pub(super) fn expect(&self, addresses: usize) {
        self.total.fetch_add(addresses as u64, Ordering::Relaxed);
    }

    /// One has been named.
    pub(super) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Addresses that have been named, and all.
    #[must_use]
    pub fn done_of_total(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}
