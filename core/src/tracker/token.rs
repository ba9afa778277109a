//! Tokens: events of memory that the wrapped allocator does not see: arenas, pools, mappings, device memory and the blocks
//! of C. The code that hands such a block out reports it, and gets a token for the block.

use crate::error::Error;
use crate::hook::Tracker;
use crate::hook::cell::walk_start;
use crate::hook::realloc::Resize;
use crate::platform::Platform;
use crate::table::cells;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

/// A named heap. The stacks of its blocks have its name as their root, beside those of the wrapped allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heap(u8);

impl Heap {
    /// The heap of the wrapped allocator. Its stacks show without a heap's name.
    pub const WRAPPED: Heap = Heap(cells::WRAPPED);

    /// Its id in dumps; 0 for the wrapped allocator.
    #[must_use]
    pub const fn id(self) -> u8 {
        self.0
    }
}

/// A block that was reported: the cell that counts it, and its size. Pass it to [`Tracker::on_free`].
#[must_use = "a block whose token is lost counts as alive for ever"]
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    cell: u32,
    size: usize,
}

impl Token {
    /// The token of a block of `size` bytes that `cell` counts: for layers that store both in the block.
    pub const fn new(cell: u32, size: usize) -> Self {
        Token { cell, size }
    }

    /// The cell that counts the block: less than 2²⁴.
    #[must_use]
    pub const fn cell(&self) -> u32 {
        self.cell
    }

    /// The block's size in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }
}

/// The address of a block that has none. It equals no other block's, so the block never counts as temporary.
const NOWHERE: usize = usize::MAX;

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Counts a loss that only the layer around the tracker knows of, for example an allocator that is not seen.
    pub fn on_loss(&self, cause: LossCause) {
        if self.check().is_ok() {
            self.region().head().losses.count(cause);
        }
    }

    /// The heap called `name`, which is created if it is new. Call this once and store the heap: it searches a table.
    ///
    /// # Errors
    /// When the region has no heap left, or the tracker has no region.
    pub fn heap(&self, name: &str) -> Result<Heap, Error> {
        self.check()?;
        let id = self.region().heaps().find_or_insert(0, name).ok_or(Error::HeapsFull)?;
        Ok(Heap(id as u8))
    }

    /// The heap with this id, if there is one: for layers that give ids to their callers.
    pub fn heap_by_id(&self, id: u32) -> Option<Heap> {
        let known = id <= self.known_region()?.heaps().usage().0;
        known.then_some(Heap(id as u8))
    }

    /// The heap of a token's block. `None` for a token that the tracker never returned.
    pub fn heap_of(&self, token: &Token) -> Option<Heap> {
        let cells = self.known_region()?.cells();
        let used = token.cell <= cells.usage().0;
        used.then(|| cells.get(token.cell)).flatten().map(|cell| Heap(cells::heap_of(cell)))
    }

    /// Whether a token's block may be alive. It is not when its thread has freed all blocks of the same stack: so a token
    /// that is freed twice is recognised if it was the last one.
    pub fn may_be_alive(&self, token: &Token) -> bool {
        let cell = self.known_region().and_then(|region| region.cells().get(token.cell));
        cell.is_some_and(|cell| !cell.has_all_back())
    }

    /// A block was handed out: it is counted on the calling thread and stack. `address` only serves to recognise a block
    /// that is freed at once; 0 when there is none.
    ///
    /// ```
    /// # use memtrack::{Heap, Tracker};
    /// # use std::alloc::System;
    /// # static HEAP: Tracker<System> = Tracker::new(System);
    /// let gpu = HEAP.heap("gpu")?;
    /// let token = HEAP.on_alloc(gpu, 0, 64 << 20);
    /// assert!(HEAP.stats().live_bytes >= 64 << 20);
    /// HEAP.on_free(token, 0);
    /// # Ok::<(), memtrack::Error>(())
    /// ```
    #[inline]
    pub fn on_alloc(&self, heap: Heap, address: usize, size: usize) -> Token {
        Token { cell: self.count_reported_alloc(heap.0, stored(address), size), size }
    }

    /// A block was resized, and perhaps moved to `address`: one event, after which the block belongs to the calling
    /// thread and stack. Call this after the block was resized.
    #[inline]
    pub fn on_realloc(&self, token: Token, heap: Heap, address: usize, size: usize) -> Token {
        Token { cell: self.count_reported_realloc(token, heap.0, stored(address), size), size }
    }

    /// A block is freed. Call this before the block can be handed out again. `address` is that of the allocation.
    #[inline]
    pub fn on_free(&self, token: Token, address: usize) {
        self.count_free(Some(token.cell), stored(address), token.size);
    }

    /// An allocation or reallocation failed: the failure is counted, and nothing else changes.
    pub fn on_failure(&self) {
        self.count_failure();
    }

    #[inline(never)]
    fn count_reported_alloc(&self, heap: u8, address: usize, size: usize) -> u32 {
        self.count_alloc(walk_start::<U>(), heap, address, size)
    }

    #[inline(never)]
    fn count_reported_realloc(&self, token: Token, heap: u8, address: usize, size: usize) -> u32 {
        let (from, old) = (walk_start::<U>(), Some(token.cell));
        self.count_realloc(Resize { from, old, old_size: token.size, heap, new: address, new_size: size })
    }
}

