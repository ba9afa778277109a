//! An allocator that signal handlers may use: it has no lock and no thread-local state, and each step is one atomic
//! operation.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Relaxed},
};

/// Bytes of a slot; also its alignment.
const SLOT: usize = 1024;
const WORDS: usize = 64;
/// Bytes for blocks that no slot fits. They are not reused.
const REST: usize = 16 << 20;

#[repr(align(4096))]
struct Memory<const N: usize>(UnsafeCell<[u8; N]>);

/// 4096 slots of 1 KiB, which are reused, and 16 MiB for larger blocks.
pub struct Slots {
    used: [AtomicU64; WORDS],
    slots: Memory<{ WORDS * 64 * SLOT }>,
    rest: Memory<REST>,
    next: AtomicUsize,
}

// SAFETY: the memory is handed out piece by piece; atomic operations decide the owner of each piece.
unsafe impl Sync for Slots {}

impl Slots {
    /// All slots are free.
    #[allow(clippy::new_without_default, reason = "20 MiB: always a static, never a value")]
    #[must_use]
    pub const fn new() -> Self {
        Slots {
            used: [const { AtomicU64::new(0) }; WORDS],
            slots: Memory(UnsafeCell::new([0; WORDS * 64 * SLOT])),
            rest: Memory(UnsafeCell::new([0; REST])),
            next: AtomicUsize::new(0),
        }
    }

    fn slot(&self) -> *mut u8 {
        for (i, word) in self.used.iter().enumerate() {
            let take = |used: u64| (used != u64::MAX).then(|| used | (used + 1));
            if let Ok(before) = word.fetch_update(AcqRel, Relaxed, take) {
                let slot = i * 64 + before.trailing_ones() as usize;
                return self.slots.0.get().cast::<u8>().wrapping_add(slot * SLOT);
            }
        }
        null_mut()
    }

    fn large(&self, layout: Layout) -> *mut u8 {
        let align = layout.align().max(16);
        let size = layout.size().next_multiple_of(16) + align - 16;
        let take = |next: usize| Some(next + size).filter(|&end| end <= REST);
        match self.next.fetch_update(AcqRel, Relaxed, take) {
            Ok(next) => self.rest.0.get().cast::<u8>().wrapping_add(next.next_multiple_of(align)),
            Err(_) => null_mut(),
        }
    }
}

// SAFETY: a slot belongs to the caller that set its bit, and to no other until the bit is cleared; a large piece is
// given out once. Slots are multiples of 1024 from the start of a page; a large piece is aligned within the room that
// it takes.
unsafe impl GlobalAlloc for Slots {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() <= SLOT && layout.align() <= SLOT { self.slot() } else { self.large(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        let slot = (block as usize).wrapping_sub(self.slots.0.get() as usize) / SLOT;
        if let Some(word) = self.used.get(slot / 64) {
            word.fetch_and(!(1 << (slot % 64)), AcqRel);
        }
    }
}
