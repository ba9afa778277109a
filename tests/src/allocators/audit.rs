//! A second account of the same events, around the tracker and as simple as possible: it counts the program's
//! requests.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts every event and passes it to `A`.
pub struct Audit<A> {
    inner: A,
    /// Allocations, reallocations included.
    pub allocs: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Frees, reallocations included.
    pub frees: AtomicU64,
    /// Their bytes.
    pub freed: AtomicU64,
    /// Reallocations.
    pub reallocs: AtomicU64,
}

impl<A> Audit<A> {
    /// Wraps `inner`.
    pub const fn new(inner: A) -> Self {
        Audit {
            inner,
            allocs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            frees: AtomicU64::new(0),
            freed: AtomicU64::new(0),
            reallocs: AtomicU64::new(0),
        }
    }

    /// The inner allocator.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    /// Allocations, their bytes, live blocks, live bytes, reallocations. They are exact while no thread is in an
    /// event.
    #[must_use]
    pub fn figures(&self) -> [u64; 5] {
        let [allocs, bytes, frees, freed, reallocs] =
            [&self.allocs, &self.bytes, &self.frees, &self.freed, &self.reallocs]
                .map(|counter| counter.load(Relaxed));
        [allocs, bytes, allocs - frees, bytes - freed, reallocs]
    }

    fn allocated(&self, block: *mut u8, size: usize) -> *mut u8 {
        if !block.is_null() {
            self.allocs.fetch_add(1, Relaxed);
            self.bytes.fetch_add(size as u64, Relaxed);
        }
        block
    }

    fn freed(&self, size: usize) {
        self.frees.fetch_add(1, Relaxed);
        self.freed.fetch_add(size as u64, Relaxed);
    }
}

// SAFETY: every call goes unchanged to the inner allocator.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Audit<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the inner allocator's.
        self.allocated(unsafe { self.inner.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        self.allocated(unsafe { self.inner.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.freed(layout.size());
        // SAFETY: as above.
        unsafe { self.inner.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        let new = self.allocated(unsafe { self.inner.realloc(block, layout, new_size) }, new_size);
        if !new.is_null() {
            self.freed(layout.size());
            self.reallocs.fetch_add(1, Relaxed);
        }
        new
    }
}
