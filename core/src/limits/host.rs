//! The limits of a tracker on a host.

// Trackers.

/// The most trackers that use the host's thread words in one process. The unit tests, which are one process, have more.
pub(crate) const MAX_TRACKERS: usize = if cfg!(test) { 8 } else { 4 };

/// The most regions in one process, whichever platforms their trackers have. A power of two, so that the remainder of a
/// number is an index that is always in bounds.
pub(crate) const MAX_REGIONS: usize = 16;

// Growing tables.

/// Entries that have memory from the start: those of a small program.
pub(crate) const FIRST_NODES: usize = 1 << 13;
/// Likewise.
pub(crate) const FIRST_CELLS: usize = 1 << 11;
/// Likewise.
pub(crate) const FIRST_THREADS: usize = 1 << 5;

/// The most bytes of one array that are mapped at a time: a large page.
pub(crate) const GROWTH_STEP: usize = 2 << 20;

/// Nested stages of one thread whose cells are copied. Each level takes a copy of every cell.
pub(crate) const STAGE_LEVELS: usize = 4;

// Stacks.

/// Words of the arena of remembered stacks: 1 MiB, some 3000 stacks of 24 frames. Unused pages are not resident.
#[cfg(cfi)]
pub(crate) const ARENA_WORDS: usize = 1 << 17;

/// Sets of fingerprints: more than stacks that the arena can hold, so that hardly a set of four is ever too small.
#[cfg(cfi)]
pub(crate) const FINGERPRINT_SETS: usize = 1 << 12;
/// Groups of remembered stacks with one second caller and stack pointer.
#[cfg(cfi)]
pub(crate) const FINGERPRINT_GROUPS: usize = 1 << 10;

/// The most words that may decide a remembered walk: those of a deep stack. A longer walk is not remembered.
#[cfg(cfi)]
pub(crate) const MAX_WORDS: usize = 256;

/// The most frames of the last walk whose nodes are known: the depth of the default region.
#[cfg(cfi)]
pub(crate) const WALK_FRAMES: usize = 128;

/// The most modules in the list of unwind tables. Stacks end at code of any further one.
#[allow(dead_code, reason = "not every system has this list")]
pub(crate) const UNWIND_TABLES: usize = 512;

/// The most pages that an event probes on another stack, from the stack pointer on.
pub(crate) const PROBED_PAGES: usize = 64;

// Modules that were unloaded.

/// The most libraries in the list of generations. They take a megabyte of address space; entries without a library take no
/// memory.
pub(crate) const LISTED_MODULES: usize = 1024;
/// The longest path in that list, in bytes. A library with a longer one is listed without path, so it has no names once it is
/// unloaded.
pub(crate) const LISTED_PATH: usize = 512;
/// The highest generation of a module. It is a part of addresses, in bits that no address has.
pub(crate) const LAST_GENERATION: usize = 31;

// Threads, dumps and recordings.

/// Bytes of stack of the tracker's own threads: the buffers of a snapshot and the file's path fit.
#[allow(dead_code, reason = "not every system has threads")]
pub(crate) const THREAD_STACK: usize = 256 << 10;

/// Bytes of the stack on which dumps are written: several times the need of a snapshot. Code that is not optimised has every
/// copy of a path on the stack.
pub(crate) const DUMP_STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 128 << 10 };

/// The shortest interval between two snapshots: a millisecond. A snapshot takes about as long.
pub(crate) const SHORTEST_INTERVAL_NS: u64 = 1_000_000;

/// Bytes of a half of an annex: the modules of a program with thousands of libraries fit.
pub(crate) const ANNEX_HALF: usize = 1 << 20;

/// The longest time that a parent waits for its forked child: the child copies some gigabytes in it.
#[allow(dead_code, reason = "not every system has forks")]
pub(crate) const FORK_PATIENCE_NS: u64 = 2_000_000_000;
