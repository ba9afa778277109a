//! Callbacks around a fork.

use crate::os::callbacks::{Callbacks, callbacks};
#[cfg(not(target_os = "macos"))]
use core::ops::Range;

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

/// Whether a range is whole pages. The system clears whole pages: of a larger page it would clear other memory as well.
#[cfg(not(target_os = "macos"))]
pub(in crate::os) fn is_whole_pages(memory: &Range<usize>, page: usize) -> bool {
    memory.start.is_multiple_of(page) && memory.len().is_multiple_of(page)
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::is_whole_pages;

    #[test]
    fn no_other_memory_is_cleared() {
        let page = 1 << 12;
        assert!(is_whole_pages(&(page << 4..(page << 4) + page), page));
        // On a system with pages of 64 KiB, and for flags that share their page with other data.
        assert!(!is_whole_pages(&(page << 4..(page << 4) + page), page << 4));
        assert!(!is_whole_pages(&(page..page + 4), page) && !is_whole_pages(&(4..page + 4), page));
    }
}
