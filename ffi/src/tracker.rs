//! The tracker of C programs.

#[cfg(not(hosted))]
use crate::kernel::Board;
#[cfg(hosted)]
use memtrack_core::DefaultPlatform;
#[cfg(not(ehabi))]
use memtrack_core::DefaultUnwind;
#[cfg(ehabi)]
use memtrack_core::Ehabi;
use memtrack_core::Tracker;
#[cfg(not(hosted))]
use memtrack_core::{DefaultRegion as Tables, MEMTRACK_REGION as REGION};

/// It wraps no allocator: the functions of this crate hand out the blocks and report them to it.
#[cfg(hosted)]
pub(crate) static TRACKER: Tracker<(), DefaultUnwind, DefaultPlatform, Tables> = Tracker::growing(());

#[cfg(not(any(hosted, ehabi)))]
pub(crate) static TRACKER: Tracker<(), DefaultUnwind, Board, Tables> =
    Tracker::with((), DefaultUnwind {}, Board, &REGION);

/// Compiled C for ARM has no usable chain of frame pointers, but it has unwind tables.
#[cfg(ehabi)]
pub(crate) static TRACKER: Tracker<(), Ehabi, Board, Tables> = Tracker::with((), Ehabi, Board, &REGION);

/// Tables for programs of any size, because the user of a preloaded library cannot choose a size: a compiler that runs for a
/// minute needs a million stack frames. The tables take address space and memory as they are used.
#[cfg(hosted)]
type Tables = memtrack_core::GrowingRegion<{ 1 << 22 }, { 1 << 20 }, 1024, 64, 256, 128>;
