//! Capacities that the tracker chooses, each with its reason.

/// Classes of block sizes. The last one holds 256 GiB and everything larger. A microcontroller has none: its RAM goes to stacks.
pub(crate) const CLASSES: usize = if cfg!(feature = "std") { 40 } else { 0 };

/// The most stages that are active at a time. A microcontroller has few: each takes a word for every thread.
pub(crate) const MAX_ACTIVE: usize = if cfg!(any(feature = "std", test)) { 16 } else { 4 };

/// The most threads in the summary of a stage: those with the highest peaks. A microcontroller has few threads.
pub(crate) const TOP_THREADS: usize = if cfg!(any(feature = "std", test)) { 8 } else { 4 };
