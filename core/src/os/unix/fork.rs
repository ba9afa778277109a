//! Callbacks around a fork.

use crate::os::callbacks::{Callbacks, callbacks};

/// Requests [`Callbacks::before_fork`](Callbacks), `after_fork` and `in_child` around each `fork` of the C library. At
/// the program's start.
///
/// A fork that the system does not report (a system call by the program's own instruction) calls nothing.
/// [`clear_in_child`](crate::os::fork::clear_in_child) serves to notice it.
pub(crate) fn begin() {
    // SAFETY: the functions have the right signature, and their code stays loaded for ever.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(in_child)) };
}

/// Calls one of the callbacks.
pub(in crate::os) fn call(callback: impl FnOnce(&'static Callbacks) -> fn()) {
    if let Some(callbacks) = callbacks() {
        callback(callbacks)();
    }
}

unsafe extern "C" fn before_fork() {
    call(|callbacks| callbacks.before_fork);
}

unsafe extern "C" fn after_fork() {
    call(|callbacks| callbacks.after_fork);
}

unsafe extern "C" fn in_child() {
    call(|callbacks| callbacks.in_child);
}
