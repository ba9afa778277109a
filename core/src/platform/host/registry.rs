//! The regions of this process's trackers, for what happens outside of them: a thread ends, the program ends.

use super::MAX_TRACKERS;
use crate::Error;
use crate::sync::*;
use memtrack_format::Cause;

/// A region whatever its size.
pub(crate) trait Registered: Sync {
    /// A thread of that slot ended.
    fn thread_ended(&self, slot: u16, name: [u8; 16]);
    /// In a forked child, whose only thread has this slot and this number.
    fn forked(&self, slot: Option<u16>, os_id: u64);
    /// Has the next event write the dump that a signal asked for.
    fn ask_for_dump(&self);
    /// Has each new peak above a number of bytes written.
    fn dump_above(&self, bytes: usize);
    /// Has the next event ask which modules there are.
    fn met_module(&self);
    /// The memory of its tables, when it is whole pages.
    fn pages(&self) -> Option<super::pages::Pages>;
    /// Thread slots in use.
    fn threads_used(&self) -> u32;
    /// Keeps the names that running threads have now.
    fn keep_names(&self);
    /// Writes what is not in its tables: the program, and its modules when asked for.
    fn annex(&self, to: &mut super::record::Annex<'_>, modules: bool) -> Result<(), Error>;
    /// Writes a snapshot of the whole program.
    fn dump(&self, to: &mut super::dump_file::File, cause: Cause) -> Result<(), Error>;
}

static REGIONS: [spin::Once<&'static dyn Registered>; MAX_TRACKERS] =
    [const { spin::Once::new() }; MAX_TRACKERS];
static USED: AtomicUsize = AtomicUsize::new(0);

/// A number for one more tracker; `None` when there are too many.
pub(crate) fn reserve() -> Option<usize> {
    let number = USED.fetch_add(1, Relaxed);
    (number < MAX_TRACKERS).then_some(number)
}

/// Makes a tracker's region known.
pub(crate) fn register(number: usize, region: &'static dyn Registered) {
    REGIONS[number].call_once(|| region);
}

pub(crate) fn get(number: usize) -> Option<&'static dyn Registered> {
    REGIONS.get(number)?.get().copied()
}

/// All regions with their numbers.
pub(crate) fn all() -> impl Iterator<Item = (usize, &'static dyn Registered)> {
    (0..MAX_TRACKERS).filter_map(|number| Some((number, get(number)?)))
}
