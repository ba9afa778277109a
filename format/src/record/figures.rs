//! Counters: of cells, threads and size classes; and the stack nodes that cells hang on.

use super::code::ThreadState;
use super::fields;
use crate::Tag;

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
    /// The sum. It overflows only where somebody has damaged what is added: then it wraps around.
    #[must_use]
    #[inline]
    pub fn wrapping_add(self, other: Figures) -> Figures {
        Figures {
            allocs: self.allocs.wrapping_add(other.allocs),
            bytes: self.bytes.wrapping_add(other.bytes),
            live: self.live.wrapping_add(other.live),
            live_blocks: self.live_blocks.wrapping_add(other.live_blocks),
            peak: self.peak.wrapping_add(other.peak),
            peak_blocks: self.peak_blocks.wrapping_add(other.peak_blocks),
            temporary: self.temporary.wrapping_add(other.temporary),
            reallocs: self.reallocs.wrapping_add(other.reallocs),
        }
    }
}

fields! {
    /// The counters of one (thread, tag, stack) triple.
    Cell in Tag::CELL; {
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
    Thread<'a> in Tag::THREAD; {
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

fields! {
    /// How many blocks of one size class were allocated.
    SizeClass in Tag::SIZES; {
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
