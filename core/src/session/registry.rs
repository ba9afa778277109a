//! The regions of this process: one for each tracker.
//!
//! **Problem.** A thread ends, the process forks, a signal comes: each concerns all trackers of the process, and they are
//! statics of many types. Nothing may be allocated to list them.
//!
//! **Idea.** A tracker registers its region at its first event. An entry of the list is written once and never removed,
//! because trackers live as long as the process.
//!
//! - **Region number** ([`RegionNumber`]): the position of a region in this list.
//! - **Thread words number**: the position of a tracker's words among those that the host keeps for each thread. A tracker
//!   whose platform is not the host has none: it keeps its words elsewhere. Numbers of two platforms may be equal, so this
//!   cannot replace the region number.

use super::recording::annex::FragmentWriter;
use crate::Error;
use crate::limits::{MAX_REGIONS, MAX_TRACKERS};
use crate::os::file::File;
use crate::sync::*;
use crate::table::fork::Copied;
use crate::table::region::HeadCopy;
use memtrack_format::Cause;

/// A region of any size, as the session uses it.
pub(crate) trait Registered: Sync {
    /// Frees the slot of a thread that has ended. `name` is the thread's last name.
    fn thread_ended(&self, slot: u16, name: [u8; 16]);
    /// Returns whether the region belongs to this process. It does not in a forked child that has not noticed the fork.
    fn is_claimed(&self) -> bool;
    /// In a forked child: makes the region the child's.
    fn claim(&self);
    /// In a forked child: opens the locks that threads of the parent held.
    fn unlock_after_fork(&self);
    /// In a forked child: marks all figures as inherited. `slot` is the slot that the child's only thread had in the
    /// parent.
    fn forked(&self, slot: Option<u16>, copied: Copied);
    /// Makes the next event write the dump that a signal asked for.
    fn request_dump(&self);
    /// Returns whether nobody holds a lock that a snapshot needs.
    fn is_unlocked(&self) -> bool;
    /// Makes now the barrier that the first event of a second thread would make.
    fn expect_threads(&self);
    /// Makes each new peak above a number of bytes write a dump.
    fn dump_above(&self, bytes: usize);
    /// Makes the next event refresh the recordings, because there is a new module.
    fn module_seen(&self);
    /// Makes each thread forget what it knows of the program's code before its next event.
    fn code_unloaded(&self);
    /// Returns the memory of the tables, all of which is mapped by then.
    ///
    /// # Errors
    /// When it is not a whole number of pages, or the system has no more memory.
    #[cfg(not(recorded_from_start))]
    fn pages(&self) -> Result<crate::os::pages::Pages, Error>;
    /// Returns the number of allocations and frees so far. It changes with every event.
    fn events(&self) -> u64;
    /// Returns a copy of the region's constant words, which shows whether its memory was replaced.
    fn head_copy(&self) -> HeadCopy;
    /// Writes a head copy into a region whose memory was replaced.
    fn restore_head(&self, copy: &HeadCopy);
    /// Counts a loss: a recording ended before its process.
    fn count_lost_recording(&self);
    /// Returns the number of thread slots in use.
    fn threads_used(&self) -> u32;
    /// Stores the current names of the running threads in their slots.
    fn update_names(&self);
    /// Writes the records that the tables do not hold: the program, and with `modules` its modules.
    fn write_annex(&self, to: &mut FragmentWriter<'_>, modules: bool) -> Result<(), Error>;
    /// Writes a snapshot of the whole program.
    fn dump(&self, to: &mut File, cause: Cause) -> Result<(), Error>;
}

const _: () = assert!(MAX_REGIONS.is_power_of_two() && MAX_REGIONS >= MAX_TRACKERS);

/// The position of a region among those of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RegionNumber(usize);

impl RegionNumber {
    /// Returns whether it is the first region that was registered.
    #[cfg(not(recorded_from_start))]
    pub(crate) fn is_first(self) -> bool {
        self.0 == 0
    }
}

/// One value for each region number.
pub(crate) struct PerRegion<T>([T; MAX_REGIONS]);

impl<T> PerRegion<T> {
    pub(crate) const fn new(values: [T; MAX_REGIONS]) -> Self {
        PerRegion(values)
    }
}

impl PerRegion<u32> {
    pub(crate) const ZERO: Self = PerRegion([0; MAX_REGIONS]);
}

impl<T> core::ops::Index<RegionNumber> for PerRegion<T> {
    type Output = T;

    fn index(&self, number: RegionNumber) -> &T {
        &self.0[number.0 % MAX_REGIONS]
    }
}

impl<T> core::ops::IndexMut<RegionNumber> for PerRegion<T> {
    fn index_mut(&mut self, number: RegionNumber) -> &mut T {
        &mut self.0[number.0 % MAX_REGIONS]
    }
}

#[derive(Clone, Copy)]
struct Entry {
    region: &'static dyn Registered,
    /// The thread words number; `None` when the tracker's platform has words of its own.
    thread_words: Option<usize>,
}

static ENTRIES: PerRegion<spin::Once<Entry>> = PerRegion::new([const { spin::Once::new() }; MAX_REGIONS]);
/// Regions that are registered.
static REGIONS: AtomicUsize = AtomicUsize::new(0);
/// Trackers that have a thread words number.
static TRACKERS: AtomicUsize = AtomicUsize::new(0);

/// Returns the thread words number of one more tracker; `None` when there are too many.
pub(crate) fn reserve_thread_words() -> Option<usize> {
    count_one(&TRACKERS, MAX_TRACKERS)
}

/// Adds a region to the list; `None` when there are too many. `thread_words` is the tracker's thread words number, if its
/// platform is the host.
pub(crate) fn register(region: &'static dyn Registered, thread_words: Option<usize>) -> Option<RegionNumber> {
    let number = RegionNumber(count_one(&REGIONS, MAX_REGIONS)?);
    ENTRIES[number].call_once(|| Entry { region, thread_words });
    Some(number)
}

/// Adds one to a counter and returns its value before; `None` when the counter has reached the limit.
fn count_one(counter: &AtomicUsize, limit: usize) -> Option<usize> {
    let mut before = counter.load(Relaxed);
    while before < limit {
        match counter.compare_exchange(before, before + 1, Relaxed, Relaxed) {
            Ok(_) => return Some(before),
            Err(now) => before = now,
        }
    }
    None
}

/// Returns the region with this number; `None` while it is being registered.
pub(crate) fn get(number: RegionNumber) -> Option<&'static dyn Registered> {
    Some(ENTRIES[number].get()?.region)
}

/// Returns the number of a region; `None` when it is not registered.
pub(crate) fn number_of<R>(region: &'static R) -> Option<RegionNumber> {
    all().find(|(_, other)| core::ptr::addr_eq(*other, region)).map(|(number, _)| number)
}

/// Returns the thread words number of the tracker whose region has this number.
pub(crate) fn thread_words(number: RegionNumber) -> Option<usize> {
    ENTRIES[number].get()?.thread_words
}

/// Returns all regions with their numbers.
pub(crate) fn all() -> impl Iterator<Item = (RegionNumber, &'static dyn Registered)> {
    (0..MAX_REGIONS).map(RegionNumber).filter_map(|number| Some((number, get(number)?)))
}
