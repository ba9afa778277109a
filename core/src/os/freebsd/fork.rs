//! Forks: callbacks around a fork, and memory that the system clears in the child.

use super::errno::keep_errno;
use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;

use crate::os::unix::fork::is_whole_pages;

/// Makes the system clear `memory` in each forked child, before the child runs. When the system cannot, or when
/// the memory is not whole pages, nothing is cleared. Restores `errno`.
///
/// Here: from FreeBSD 12 on.
pub(crate) fn clear_in_child(memory: Range<usize>) {
    /// `INHERIT_ZERO` of `sys/mman.h`.
    const INHERIT_ZERO: libc::c_int = 3;
    let place = with_exposed_provenance_mut(memory.start);
    if is_whole_pages(&memory, super::memory::page_size()) {
        // SAFETY: the call changes what a child inherits of the pages, and no byte of this process.
        keep_errno(|| unsafe { libc::minherit(place, memory.len(), INHERIT_ZERO) });
    }
}
