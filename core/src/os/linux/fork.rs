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

/// Makes a system call that forks, with the same callbacks as the C library's `fork`.
#[cfg(interposing)]
pub(super) fn by_call(system_call: impl FnOnce() -> c_long) -> c_long {
    call(|callbacks| callbacks.before_fork);
    let result = system_call();
    call(|callbacks| if result == 0 { callbacks.in_child } else { callbacks.after_fork });
    result
}

/// Makes the system clear `memory` in each forked child, before the child runs. False when the system cannot, or when
/// the memory is not whole pages: then nothing is cleared. Restores `errno`.
///
/// Here: from Linux 4.14 on.
pub(crate) fn clear_in_child(memory: Range<usize>) -> bool {
    let clear = || calls::clear_in_child(with_exposed_provenance_mut(memory.start), memory.len());
    is_whole_pages(&memory, page_size()) && keep_errno(clear)
}

/// Whether a range is whole pages. The system clears whole pages: of a larger page it would clear other memory as well.
fn is_whole_pages(memory: &Range<usize>, page: usize) -> bool {
    memory.start.is_multiple_of(page) && memory.len().is_multiple_of(page)
}

#[cfg(test)]
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
