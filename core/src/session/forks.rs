//! A forked child gets tables of its own before its first event is booked.
//!
//! The C library's `fork` calls [`in_child`]. So does `syscall` for a call that forks (see [`crate::os::linux::interpose`]). A system call
//! by the program's own instruction calls no one. In that child the first event finds cleared flags: they have a page to
//! themselves, which the system clears in a forked child.

use crate::os::linux::memory::page_size;
use crate::os::linux::{calls, signal_mask, thread};
use crate::platform::host::keep_errno;
use crate::session::dump_stack;
use crate::session::dump_stack::Patience;
use crate::session::{recording, registry, triggers};
use crate::sync::*;
use crate::table::fork::Copied;
use core::ffi::c_long;
use core::ops::Range;
use core::ptr::with_exposed_provenance_mut;

/// Whether the system clears pages in a child (Linux 4.14).
static CLEARS: AtomicBool = AtomicBool::new(false);
/// The child is being divided from its parent.
static DIVIDING: AtomicBool = AtomicBool::new(false);

/// Makes a system call that forks, as the C library's `fork` would.
pub(crate) fn by_call(call: impl FnOnce() -> c_long) -> c_long {
    recording::before_fork();
    let result = call();
    if result == 0 {
        // SAFETY: this is where the C library calls it.
        unsafe { in_child() };
    } else {
        recording::after_fork();
    }
    result
}

/// At the program's start.
pub(crate) fn begin() {
    // SAFETY: the functions have the right signature and live as long as the program.
    unsafe {
        libc::pthread_atfork(Some(recording::before_fork), Some(recording::after_fork), Some(in_child))
    };
}

/// Has the system clear this memory in a forked child, if it is whole pages.
pub(crate) fn clear_in_child(memory: Range<usize>) {
    let clear = || calls::clear_in_child(with_exposed_provenance_mut(memory.start), memory.len());
    if is_whole_pages(&memory, page_size()) && keep_errno(clear) {
        CLEARS.store(true, Release);
    }
}

/// The system clears all of each page: on one with larger pages that would be other memory, too.
fn is_whole_pages(memory: &Range<usize>, page: usize) -> bool {
    memory.start.is_multiple_of(page) && memory.len().is_multiple_of(page)
}

/// Gives a forked child tables of its own, if no call has told the tracker of the fork.
pub(crate) fn notice() {
    if !is_known() && !DIVIDING.load(Acquire) {
        // Without a recording the fork itself has copied the tables.
        divide(if recording::is_any() { Copied::Later } else { Copied::AtFork });
    }
}

/// Whether every region is this process's.
fn is_known() -> bool {
    registry::all().all(|(_, region)| region.is_claimed())
}

/// After a fork, in the child. An event of another library's fork handler may have come first.
unsafe extern "C" fn in_child() {
    if !CLEARS.load(Acquire) || !is_known() {
        divide(Copied::AtFork);
    }
}

/// A child has one thread, the calling one. So no other thread holds a lock.
fn divide(copied: Copied) {
    signal_mask::without(|| {
        DIVIDING.store(true, Release);
        dump_stack::forked();
        crate::lock::forked();
        dump_stack::run(Patience::None, recording::in_child);
        triggers::forked();
        for (place, region) in registry::all() {
            region.unlock_after_fork();
            // Which slot is the thread's on another platform is not known; there its slots stay as they are.
            if let Some(words) = registry::words(place) {
                let slot = thread::slot(words);
                // Before the region forgets who is inside the hook.
                thread::forked(words);
                region.forked(slot, copied);
            }
        }
        registry::all().for_each(|(_, region)| region.claim());
        dump_stack::run(Patience::None, recording::forked);
        DIVIDING.store(false, Release);
    });
}

#[cfg(test)]
mod tests {
    use super::is_whole_pages;

    #[test]
    fn no_other_memory_is_cleared() {
        let page = 1 << 12;
        assert!(is_whole_pages(&(page << 4..(page << 4) + page), page));
        // On a system with pages of 64 KiB, and where a region's flags have no page to themselves.
        assert!(!is_whole_pages(&(page << 4..(page << 4) + page), page << 4));
        assert!(!is_whole_pages(&(page..page + 4), page) && !is_whole_pages(&(4..page + 4), page));
    }
}
