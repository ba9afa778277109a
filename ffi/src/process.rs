//! The process that the library was loaded into: its forks, and its end by `_exit`.

use crate::mode::is_tracked;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use memtrack_core::Host;

/// The id of the process that owns this memory. A child of `vfork` only borrows it, and has another id.
static PROCESS: AtomicU32 = AtomicU32::new(0);

fn id() -> u32 {
    // SAFETY: the call only returns a number.
    unsafe { libc::getpid() as u32 }
}

/// At the start of a program that is tracked.
pub(crate) fn begin() {
    began();
    // SAFETY: the function lives as long as the library, which was preloaded and so is never unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(began)) };
}

extern "C" fn began() {
    PROCESS.store(id(), Relaxed);
}

/// Before `_exit`, by which shells and forked children end without their exit handlers: the dump is written all the same.
pub(crate) fn ends_at_once() {
    if is_tracked() && PROCESS.load(Relaxed) == id() {
        Host::dump_at_exit();
    }
}
