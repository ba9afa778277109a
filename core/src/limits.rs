//! Capacities that the tracker chooses, each with its reason.

/// Classes of block sizes. The last one holds 256 GiB and everything larger. A microcontroller has none: its RAM goes to stacks.
pub(crate) const CLASSES: usize = if cfg!(feature = "std") { 40 } else { 0 };
