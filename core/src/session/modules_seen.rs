//! Modules whose code has been seen on a stack: a recording lists a module soon after its first event.

use super::registry;
use crate::sync::*;

/// Whether anybody asks.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);
/// The modules, by their unwind tables.
static SEEN: [AtomicUsize; 1024] = [const { AtomicUsize::new(0) }; 1024];
/// Counts modules that are seen for the first time. It begins at 1, for what a recording begins with.
static COUNT: AtomicUsize = AtomicUsize::new(1);

/// From now on modules are counted.
pub(super) fn begin() {
    IS_WATCHED.store(true, Release);
}

/// How many there were.
pub(super) fn count() -> usize {
    COUNT.load(Acquire)
}

/// Inside the hook: code of the module with that unwind table is on a stack. The event lists a new one afterwards.
#[inline]
pub(crate) fn see(table: usize) {
    if IS_WATCHED.load(Acquire) && is_new(table) {
        COUNT.fetch_add(1, AcqRel);
        registry::all().for_each(|(_, region)| region.module_seen());
    }
}

/// Whether it is seen for the first time. No more than can be remembered are new.
fn is_new(table: usize) -> bool {
    let first = (table >> 4).wrapping_mul(0x9E37_79B1) >> 12;
    let places = SEEN.iter().cycle().skip(first % SEEN.len()).take(SEEN.len());
    for place in places {
        match place.compare_exchange(0, table, Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(known) if known == table => return false,
            Err(_) => {}
        }
    }
    false
}

/// Every module is new again: others may be loaded in the place of some.
pub(super) fn forget() {
    SEEN.iter().for_each(|place| place.store(0, Relaxed));
    COUNT.fetch_add(1, AcqRel);
}
