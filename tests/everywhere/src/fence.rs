//! The allocator below the tracker. It ends the program when a thread enters it a second time before it has left: then
//! the tracker, or the system's allocator, has asked the program's allocator for memory.
//!
//! It knows a thread by its stack: a second call of the same thread is a little further down the stack than the first.
//! A thread-local variable would serve better, but on some platforms its first use allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::from_ref;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// More than the threads of this program.
const THREADS: usize = 16;
/// The most bytes between two calls on one stack. Stacks of different threads are further apart.
const NEAR: usize = 32 << 10;

/// The stack addresses of the calls that have not returned; 0 for none.
static INSIDE: [AtomicUsize; THREADS] = [const { AtomicUsize::new(0) }; THREADS];

/// The system's allocator, which no thread may enter twice.
pub(crate) struct Fence;

impl Fence {
    fn once<T>(call: impl FnOnce() -> T) -> T {
        let local = 0u8;
        let here = from_ref(std::hint::black_box(&local)).addr();
        let is_inside = |place: &AtomicUsize| (here..here + NEAR).contains(&place.load(SeqCst));
        if INSIDE.iter().any(is_inside) {
            std::process::abort();
        }
        let free = |place: &&AtomicUsize| place.compare_exchange(0, here, SeqCst, SeqCst).is_ok();
        let Some(place) = INSIDE.iter().find(free) else { std::process::abort() };
        let result = call();
        place.store(0, SeqCst);
        result
    }
}

// SAFETY: every call goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Fence {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract of `alloc`.
        Fence::once(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `dealloc`.
        Fence::once(|| unsafe { System.dealloc(block, layout) });
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract of `alloc_zeroed`.
        Fence::once(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller upholds the contract of `realloc`.
        Fence::once(|| unsafe { System.realloc(block, layout, size) })
    }
}
