//! Forks: a child makes the tables its own before it counts an event.
//!
//! **Problem.** A forked child has a copy of its parent's tables, or shares them through the file of a recording. It has one
//! thread, and the locks, the slots and the thread of the tracker are those of the parent.
//!
//! **Idea.** The child runs [`take_over`] before its first event. There are two ways by which it notices the fork:
//!
//! - **Call**: the C library's `fork`, and `syscall` with the number of a fork, call [`in_child`].
//! - **Cleared flags**: a program may make the system call by an instruction of its own, which calls nothing. So the flags
//!   of a region, which each event reads, have a page to themselves, and the system clears that page in a child. The first
//!   event of the child then finds the flag "claimed" missing, and calls [`notice`].

use super::{recording, registry, thread_words, triggers};
use crate::os::dump_stack;
use crate::os::patience::Patience;
use crate::os::signal_mask;
use crate::sync::*;
use crate::table::fork::Copied;

pub(crate) use crate::os::fork::clear_in_child;

/// This process has taken over the tables since the last call of the C library's `fork`. Cleared flags do not say so: there are
/// emulators that clear nothing, and say that they did.
static HAS_TAKEN_OVER: AtomicBool = AtomicBool::new(false);
/// The child is taking over the tables.
static TAKING_OVER: AtomicBool = AtomicBool::new(false);

/// Takes over the tables if this process is a child of an unnoticed fork.
pub(crate) fn notice() {
    if !is_claimed() && !TAKING_OVER.load(Acquire) {
        // Without a recording, the fork itself has copied the tables. With one, `recording::in_child` copies them now.
        take_over(if recording::is_any() { Copied::Later } else { Copied::AtFork });
    }
}

/// Returns whether every region belongs to this process.
fn is_claimed() -> bool {
    registry::all().all(|(_, region)| region.is_claimed())
}

/// Before a fork, in the parent.
pub(super) fn before() {
    HAS_TAKEN_OVER.store(false, Release);
    recording::before_fork();
}

/// After a fork, in the child. A fork handler of another library may have caused an event before, which has noticed the
/// fork.
pub(super) fn in_child() {
    if !HAS_TAKEN_OVER.load(Acquire) {
        take_over(Copied::AtFork);
    }
}

/// Makes all that a child has inherited its own: locks, recordings, requests, thread words and tables. The calling thread is
/// the child's only one, so nobody else uses them.
fn take_over(copied: Copied) {
    signal_mask::while_blocked(|| {
        TAKING_OVER.store(true, Release);
        dump_stack::free();
        crate::lock::forked();
        dump_stack::run(Patience::None, recording::in_child);
        triggers::forked();
        for (number, region) in registry::all() {
            region.unlock_after_fork();
            // The words of another platform are not known here, so its slots stay as they are.
            if let Some(words) = registry::thread_words(number) {
                let slot = thread_words::slot(words);
                // This comes first: the next call marks all threads as outside the hook.
                thread_words::forked(words);
                region.forked(slot, copied);
            }
        }
        registry::all().for_each(|(_, region)| region.claim());
        dump_stack::run(Patience::None, recording::forked);
        TAKING_OVER.store(false, Release);
        HAS_TAKEN_OVER.store(true, Release);
    });
}
