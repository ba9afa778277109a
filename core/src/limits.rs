//! The capacities, tries, waits and sizes that the tracker chooses, each with its reason.
//!
//! A microcontroller has kilobytes of memory, one stack and no threads, and its owner chooses the [`Region`](crate::Region). A
//! host has address space, of which only used pages are resident. Where the two differ, the constant says so.

#[cfg(feature = "std")]
mod host;

#[cfg(feature = "std")]
pub(crate) use host::*;

// Tables. The others' capacities are parameters of a region; `DefaultRegion` has their defaults.

/// Named heaps of a tracker. A cell's key has seven bits for them, and programs name a few.
pub(crate) const HEAPS: usize = if cfg!(feature = "std") { 32 } else { 4 };

/// Classes of block sizes. The last one holds 256 GiB and everything larger. A microcontroller has none: its RAM goes to stacks.
pub(crate) const CLASSES: usize = if cfg!(feature = "std") { 40 } else { 0 };

/// Points of the timeline: more than a screen has columns. A microcontroller has none: its RAM goes to stacks.
pub(crate) const POINTS: usize = if cfg!(feature = "std") { 512 } else { 0 };

/// The most stages that are active at a time. A microcontroller has few: each takes a word for every thread.
pub(crate) const MAX_ACTIVE: usize = if cfg!(any(feature = "std", test)) { 16 } else { 4 };

/// The most threads in the summary of a stage: those with the highest peaks. A microcontroller has few threads.
pub(crate) const TOP_THREADS: usize = if cfg!(any(feature = "std", test)) { 8 } else { 4 };

/// Links of an index's chain that a look-up follows. The bound holds whatever the hashes are.
pub(crate) const MAX_CHAIN: usize = 256;

/// Heads of the first level of an index: a small program touches 32 KiB of them. A firmware has one level, because its tables
/// have at most 2²⁴ entries. Few in models.
pub(crate) const FIRST_HEADS: usize = if cfg!(models) {
    1
} else if cfg!(feature = "std") {
    1 << 13
} else {
    1 << 24
};

/// A level of an index has so many times the heads of the level below. With less, more buckets are begun; with more, a growing
/// program touches more memory.
pub(crate) const LEVEL_FACTOR: usize = if cfg!(models) { 2 } else { 8 };

/// A level of an index follows when the table has so many entries for each head.
pub(crate) const ENTRIES_PER_HEAD: usize = if cfg!(models) { 1 } else { 4 };

// Events.

/// A thread looks at the clock after so many allocations: a look costs as much as an event.
pub(crate) const CLOCK_LOOK: u64 = 64;

/// Bytes beyond its need that a thread takes from the pool of credit, so that it comes back rarely. None in a firmware: its whole
/// heap is of that size, and an interrupt in the middle of the hook can take from the pool alone.
pub(crate) const ADVANCE: usize = if cfg!(feature = "std") { 16 << 10 } else { 0 };

/// Bytes by which a thread that is alone raises the peak in advance while the program grows, so that it comes back rarely. None in a
/// firmware, where flash is scarcer than time. Few in models.
pub(crate) const GROWTH: usize = if cfg!(models) {
    16
} else if cfg!(feature = "std") {
    16 << 10
} else {
    0
};

/// How often a thread tries the lock of the collector of credit, which is held for some tens of nanoseconds a thread. Each try
/// is a state of a model: models have few. In a firmware the holder is nearly always a task that the caller has interrupted:
/// waiting for it is in vain, unless it runs on another core.
pub(crate) const COLLECTOR_TRIES: usize = if cfg!(models) {
    1 << 6
} else if cfg!(feature = "std") {
    1 << 12
} else {
    1 << 5
};

/// How often a collector of credit visits all shares before it gives up on finding them at rest.
pub(crate) const COLLECTOR_PASSES: usize = 16;

/// How often a writer looks again while another one copies figures, which takes some tens of instructions.
pub(crate) const COPY_TRIES: usize = 1 << 8;

/// How often a caller tries a lock that nobody holds for long, before it does without. Where there are threads, the lock's
/// holder may have lost the processor: then the caller yields between [rounds](LOCK_ROUNDS).
pub(crate) const LOCK_TRIES: usize = if cfg!(feature = "std") { 1 << 10 } else { 1 << 16 };
/// Rounds of [`LOCK_TRIES`].
pub(crate) const LOCK_ROUNDS: usize = if cfg!(feature = "std") { 1 << 12 } else { 1 };

// Stacks.

/// Sets of the cache of unwind rules: the calls of a program's usual stacks. In a firmware the cache is a part of
/// [`UNWINDER_WORDS`].
#[cfg(any(cfi, cfi_bare))]
pub(crate) const RULE_SETS: usize = if cfg!(feature = "std") { 1024 } else { 8 };
/// Rules of one set: one comparison each, on one or two cache lines.
#[cfg(any(cfi, cfi_bare))]
pub(crate) const RULE_WAYS: usize = 4;

/// Words of memory for the one unwinder of a firmware. Call frame information needs more than frame pointers: the unwinder
/// keeps its rules there.
#[cfg(not(feature = "std"))]
pub(crate) const UNWINDER_WORDS: usize = if cfg!(cfi_bare) { 128 } else { 64 };

// Text and dumps.

/// The encoder's buffer. On a host the longest path fits. It is on the stack, and a firmware has little of it.
pub(crate) const DUMP_BUFFER: usize = if cfg!(feature = "std") { 8192 } else { 512 };

/// Bytes of metrics that the sink gets at once.
pub(crate) const METRICS_BUFFER: usize = if cfg!(feature = "std") { 1024 } else { 128 };

/// Rows of a report's table. They are on the stack, and a firmware has little of it.
pub(crate) const REPORT_ROWS: usize = if cfg!(any(feature = "std", test)) { 20 } else { 4 };

/// Threads that a report names under a stage of several threads.
pub(crate) const REPORT_THREADS: usize = 3;
