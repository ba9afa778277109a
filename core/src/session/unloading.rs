//! The unloading of libraries: facts about the code at their addresses become stale.
//!
//! The count of [`generations`] rises twice. It rises before the unloading, for other threads: one that then loads a library
//! at the same addresses has taken the lock of the dynamic linker after this thread has released it, so it sees the new
//! count. It rises after the unloading, for this thread: the library's destructors may have run here in between.

use super::{forks, generations, recording};
use crate::os::unwind_tables;
use crate::platform::Host;

impl Host {
    /// Runs a function that may unload libraries. Use it in a program that defines `dlclose` itself: memtrack does not see
    /// those calls.
    pub fn unloading<T>(unload: impl FnOnce() -> T) -> T {
        before();
        let result = unload();
        forks::notice();
        after();
        result
    }
}

/// Before libraries may be unloaded.
pub(super) fn before() {
    generations::count_unloading();
    generations::before_unloading();
}

/// After libraries may have been unloaded.
pub(super) fn after() {
    generations::count_unloading();
    unwind_tables::unloaded();
    generations::after_unloading();
    recording::unloaded();
}
