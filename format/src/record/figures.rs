//! The counters of cells, threads and size classes; and the nodes of stacks.

use super::code::ThreadState;
use super::fields;

fields! {
    /// The counters that every cell, thread and program has. Bytes are the sizes that the program asked for.
    Figures; {
        /// Successful allocations, reallocations included.
        allocs: u64,
        /// Bytes of those.
        bytes: u64,
        /// Bytes alive.
        live: u64,
        /// Blocks alive.
        live_blocks: u64,
        /// Bytes that were alive at the program's peak; in the snapshot of a stage, at the stage's peak.
        peak: u64,
        /// Blocks that were alive at that peak.
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
        /// Its id, which block trailers have. 0 is the unattributed cell.
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
        /// Its id: the tracker numbers threads and never uses a number again. 0 is the unattributed thread.
        id: u32,
        /// The operating system's id, 0 when unknown.
        os_id: u64,
        /// Its state.
        state: ThreadState,
        /// How many threads share this record: more than 1 when exited threads of one name were merged.
        count: u32,
        /// Its name, empty when it has none.
        name: &'a [u8],
        /// Sums over its cells; `peak` is its share of the program's peak.
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
    /// The sum of two records of one class.
    #[must_use]
    pub fn plus(self, other: &SizeClass) -> SizeClass {
        SizeClass {
            allocs: self.allocs.saturating_add(other.allocs),
            bytes: self.bytes.saturating_add(other.bytes),
            ..self
        }
    }
}

/// A node of the stack tree. A section has the id of its first node; the others have the ids after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The id of the caller's node, smaller than this node's own. 0 ([`Node::ROOT`]) is the root of every complete stack,
    /// 1 ([`Node::CUT`]) that of every stack whose outer frames are missing.
    pub parent: u32,
    /// An address inside the calling instruction.
    pub address: u64,
}

impl Node {
    /// The root of complete stacks.
    pub const ROOT: u32 = 0;
    /// The root of stacks whose outer frames are missing.
    pub const CUT: u32 = 1;
    /// The id of the first node.
    pub const FIRST: u32 = 2;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_each_counter_in_its_place() {
        let figures = |n: u64| Figures {
            allocs: n,
            bytes: 2 * n,
            live: 3 * n,
            live_blocks: 4 * n,
            peak: 5 * n,
            peak_blocks: 6 * n,
            temporary: 7 * n,
            reallocs: 8 * n,
        };
        assert_eq!([1, 10, 100].map(figures).into_iter().sum::<Figures>(), figures(111));
        let class = |allocs, bytes| SizeClass { thread: 7, class: 3, allocs, bytes };
        assert_eq!(class(1, 5).plus(&class(20, 100)), class(21, 105));
        assert_eq!(class(1, u64::MAX).plus(&class(u64::MAX, 1)), class(u64::MAX, u64::MAX));
    }
}
