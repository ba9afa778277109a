//! The four methods by which a program's allocations reach the tracker.

use super::Tracker;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::alloc::{GlobalAlloc, Layout};

// SAFETY: every block comes from the inner allocator with the padded layout and goes back with the same one; the
// padding lies behind the user's bytes and keeps the alignment.
unsafe impl<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables> GlobalAlloc for Tracker<A, U, P, R> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout is not of size zero.
        unsafe { self.allocate(layout, A::alloc) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { self.allocate(layout, A::alloc_zeroed) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller says that the block is alive and has this layout.
        unsafe { self.deallocate(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller says that the block is alive and has this layout, and that the new size is not zero.
        unsafe { self.reallocate(block, layout, new_size) }
    }
}
