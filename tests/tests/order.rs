//! An event is counted on the right side of the inner allocator's call: an allocation after it succeeded, a free
//! before it begins. So live bytes never exceed the bytes that the program holds, and no thread sees a block freed
//! before its allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memtrack::{DefaultPlatform, DefaultUnwind, Region, Tracker};

type Small = Region<256, 64, 16, 4, 4, 32>;

static REGION: Small = Region::new();
static HEAP: Tracker<Witness, DefaultUnwind, DefaultPlatform, Small> =
    Tracker::with_region(Witness { live: AtomicUsize::new(0) }, &REGION);

/// An inner allocator that reads the tracker's figures when it is called.
struct Witness {
    /// Live bytes at the last call.
    live: AtomicUsize,
}

impl Witness {
    fn look(&self) {
        self.live.store(HEAP.stats().live_bytes as usize, Relaxed);
    }
}

// SAFETY: every call goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Witness {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.look();
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.look();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.look();
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.look();
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

/// Live bytes inside the inner allocator's call and after it.
fn seen() -> [usize; 2] {
    [HEAP.inner().live.load(Relaxed), HEAP.stats().live_bytes as usize]
}

#[test]
fn allocations_are_counted_after_the_inner_call_and_frees_before_it() {
    let layout = |size| Layout::from_size_align(size, 8).unwrap();
    // The later rounds take the short path: stack and cell are known.
    for _ in 0..3 {
        // SAFETY: the sizes are not zero; each block is resized and freed once, with its layout.
        unsafe {
            let first = HEAP.alloc(layout(1000));
            assert_eq!(seen(), [0, 1000]);
            let second = HEAP.alloc_zeroed(layout(500));
            assert_eq!(seen(), [1000, 1500]);
            let first = HEAP.realloc(first, layout(1000), 3000);
            assert_eq!(seen(), [1500, 3500]);
            let first = HEAP.realloc(first, layout(3000), 200);
            assert_eq!(seen(), [3500, 700]);
            HEAP.dealloc(second, layout(500));
            assert_eq!(seen(), [200, 200]);
            HEAP.dealloc(first, layout(200));
            assert_eq!(seen(), [0, 0]);
        }
    }
}
