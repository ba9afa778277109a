//! Libraries that are unloaded: facts about the code at their addresses become stale.

use super::{forks, generations, recording};
use crate::os::unwind_tables;
use crate::platform::Host;

impl Host {
    /// Runs a function that may unload libraries. For a program that defines `dlclose` itself, so that memtrack does not
    /// see the calls.
    pub fn unloading<T>(unload: impl FnOnce() -> T) -> T {
        before();
        let result = unload();
        forks::notice();
        after();
        result
    }
}

/// Before libraries may be unloaded.
///
/// The count rises before and after: once a library is gone another thread may load one at its place and run it, and the
/// library's own code runs once more on this thread until then. The linker's lock lies between unloading and loading
/// again, so whoever runs the new code sees the new count.
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
