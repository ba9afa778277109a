//! The first event of a tracker claims its region and gets the tracker a number.
//!
//! **Problem.** A tracker is a `static` that no code initialises. Its first events may come on several threads at once, and
//! another tracker may have the same region.
//!
//! **Idea.** One compare-exchange on a word of the region decides. The thread that wins registers the region and publishes
//! the number; until then the events of other threads are unattributed.
//!
//! - **Number**: the tracker's index into the thread words of its platform.
//! - **Refusal**: the reason for which an event gets no guard.

use super::Tracker;
use crate::error::Error;
use crate::platform::{Platform, undisturbed};
use crate::sync::*;
use crate::table::image;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

const REGION_TAKEN: usize = usize::MAX;
const TOO_MANY: usize = usize::MAX - 1;
#[cfg(feature = "std")]
const NO_MEMORY: usize = usize::MAX - 2;
pub(super) const UNCLAIMED: usize = usize::MAX - 3;

/// Why an event gets no guard.
pub(crate) enum Refusal {
    /// The event is counted without thread and stack, as a loss of this cause.
    Lost(LossCause),
    /// The tracker has no region: the event is not counted.
    NoRegion,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The tracker's number. The first caller claims the region.
    #[inline(always)]
    pub(crate) fn number(&self) -> Result<usize, Refusal> {
        match self.number.load(Acquire) {
            UNCLAIMED => undisturbed(|| self.claim()),
            REGION_TAKEN | TOO_MANY => Err(Refusal::NoRegion),
            #[cfg(feature = "std")]
            NO_MEMORY => Err(Refusal::NoRegion),
            number => Ok(number),
        }
    }

    /// The tracker's number, if it has one and the platform has thread words for it.
    #[inline(always)]
    pub(super) fn claimed_number(&self) -> Option<usize> {
        let number = self.number.load(Acquire);
        (number < P::TRACKERS).then_some(number)
    }

    const IMAGE: [u32; image::WORDS] = image::named(R::IMAGE, U::NAME);

    #[cold]
    #[inline(never)]
    fn claim(&self) -> Result<usize, Refusal> {
        let Some(region) = self.region.get_or_place() else {
            #[cfg(feature = "std")]
            if self.number.swap(NO_MEMORY, AcqRel) != NO_MEMORY {
                report_no_memory();
            }
            return Err(Refusal::NoRegion);
        };
        let head = region.head();
        let this = core::ptr::from_ref(self) as usize;
        match head.claimed.compare_exchange(0, this, AcqRel, Acquire) {
            // A number that equals one of the constants above would read as a refusal.
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
                        return self.refuse(TOO_MANY);
                    }
                    self.number.store(number, Release);
                    Ok(number)
                }
                None => self.refuse(TOO_MANY),
            },
            // Another thread is in the middle of this tracker's claim.
            Err(owner) if owner == this => Err(Refusal::Lost(LossCause::NoThread)),
            Err(_) => self.refuse(REGION_TAKEN),
        }
    }

    fn refuse(&self, reason: usize) -> Result<usize, Refusal> {
        self.number.store(reason, Release);
        Err(Refusal::NoRegion)
    }

    /// Registers the region with the session, which handles the ends of threads and of the process. False when too many
    /// regions are registered.
    #[cfg(feature = "std")]
    fn register(&self, number: usize) -> bool {
        use crate::os::patience::Patience;
        use crate::platform::Host;
        use crate::session::{forks, lifecycle, recording, registry, triggers};

        // A user's platform has thread words of its own, unless it passes on those of `Host`.
        let words =
            [self.platform.local(number), Host.local(number)].map(|words| words.map(core::ptr::from_ref));
        let is_hosts = words[0].is_some() && words[0] == words[1];
        lifecycle::begin();
        let Some(registered) = registry::register(self.region(), is_hosts.then_some(number)) else {
            return false;
        };
        forks::clear_in_child(self.region().head().pending.page_of_flags());
        triggers::on_stack(Patience::Seconds, || recording::at_claim(registered));
        if let Some(bytes) = lifecycle::peak_to_dump() {
            self.region().head().pending.dump_above(bytes);
        }
        true
    }

    /// Whether the tracker works. It does not when another tracker has its region.
    ///
    /// # Errors
    /// The reason for the refusal, with the remedy.
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
}

/// Writes the error to standard error: an allocation has no caller who could take it. Allocates nothing.
#[cfg(feature = "std")]
#[cold]
fn report_no_memory() {
    use crate::os::{errno, stderr};

    errno::keep_errno(|| {
        stderr::remember_stream();
        stderr::line(format_args!("nothing is tracked: {}", Error::NoMemory));
    });
}
