//! A forked child gets tables of its own before its first event is booked.
//!
//! The C library's `fork` calls [`in_child`]. So does `syscall` for a call that forks. A system call by the program's own
//! instruction calls nothing. In that child the first event finds cleared flags: they have a page to themselves, which the
//! system clears in a forked child.

use super::{recording, registry, thread_words, triggers};
use crate::os::dump_stack;
use crate::os::patience::Patience;
use crate::os::{fork, signal_mask};
use crate::sync::*;
use crate::table::fork::Copied;
use core::ops::Range;

/// Whether the system clears pages in a child (Linux 4.14).
static CLEARS: AtomicBool = AtomicBool::new(false);
/// The child is being divided from its parent.
static DIVIDING: AtomicBool = AtomicBool::new(false);

/// Has the system clear this memory in a forked child, if it can.
pub(crate) fn clear_in_child(memory: Range<usize>) {
    if fork::clear_in_child(memory) {
        CLEARS.store(true, Release);
    }
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
pub(super) fn in_child() {
    if !CLEARS.load(Acquire) || !is_known() {
        divide(Copied::AtFork);
    }
}

/// A child has one thread, the calling one. So no other thread holds a lock.
fn divide(copied: Copied) {
    signal_mask::while_blocked(|| {
        DIVIDING.store(true, Release);
        dump_stack::forked();
        crate::lock::forked();
        dump_stack::run(Patience::None, recording::in_child);
        triggers::forked();
        for (number, region) in registry::all() {
            region.unlock_after_fork();
            // Which slot is the thread's on another platform is not known; there its slots stay as they are.
            if let Some(words) = registry::thread_words(number) {
                let slot = thread_words::slot(words);
                // Before the region forgets who is inside the hook.
                thread_words::forked(words);
                region.forked(slot, copied);
            }
        }
        registry::all().for_each(|(_, region)| region.claim());
        dump_stack::run(Patience::None, recording::forked);
        DIVIDING.store(false, Release);
    });
}
