//! The tracker: wraps an allocator and books every event. Here it claims its region.

#[cfg(feature = "allocator-api2")]
mod allocator;
mod begin_end;
mod figures;
#[cfg(feature = "std")]
mod host;
mod metrics;
mod scope;
mod stage;
mod tagged;
pub(crate) mod token;

use crate::hook::guard::Entry;
use crate::hook::region_pointer::Site;
pub(crate) use figures::{elapsed, fold, moment, totals};
pub use scope::{ScopeStats, ThreadStageGuard};
pub use stage::{StageGuard, TagGuard};
pub use tagged::Tagged;
pub use token::{Heap, Token};

use crate::platform::{DefaultPlatform, Platform, undisturbed};
use crate::sync::*;
use crate::table::image;
use crate::table::region::{DefaultRegion, MEMTRACK_REGION, Tables};
use crate::unwind::{DefaultUnwind, Unwind};
use crate::{Error, LossCause};

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
    pub(crate) inner: A,
    pub(crate) unwind: U,
    pub(crate) platform: P,
    pub(crate) site: Site<R>,
    /// The tracker's number once it has claimed its region; [`UNCLAIMED`]; one of the refusals.
    number: AtomicUsize,
}

const REGION_TAKEN: usize = usize::MAX;
const TOO_MANY: usize = usize::MAX - 1;
#[cfg(feature = "std")]
const NO_MEMORY: usize = usize::MAX - 2;
const UNCLAIMED: usize = usize::MAX - 3;

impl<A> Tracker<A> {
    /// Wraps `inner` with all defaults: the crate's default region, which one tracker of a program can have.
    pub const fn new(inner: A) -> Self {
        Tracker::with_region(inner, &MEMTRACK_REGION)
    }
}

impl<A, R: Tables> Tracker<A, DefaultUnwind, DefaultPlatform, R> {
    /// Wraps `inner` with a region of your own, of capacities that you choose.
    pub const fn with_region(inner: A, region: &'static R) -> Self {
        #[cfg(cfi)]
        let unwind = crate::unwind::Cfi;
        #[cfg(not(cfi))]
        let unwind = crate::unwind::FramePointer;
        #[cfg(feature = "std")]
        let platform = crate::platform::Host;
        #[cfg(not(feature = "std"))]
        let platform = crate::platform::SingleCore;
        Tracker::with(inner, unwind, platform, region)
    }
}

#[cfg(feature = "std")]
impl<A, R: Tables> Tracker<A, DefaultUnwind, DefaultPlatform, R> {
    /// Wraps `inner` with a region that is no static, a [`GrowingRegion`](crate::GrowingRegion).
    pub const fn growing(inner: A) -> Self {
        const { assert!(!R::IS_STATIC, "a region that does not grow is a static: use Tracker::with_region") };
        #[cfg(cfi)]
        let unwind = crate::unwind::Cfi;
        #[cfg(not(cfi))]
        let unwind = crate::unwind::FramePointer;
        let (platform, site) = (crate::platform::Host, Site::unknown());
        Tracker { inner, unwind, platform, site, number: AtomicUsize::new(UNCLAIMED) }
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
        Tracker { inner, unwind, platform, site: Site::of(region), number: AtomicUsize::new(UNCLAIMED) }
    }

    /// The region of a tracker that has a number; or of any, where its region is [known](Site::known).
    #[inline(always)]
    pub(crate) fn region(&self) -> &'static R {
        self.site.at().region()
    }

    /// The region for whoever asks for figures, once it is known. In a forked child it is the child's own.
    fn known(&self) -> Option<&'static R> {
        #[cfg(feature = "std")]
        crate::session::forks::notice();
        self.site.known()
    }

    /// The same; it is placed first if need be.
    fn found(&self) -> Option<&'static R> {
        self.known().or_else(|| self.site.find())
    }

    /// The allocator that is wrapped.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    /// The tracker's number.
    #[inline(always)]
    pub(crate) fn number(&self) -> Entry<usize> {
        match self.number.load(Acquire) {
            UNCLAIMED => undisturbed(|| self.claim()),
            REGION_TAKEN | TOO_MANY => Entry::Refused,
            #[cfg(feature = "std")]
            NO_MEMORY => Entry::Refused,
            number => Entry::Ready(number),
        }
    }

    /// The tracker's number when it has one already, of those that the platform has words for.
    #[inline(always)]
    pub(crate) fn working_number(&self) -> Option<usize> {
        let number = self.number.load(Acquire);
        (number < P::TRACKERS).then_some(number)
    }

    const IMAGE: [u32; image::WORDS] = image::named(R::IMAGE, U::NAME);

    /// Claims the region, at the first event.
    #[cold]
    #[inline(never)]
    fn claim(&self) -> Entry<usize> {
        let Some(region) = self.site.find() else {
            #[cfg(feature = "std")]
            if self.number.swap(NO_MEMORY, AcqRel) != NO_MEMORY {
                host::complain_of_memory();
            }
            return Entry::Refused;
        };
        let head = region.head();
        let me = core::ptr::from_ref(self) as usize;
        match head.claimed.compare_exchange(0, me, AcqRel, Acquire) {
            // A number that would look like a refusal is none.
            Ok(_) => match self.platform.reserve().filter(|&number| number < UNCLAIMED) {
                Some(number) => {
                    region.publish(&Self::IMAGE);
                    head.start.set(self.platform.now_ns());
                    if !self.platform.barrier() {
                        head.marks.credit.open(region.threads(), || ());
                    }
                    head.start_unix.set(self.platform.process().unix_ns);
                    #[cfg(feature = "std")]
                    head.pending.claim();
                    #[cfg(feature = "std")]
                    if !self.register(number) {
                        self.number.store(TOO_MANY, Release);
                        return Entry::Refused;
                    }
                    self.number.store(number, Release);
                    Entry::Ready(number)
                }
                None => {
                    self.number.store(TOO_MANY, Release);
                    Entry::Refused
                }
            },
            // Another thread is in the middle of this very claim.
            Err(other) if other == me => Entry::Lost(LossCause::NoThread),
            Err(_) => {
                self.number.store(REGION_TAKEN, Release);
                Entry::Refused
            }
        }
    }

    /// Whether the tracker works: it does not when its region is another's.
    ///
    /// # Errors
    /// What refused it, and what to do.
    pub fn check(&self) -> Result<(), Error> {
        #[cfg(feature = "std")]
        crate::session::forks::notice();
        let _ = self.number();
        match self.number.load(Acquire) {
            REGION_TAKEN => Err(Error::RegionTaken),
            TOO_MANY => Err(Error::TooManyTrackers),
            #[cfg(feature = "std")]
            NO_MEMORY => Err(Error::NoMemory),
            _ => Ok(()),
        }
    }

    /// Nanoseconds since the tracker started.
    pub(crate) fn elapsed(&self) -> u64 {
        elapsed(self.region(), &self.platform)
    }
}
