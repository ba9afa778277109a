//! Counters: of cells, threads and size classes; and the stack nodes that cells hang on.

use super::code::ThreadState;
use super::fields;

fields! {
    /// The counters that every cell, thread and program has. Sizes are bytes as the program asked for them.
    Figures; {
        /// Successful allocations, reallocations included.
        allocs: u64,
        /// Bytes of those.
        bytes: u64,
        /// Bytes alive.
        live: u64,
        /// Blocks alive.
        live_blocks: u64,
        /// Bytes that were alive when the program's peak stood. In the snapshot of a stage: the stage's peak.
        peak: u64,
        /// Blocks that were alive at that moment.
        peak_blocks: u64,
        /// Blocks that their thread freed as its very next heap event.
        temporary: u64,
        /// Successful reallocations.
        reallocs: u64,
    }
}

impl Figures {
    /// The sum of each figure. A sum stops at the largest number: only figures of a damaged dump or region are so large.
    #[must_use]
    #[inline]
    pub fn plus(self, other: Figures) -> Figures {
        self.with(other, u64::saturating_add)
    }

    /// Each figure of both, combined.
    #[must_use]
    #[inline]
    pub fn with(self, other: Figures, combine: impl Fn(u64, u64) -> u64) -> Figures {
        Figures {
            allocs: combine(self.allocs, other.allocs),
            bytes: combine(self.bytes, other.bytes),
            live: combine(self.live, other.live),
            live_blocks: combine(self.live_blocks, other.live_blocks),
            peak: combine(self.peak, other.peak),
            peak_blocks: combine(self.peak_blocks, other.peak_blocks),
            temporary: combine(self.temporary, other.temporary),
            reallocs: combine(self.reallocs, other.reallocs),
        }
    }
}

fields! {
    /// The counters of one thread, tag, heap and stack.
    record Cell; {
        /// Its id: what block trailers name. 0 is the unattributed cell.
        id: u32,
        /// The thread that allocated: [`Thread::id`].
        thread: u32,
        /// The tag that was pushed: [`TagName::id`](crate::TagName::id), 0 for none.
        tag: u32,
        /// The heap: [`Heap::id`](crate::Heap::id), 0 for the wrapped allocator.
        heap: u32,
        /// The stack's innermost node: [`Node`] id, 0 for none.
        stack: u32,
        /// Inner frames are missing below `stack` because the stack table was full.
        cut: bool,
        /// Its counters.
        figures: Figures,
    }
}

fields! {
    /// A thread, RTOS task or core.
    record Thread<'a>; {
        /// Its id: own monotonic numbers, never reused. 0 is the unattributed thread.
        id: u32,
        /// The operating system's id of it, 0 when unknown.
        os_id: u64,
        /// What became of it.
        state: ThreadState,
        /// How many threads share this record: 1, or more when exited threads of one name were merged.
        count: u32,
        /// Its name, empty when it has none.
        name: &'a [u8],
        /// Sums over its cells; `peak` is what it held when the program's peak stood.
        figures: Figures,
        /// Its own high-water mark of live bytes.
        own_peak: u64,
        /// Blocks alive at that moment.
        own_peak_blocks: u64,
    }
}

impl core::iter::Sum for Figures {
    fn sum<I: Iterator<Item = Figures>>(all: I) -> Figures {
        all.fold(Figures::default(), Figures::plus)
    }
}

fields! {
    /// How many blocks of one size class were allocated.
    record SizeClass; {
        /// The thread, or `u32::MAX` for the whole program.
        thread: u32,
        /// Class 0 holds size 0; class k holds sizes of 2^(k−1) to 2^k − 1 bytes.
        class: u8,
        /// Allocations.
        allocs: u64,
        /// Their bytes.
        bytes: u64,
    }
}

impl SizeClass {
    /// The class with the allocations of another of the same number, too.
    #[must_use]
    pub fn plus(self, other: &SizeClass) -> SizeClass {
        SizeClass {
            allocs: self.allocs.saturating_add(other.allocs),
            bytes: self.bytes.saturating_add(other.bytes),
            ..self
        }
    }
}

/// A node of the stack tree. Its id is its place: the first of a section is named there, the rest follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The id of the caller's node, smaller than this node's own. 0 ([`Node::ROOT`]) is the outside of every
    /// complete stack, 1 ([`Node::CUT`]) that of every stack whose outer frames are not known.
    pub parent: u32,
    /// An address inside the calling instruction.
    pub address: u64,
}

impl Node {
    /// The outside of complete stacks.
    pub const ROOT: u32 = 0;
    /// The outside of stacks whose outer frames are missing.
    pub const CUT: u32 = 1;
    /// The first id that a real node can have.
    pub const FIRST: u32 = 2;
}
