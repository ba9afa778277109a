//! The tracker of C programs.

use memtrack_core::Tracker;
#[cfg(not(ehabi))]
use memtrack_core::{DefaultPlatform, DefaultUnwind};
#[cfg(not(hosted))]
use memtrack_core::{DefaultRegion as Tables, MEMTRACK_REGION as REGION};
#[cfg(ehabi)]
use memtrack_core::{Ehabi, SingleCore};

/// It wraps nothing: the functions of this crate hand out the blocks and tell it.
#[cfg(hosted)]
pub(crate) static TRACKER: Tracker<(), DefaultUnwind, DefaultPlatform, Tables> = Tracker::growing(());

#[cfg(not(any(hosted, ehabi)))]
pub(crate) static TRACKER: Tracker<(), DefaultUnwind, DefaultPlatform, Tables> =
    Tracker::with_region((), &REGION);

/// C for ARM keeps no chain of frame pointers that could be followed, but has unwind tables.
#[cfg(ehabi)]
pub(crate) static TRACKER: Tracker<(), Ehabi, SingleCore, Tables> =
    Tracker::with((), Ehabi, SingleCore, &REGION);

/// Tables for programs of any size, since nobody who preloads the library can choose: a compiler that runs for a minute
/// needs a million stack frames. They take address space and memory as they are used.
#[cfg(hosted)]
type Tables = memtrack_core::GrowingRegion<{ 1 << 22 }, { 1 << 20 }, 1024, 64, 256, 128>;
