//! The modules whose code has been seen on a stack. A recording lists a new module soon after its first event.
//!
//! - **Unwind table**: identifies a module. The unwinder reads it for each frame that it does not remember.
//! - **Count**: rises with each module that is seen for the first time. A recording compares it with the count of its last
//!   refresh.

use super::registry;
use crate::sync::*;

/// A recording has begun: modules are counted.
static IS_COUNTED: AtomicBool = AtomicBool::new(false);
/// A hash table of the modules: the addresses of their unwind tables. 0 is an empty entry.
static SEEN: [AtomicUsize; 1024] = [const { AtomicUsize::new(0) }; 1024];
/// The count. It begins at 1, so that the first refresh of a recording finds a difference from 0.
static COUNT: AtomicUsize = AtomicUsize::new(1);

/// Counts modules from now on.
pub(super) fn begin() {
    IS_COUNTED.store(true, Release);
}

/// Returns the count.
pub(super) fn count() -> usize {
    COUNT.load(Acquire)
}

/// Inside the hook: there is code of the module with this unwind table on a stack. If the module is new, an event refreshes
/// the recordings.
#[cfg_attr(not(cfi), expect(dead_code, reason = "an unwinder that reads tables sees modules"))]
#[inline]
pub(crate) fn see(table: usize) {
    if IS_COUNTED.load(Acquire) && is_new(table) {
        COUNT.fetch_add(1, AcqRel);
        registry::all().for_each(|(_, region)| region.module_seen());
    }
}

/// Returns whether the module is seen for the first time. When the hash table is full, no module is new.
fn is_new(table: usize) -> bool {
    let first = (table >> 4).wrapping_mul(0x9E37_79B1) >> 12;
    let entries = SEEN.iter().cycle().skip(first % SEEN.len()).take(SEEN.len());
    for entry in entries {
        match entry.compare_exchange(0, table, Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(known) if known == table => return false,
            Err(_) => {}
        }
    }
    false
}

/// Forgets all modules, because another one may be loaded at the address of one. Each is new when it is seen again.
pub(super) fn forget() {
    SEEN.iter().for_each(|entry| entry.store(0, Relaxed));
    COUNT.fetch_add(1, AcqRel);
}
