//! The tables: what is known of stacks, cells and threads, in one contiguous region of fixed size.
//!
//! All-zero is the empty state of every table, so that a region is `.bss`. Ids and indices only, no pointers,
//! so that a raw copy of a region can be read by the host. Nothing here waits for anything.

use crate::lock::{Guard, Lock};

pub(crate) mod account;
pub(crate) mod cells;
#[cfg(feature = "std")]
pub(crate) mod growing;
pub(crate) mod growth;
pub(crate) mod image;
pub(crate) mod index;
#[cfg(feature = "std")]
pub(crate) mod inherited;
pub(crate) mod list;
pub(crate) mod losses;
#[cfg(all(test, models))]
mod models;
pub(crate) mod name;
pub(crate) mod peak;
pub(crate) mod pending;
mod private_pages;
pub(crate) mod region;
pub(crate) mod sizes;
pub(crate) mod stacks;
pub(crate) mod tags;
pub(crate) mod threads;
pub(crate) mod timeline;

/// Has room for something that is about to be used for the first time, where the memory is a recording's file.
#[inline]
fn prepare<T>(place: &T) {
    #[cfg(feature = "std")]
    crate::session::recording::memory::prepare(core::ptr::from_ref(place).addr(), size_of::<T>());
    let _ = place;
}

/// How often a lock that nobody holds for long is tried before the caller does without. Where there are threads its holder
/// may have lost the processor: then others are let run in between.
const TRIES: usize = if cfg!(feature = "std") { 1 << 10 } else { 1 << 16 };
const ROUNDS: usize = if cfg!(feature = "std") { 1 << 12 } else { 1 };

/// The lock, unless its holder has been stopped: an interrupted stage.
pub(crate) fn try_lock<T: ?Sized>(lock: &Lock<T>) -> Option<Guard<'_, T>> {
    (0..ROUNDS).find_map(|round| {
        #[cfg(feature = "std")]
        if round > 0 {
            crate::os::linux::calls::sched_yield();
        }
        let _ = round;
        (0..TRIES).find_map(|_| {
            core::hint::spin_loop();
            lock.try_lock()
        })
    })
}
