//! Forks: callbacks around a fork, and memory that the system clears in the child.

use super::calls;
use super::errno::keep_errno;
use super::memory::page_size;
#[cfg(interposing)]
use crate::os::unix::fork::call;
#[cfg(interposing)]
use core::ffi::c_long;
use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;

pub(crate) use crate::os::unix::fork::begin;
use crate::os::unix::fork::is_whole_pages;

/// Makes a system call that forks, with the same callbacks as the C library's `fork`.
#[cfg(interposing)]
pub(super) fn by_call(system_call: impl FnOnce() -> c_long) -> c_long {
    call(|callbacks| callbacks.before_fork);
    let result = system_call();
    call(|callbacks| if result == 0 { callbacks.in_child } else { callbacks.after_fork });
    result
}

/// Makes the system clear `memory` in each forked child, before the child runs. When the system cannot, or when
/// the memory is not whole pages, nothing is cleared. Restores `errno`.
///
/// Here: from Linux 4.14 on.
pub(crate) fn clear_in_child(memory: Range<usize>) {
    if is_whole_pages(&memory, page_size()) {
        keep_errno(|| calls::clear_in_child(with_exposed_provenance_mut(memory.start), memory.len()));
    }
}
