//! An allocator that fails on request.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// `A`, except that every n-th allocation or reallocation fails.
pub struct FailEvery<A> {
    inner: A,
    every: AtomicUsize,
    calls: AtomicUsize,
}

impl<A> FailEvery<A> {
    /// Wraps `inner`; no call fails yet.
    pub const fn new(inner: A) -> Self {
        FailEvery { inner, every: AtomicUsize::new(0), calls: AtomicUsize::new(0) }
    }

    /// From now on every `every`-th call fails; none if 0.
    pub fn fail_every(&self, every: usize) {
        self.calls.store(0, Relaxed);
        self.every.store(every, Relaxed);
    }

    fn refuses(&self) -> bool {
        let every = self.every.load(Relaxed);
        every != 0 && (self.calls.fetch_add(1, Relaxed) + 1).is_multiple_of(every)
    }
}

// SAFETY: a call either goes unchanged to the inner allocator, or fails.
unsafe impl<A: GlobalAlloc> GlobalAlloc for FailEvery<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.refuses() {
            return null_mut();
        }
        // SAFETY: the caller's contract is the inner allocator's.
        unsafe { self.inner.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.refuses() {
            return null_mut();
        }
        // SAFETY: as above.
        unsafe { self.inner.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { self.inner.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if self.refuses() {
            return null_mut();
        }
        // SAFETY: as above.
        unsafe { self.inner.realloc(block, layout, new_size) }
    }
}
