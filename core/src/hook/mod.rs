//! The hook: the code that runs at every allocation, free and reallocation of the program.
//!
//! **Problem.** An event is counted on its stack, on its thread and on the program's peak. It may come at any moment: in
//! a signal handler, in the middle of another event, in a thread that starts or ends, in a forked child. And there are
//! hundreds of millions of them.
//!
//! **Idea.** Each event has two paths, in one file. The *fast path* handles the common event and changes nothing before it
//! knows that it can finish. For every other event it returns `None`, and the *full path* starts from the beginning.
//! Both paths read the flags and take the guard first.
//!
//! - **Event**: an allocation ([`alloc`]), a free ([`free`]) or a reallocation ([`realloc`]) of one block.
//! - **Flags**: one word of the region that every event reads. It says that triggers are pending, that tracking is paused,
//!   or that a stage copies its cells. On the fast path the word is [`QUIET`](crate::table::pending::QUIET).
//! - **Guard** ([`guard`]): keeps a second event of the same thread out of the hook. Dropping it leaves the hook.
//! - **Cell** ([`cell`]): the counters of a thread, tag, heap and stack. The block's trailer names it.
//! - **Trigger** ([`attend`]): a request that an event fulfils after it is counted, for example a dump.
//! - **Unattributed**: an event without a guard, or without a cell. Its bytes are counted on the program, on no thread and
//!   no stack, and the loss is counted by its cause.

#[cfg(feature = "std")]
pub(crate) mod abandoned;
pub(crate) mod alloc;
mod attend;
pub(crate) mod cell;
mod claim;
mod fast_guard;
mod free;
mod global_alloc;
pub(crate) mod guard;
pub(crate) mod realloc;
mod region_pointer;
#[cfg(feature = "std")]
pub(crate) mod stage_cells;

use crate::platform::{DefaultPlatform, Platform};
use crate::sync::*;
use crate::table::region::{DefaultRegion, MEMTRACK_REGION, Tables};
use crate::trailer;
use crate::unwind::{DEFAULT_UNWIND, DefaultUnwind, Unwind};
use region_pointer::RegionPointer;

/// A heap profiler around the allocator `A`.
///
/// ```
/// # use std::alloc::System;
/// #[global_allocator]
/// static HEAP: memtrack::Tracker<System> = memtrack::Tracker::new(System);
/// ```
///
/// `U` captures stacks, `P` is the platform, `R` the region with the tables; all have defaults. A tracker is a
/// `static`; it claims its region at its first event.
pub struct Tracker<A, U = DefaultUnwind, P = DefaultPlatform, R: Tables = DefaultRegion> {
    inner: A,
    pub(crate) unwind: U,
    pub(crate) platform: P,
    region: RegionPointer<R>,
    /// The tracker's number after it has claimed its region; before that [`claim::UNCLAIMED`] or the reason for a refusal.
    number: AtomicUsize,
}

impl<A> Tracker<A> {
    /// Wraps `inner` with all defaults: the crate's default region, which one tracker of a program can have.
    pub const fn new(inner: A) -> Self {
        Tracker::with_region(inner, &MEMTRACK_REGION)
    }
}

impl<A, R: Tables> Tracker<A, DefaultUnwind, DefaultPlatform, R> {
    /// Wraps `inner` with a region of your own, of capacities that you choose.
    pub const fn with_region(inner: A, region: &'static R) -> Self {
        #[cfg(feature = "std")]
        let platform = crate::platform::Host;
        #[cfg(not(feature = "std"))]
        let platform = crate::platform::SingleCore;
        Tracker::with(inner, DEFAULT_UNWIND, platform, region)
    }
}

#[cfg(feature = "std")]
impl<A, R: Tables> Tracker<A, DefaultUnwind, DefaultPlatform, R> {
    /// Wraps `inner` with a region that is no static, a [`GrowingRegion`](crate::GrowingRegion).
    pub const fn growing(inner: A) -> Self {
        const { assert!(!R::IS_STATIC, "a region that does not grow is a static: use Tracker::with_region") };
        let (platform, region) = (crate::platform::Host, RegionPointer::unplaced());
        Tracker {
            inner,
            unwind: DEFAULT_UNWIND,
            platform,
            region,
            number: AtomicUsize::new(claim::UNCLAIMED),
        }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Wraps `inner` with an unwinder, a platform and a region of your choice.
    ///
    /// ```
    /// use memtrack::{DefaultRegion, Host, MEMTRACK_REGION, NoUnwind, Tracker};
    /// use std::alloc::System;
    ///
    /// /// Counters without stacks.
    /// static HEAP: Tracker<System, NoUnwind, Host> = Tracker::with(System, NoUnwind, Host, &MEMTRACK_REGION);
    /// ```
    pub const fn with(inner: A, unwind: U, platform: P, region: &'static R) -> Self {
        let region = RegionPointer::to(region);
        let number = AtomicUsize::new(claim::UNCLAIMED);
        Tracker { inner, unwind, platform, region, number }
    }

    /// The allocator that is wrapped.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    /// The region. The tracker must have a number, or its region must be [placed](Self::known_region).
    #[inline(always)]
    pub(crate) fn region(&self) -> &'static R {
        self.region.load().region()
    }

    /// The region, if it is placed: a static always is, a growing one from its first event on.
    #[inline(always)]
    pub(crate) fn known_region(&self) -> Option<&'static R> {
        self.region.get()
    }

    /// The region, if it is placed. In a child of an unnoticed fork it becomes the child's own first.
    pub(crate) fn region_of_process(&self) -> Option<&'static R> {
        #[cfg(feature = "std")]
        crate::session::forks::notice();
        self.region.get()
    }

    /// The region of this process, which is placed first if need be.
    pub(crate) fn place_region(&self) -> Option<&'static R> {
        self.region_of_process().or_else(|| self.region.get_or_place())
    }

    /// The salt of this tracker's trailers.
    #[inline(always)]
    fn salt(&self) -> trailer::Salt {
        trailer::Salt::of(self)
    }

    /// Nanoseconds since the tracker started.
    pub(crate) fn elapsed(&self) -> u64 {
        crate::totals::elapsed(self.region(), &self.platform)
    }
}
