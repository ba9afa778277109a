//! The regions of this process's trackers, for what happens outside of them: a thread ends, the program ends.

use super::recording::annex::Writing;
use crate::Error;
use crate::os::file::File;
use crate::os::pages::Pages;
use crate::sync::*;
use crate::table::fork::Copied;
use crate::table::region::HeadCopy;
use memtrack_format::Cause;

/// A region whatever its size.
pub(crate) trait Registered: Sync {
    /// A thread of that slot ended.
    fn thread_ended(&self, slot: u16, name: [u8; 16]);
    /// Whether it is this process's: not in a forked child that does not know that it is one.
    fn is_claimed(&self) -> bool;
    /// In a forked child: it is.
    fn claim(&self);
    /// In a forked child: opens the locks that threads of the parent held.
    fn unlock_after_fork(&self);
    /// In a forked child, whose only thread had this slot in the parent.
    fn forked(&self, slot: Option<u16>, copied: Copied);
    /// Has the next event write the dump that a signal asked for.
    fn ask_for_dump(&self);
    /// Whether nobody holds a lock that a snapshot needs.
    fn is_at_rest(&self) -> bool;
    /// Makes now the barrier that a second thread would need.
    fn expect_threads(&self);
    /// Has each new peak above a number of bytes written.
    fn dump_above(&self, bytes: usize);
    /// Has the next event ask which modules there are.
    fn module_seen(&self);
    /// The memory of its tables, which is mapped to the end, when it is whole pages.
    fn pages(&self) -> Result<Pages, Error>;
    /// Blocks that were allocated and blocks that were freed, together: another number than before when there was any event.
    fn events(&self) -> u64;
    /// Where the heads of its indexes are.
    fn heads(&self) -> [core::ops::Range<usize>; 2];
    /// What a region says of itself, for one whose file somebody replaced.
    fn head_copy(&self) -> HeadCopy;
    /// Puts that into a region that has lost it.
    fn restore_head(&self, copy: &HeadCopy);
    /// Counts a recording that ended before its process.
    fn recording_lost(&self);
    /// Thread slots in use.
    fn threads_used(&self) -> u32;
    /// Keeps the names that running threads have now.
    fn keep_names(&self);
    /// Writes what is not in its tables: the program, and its modules when asked for.
    fn annex(&self, to: &mut Writing<'_>, modules: bool) -> Result<(), Error>;
    /// Writes a snapshot of the whole program.
    fn dump(&self, to: &mut File, cause: Cause) -> Result<(), Error>;
}

/// Trackers that one process can have. The unit tests, which are one process, have more.
pub(crate) const MAX_TRACKERS: usize = if cfg!(test) { 8 } else { 4 };

/// Regions that the process can know, whichever platforms their trackers have. A power of two, so that no place lies
/// outside of a table.
const PLACES: usize = 16;
const _: () = assert!(PLACES.is_power_of_two() && PLACES >= MAX_TRACKERS);

/// A region's place among those of the process. Not the number that its platform gave its tracker: numbers of two
/// platforms may be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Place {
    /// Whether no other region was registered before.
    pub(crate) fn is_first(self) -> bool {
        self.0 == 0
    }
}

/// One value for each place.
pub(crate) struct Each<T>([T; PLACES]);

impl<T> Each<T> {
    pub(crate) const fn new(all: [T; PLACES]) -> Self {
        Each(all)
    }
}

impl Each<u32> {
    pub(crate) const ZERO: Self = Each([0; PLACES]);
}

impl<T> core::ops::Index<Place> for Each<T> {
    type Output = T;

    fn index(&self, place: Place) -> &T {
        &self.0[place.0 % PLACES]
    }
}

impl<T> core::ops::IndexMut<Place> for Each<T> {
    fn index_mut(&mut self, place: Place) -> &mut T {
        &mut self.0[place.0 % PLACES]
    }
}

#[derive(Clone, Copy)]
struct Entry {
    region: &'static dyn Registered,
    /// The number of the host's thread words that the tracker books with; `None` when its platform has words of its own.
    words: Option<usize>,
}

static ENTRIES: Each<spin::Once<Entry>> = Each::new([const { spin::Once::new() }; PLACES]);
static USED: AtomicUsize = AtomicUsize::new(0);
static NUMBERS: AtomicUsize = AtomicUsize::new(0);

/// A number for one more tracker with the host's thread words; `None` when there are too many.
pub(crate) fn reserve() -> Option<usize> {
    take(&NUMBERS, MAX_TRACKERS)
}

/// Makes a tracker's region known; `None` when there are too many. `words` is the number of the host's thread words that
/// the tracker books with, if it does.
pub(crate) fn register(region: &'static dyn Registered, words: Option<usize>) -> Option<Place> {
    let place = Place(take(&USED, PLACES)?);
    ENTRIES[place].call_once(|| Entry { region, words });
    Some(place)
}

/// Counts one more, up to a limit: the count before it.
fn take(used: &AtomicUsize, limit: usize) -> Option<usize> {
    let mut before = used.load(Relaxed);
    while before < limit {
        match used.compare_exchange(before, before + 1, Relaxed, Relaxed) {
            Ok(_) => return Some(before),
            Err(now) => before = now,
        }
    }
    None
}

pub(crate) fn get(place: Place) -> Option<&'static dyn Registered> {
    Some(ENTRIES[place].get()?.region)
}

/// The place of a region that was registered.
pub(crate) fn place_of<R>(region: &'static R) -> Option<Place> {
    all().find(|(_, other)| core::ptr::addr_eq(*other, region)).map(|(place, _)| place)
}

/// The number of the host's thread words of the tracker there.
pub(crate) fn words(place: Place) -> Option<usize> {
    ENTRIES[place].get()?.words
}

/// All regions with their places.
pub(crate) fn all() -> impl Iterator<Item = (Place, &'static dyn Registered)> {
    (0..PLACES).map(Place).filter_map(|place| Some((place, get(place)?)))
}
