//! Forks: callbacks around a fork, and memory that the system clears in the child.

use super::errno::keep_errno;
use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;

use crate::os::unix::fork::is_whole_pages;

/// Makes the system clear `memory` in each forked child, before the child runs. False when the system cannot, or when
/// the memory is not whole pages: then nothing is cleared. Restores `errno`.
///
/// Here: from FreeBSD 12 on.
pub(crate) fn clear_in_child(memory: Range<usize>) -> bool {
    /// `INHERIT_ZERO` of `sys/mman.h`.
    const INHERIT_ZERO: libc::c_int = 3;
    let place = with_exposed_provenance_mut(memory.start);
    // SAFETY: the call changes what a child inherits of the pages, and no byte of this process.
    let clear = || unsafe { libc::minherit(place, memory.len(), INHERIT_ZERO) == 0 };
    is_whole_pages(&memory, super::memory::page_size()) && keep_errno(clear)
}