/// An address as a thread's slot stores it, where 0 means no block.
#[inline]
fn stored(address: usize) -> usize {
    if address == 0 { NOWHERE } else { address }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::hook::abandoned::tests::below;
    use crate::table::peak::Mark;
    use crate::table::region::Parts;
    use crate::{LossCause, NoUnwind, Region};

    type Small = Region<64, 64, 4, 2, 2, 8>;
    // One tracker for all tests: a process may have few.
    static REGION: Small = Region::new();
    static TRACKER: Tracker<(), NoUnwind, crate::Host, Small> =
        Tracker::with((), NoUnwind, crate::Host, &REGION);

    #[test]
    fn reported_blocks_are_counted_in_their_heap_until_they_are_freed() {
        let gpu = TRACKER.heap("gpu").unwrap();
        assert_eq!(TRACKER.heap("gpu").unwrap(), gpu);
        assert_eq!((gpu.id(), TRACKER.heap("disk").unwrap().id()), (1, 2));

        let a = TRACKER.on_alloc(gpu, 0x1000, 100);
        let b = TRACKER.on_alloc(Heap::WRAPPED, 0x2000, 10);
        assert_ne!(a.cell(), b.cell(), "cells of different heaps");
        assert_eq!(TRACKER.heap_of(&a), Some(gpu));
        let a = TRACKER.on_realloc(a, gpu, 0x3000, 150);
        let stats = TRACKER.stats();
        assert_eq!((stats.live_bytes, stats.live_blocks, stats.peak_bytes), (160, 2, 160));
        assert_eq!((stats.total_allocs, stats.reallocs, stats.total_frees), (3, 1, 1));

        TRACKER.on_free(a, 0x3000);
        TRACKER.on_free(b, 0x2000);
        let c = TRACKER.on_alloc(gpu, 0x4000, 7);
        TRACKER.on_free(c, 0x4000);
        let stats = TRACKER.stats();
        // `a` right after it was resized, `c` right after it was handed out.
        assert_eq!((stats.live_bytes, stats.live_blocks, stats.temporary), (0, 0, 2));

        // A block without an address is never temporary.
        let token = TRACKER.on_alloc(Heap::WRAPPED, 0, 5);
        TRACKER.on_free(token, 0x1000);
        assert_eq!(TRACKER.stats().temporary, 2);

        // A made-up token is a loss, not a crash.
        TRACKER.on_free(Token::new(9999, 0), 0);
        assert!(TRACKER.losses().any(|loss| loss == (LossCause::CorruptTrailer, 1)));
        assert_eq!(TRACKER.heap_of(&Token::new(9999, 0)), None);

        let mut made = 2;
        while TRACKER.heap(&std::format!("heap {made}")).is_ok() {
            made += 1;
            assert!(made <= 127, "more than a cell's key can name");
        }
        assert_eq!(TRACKER.heap("one more"), Err(Error::HeapsFull));
        assert_eq!(TRACKER.heap_by_id(made).map(Heap::id), Some(made as u8));
        assert_eq!(TRACKER.heap_by_id(made + 1), None);
        an_event_in_the_middle_of_another_leaves_it_inside_the_hook();
    }

    // A part of the test above, whose figures are those of the whole tracker.
    fn an_event_in_the_middle_of_another_leaves_it_inside_the_hook() {
        let kept = TRACKER.on_alloc(Heap::WRAPPED, 0, 10);
        let Ok(guard) = TRACKER.guard_without_triggers() else { panic!("the thread has a slot") };
        let slot = guard.slot;
        let own = || slot.account.figures(&TRACKER.region().head().marks.epochs, Mark::Program).allocs;
        let before = own();
        // As in a signal handler: every one of them is lost, not only the first.
        let tokens = below(|| [1, 2, 3].map(|size| TRACKER.on_alloc(Heap::WRAPPED, 0, size)));
        assert!(slot.share.is_inside(), "the interrupted event goes on");
        assert_eq!(own(), before, "they are unattributed");
        drop(guard);
        tokens.into_iter().chain([kept]).for_each(|token| TRACKER.on_free(token, 0));
    }
}
