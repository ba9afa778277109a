//! A tracker as the allocator of one collection, by the trait of the crate allocator-api2.

use crate::hook::Tracker;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use allocator_api2::alloc::{AllocError, Allocator};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

/// A block of `size` bytes.
fn block(start: *mut u8, size: usize) -> Result<NonNull<[u8]>, AllocError> {
    NonNull::new(start).map(|start| NonNull::slice_from_raw_parts(start, size)).ok_or(AllocError)
}

/// A block of no bytes: any aligned address.
fn nothing(layout: Layout) -> NonNull<[u8]> {
    let start =
        NonNull::new(core::ptr::without_provenance_mut(layout.align())).unwrap_or(NonNull::dangling());
    NonNull::slice_from_raw_parts(start, 0)
}

// SAFETY: blocks come from the inner allocator by way of the tracker, which is borrowed: it is neither moved nor dropped
// while the reference or a copy of it lives. Blocks of no bytes are never handed to the tracker.
unsafe impl<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables> Allocator for &Tracker<A, U, P, R> {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return Ok(nothing(layout));
        }
        // SAFETY: the size is not zero.
        block(unsafe { self.alloc(layout) }, layout.size())
    }

    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return Ok(nothing(layout));
        }
        // SAFETY: the size is not zero.
        block(unsafe { self.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            // SAFETY: the caller says that the block is one of this allocator's, of this layout.
            unsafe { self.dealloc(start.as_ptr(), layout) };
        }
    }

    unsafe fn grow(&self, start: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller upholds the requirements of both.
        unsafe { resize(*self, start, old, new) }
    }

    unsafe fn shrink(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller upholds the requirements of both.
        unsafe { resize(*self, start, old, new) }
    }
}

/// Resizes a block: by one reallocation when its alignment stays.
///
/// # Safety
/// The block must be one of the tracker's, of the layout `old`.
unsafe fn resize<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    start: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<[u8]>, AllocError> {
    if old.align() == new.align() && old.size() > 0 && new.size() > 0 {
        // SAFETY: the caller upholds it; the new size is not zero, and a layout of it exists.
        return block(unsafe { tracker.realloc(start.as_ptr(), old, new.size()) }, new.size());
    }
    let moved = tracker.allocate(new)?;
    // SAFETY: both blocks are as long as the shorter of the two, and the new one has no other user yet.
    unsafe {
        moved.cast::<u8>().copy_from_nonoverlapping(start, old.size().min(new.size()));
        tracker.deallocate(start, old);
    }
    Ok(moved)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use crate::{NoUnwind, Region, Tracker};
    use allocator_api2::vec::Vec;
    use std::alloc::System;

    type Small = Region<64, 64, 4, 2, 2, 8>;

    #[test]
    fn a_collection_has_an_account_of_its_own() {
        static REGION: Small = Region::new();
        static POOL: Tracker<System, NoUnwind, crate::Host, Small> =
            Tracker::with(System, NoUnwind, crate::Host, &REGION);
        let mut numbers: Vec<u32, _> = Vec::new_in(&POOL);
        assert_eq!(POOL.stats().total_allocs, 0, "a block of no bytes is none");
        numbers.reserve_exact(10);
        numbers.extend(0..10);
        numbers.reserve_exact(90);
        let stats = POOL.stats();
        assert_eq!((stats.live_bytes, stats.total_allocs, stats.reallocs), (400, 2, 1));
        assert!(numbers.iter().copied().eq(0..10));
        numbers.shrink_to_fit();
        assert_eq!((POOL.stats().live_bytes, POOL.stats().peak_bytes), (40, 400));
        drop(numbers);
        assert_eq!((POOL.stats().live_bytes, POOL.stats().live_blocks), (0, 0));
    }
}
