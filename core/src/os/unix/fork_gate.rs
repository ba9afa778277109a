//! A gate between a parent and its forked child while a recording runs.
//!
//! The problem: after a fork, parent and child share the memory that the recording's file backs. The parent's next
//! event would change it before the child has copied it.
//!
//! The idea: the parent waits in the fork until the child has memory of its own. They share one page with a word that
//! the child sets. A page, because the program could close a descriptor.
//!
//! The order is [`close`] in the parent before the fork, [`open_after`] in the child, and [`wait`] in the parent.

#![cfg_attr(
    target_os = "android",
    expect(
        clippy::missing_const_for_thread_local,
        reason = "the lint does not see the constants where a key of the C library replaces thread-locals"
    )
)]

use super::errno::{errno, keep_errno, set_errno};
use super::recording_calls;
use crate::limits::FORK_PATIENCE_NS;
use crate::sync::*;
use core::cell::Cell;
use core::ptr::null_mut;

/// The time between two checks that the child still lives.
const LOOK_NS: u64 = 10_000_000;

/// The page that parent and child share.
#[repr(C)]
struct Gate {
    is_open: AtomicU32,
    /// The child's process id; 0 before the child runs.
    child: AtomicU32,
}

std::thread_local! {
    static GATE: Cell<*const Gate> = const { Cell::new(core::ptr::null()) };
    /// `errno` from before the fork. During the fork `errno` is 0, so that another value shows that the fork failed.
    static ERRNO: Cell<i32> = const { Cell::new(0) };
}

/// Before a fork, in the parent: closes the gate for this thread. Without memory for the gate nobody waits.
pub(crate) fn close() {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, at a place of the system's choice.
    let page = keep_errno(|| unsafe { libc::mmap(null_mut(), size_of::<Gate>(), protection, flags, -1, 0) });
    if page != libc::MAP_FAILED {
        let _ = GATE.try_with(|gate| gate.set(page.cast()));
        let _ = ERRNO.try_with(|before| before.set(errno()));
        set_errno(0);
    }
}

/// Removes the gate of this thread's fork, and passes it to `f` before.
fn with_gate(f: impl FnOnce(&Gate)) {
    let gate = GATE.try_with(|gate| gate.replace(core::ptr::null())).unwrap_or_default();
    if !gate.is_null() {
        // SAFETY: `close` has mapped it, for this thread and its child. All-zero is a valid gate. Nobody uses this
        // process's mapping afterwards.
        unsafe {
            f(&*gate);
            libc::munmap(gate.cast_mut().cast(), size_of::<Gate>());
        }
    }
}

/// After a fork, or a fork that failed, in the parent: waits until the gate is open, the child has ended, or two
/// seconds are over. Restores the `errno` from before a fork that succeeded.
pub(crate) fn wait() {
    with_gate(|gate| {
        let has_failed = errno() != 0;
        for _ in 0..FORK_PATIENCE_NS / LOOK_NS {
            if gate.is_open.load(Acquire) != 0 {
                break;
            }
            recording_calls::wait_while(&gate.is_open, 0, LOOK_NS);
            let child = gate.child.load(Acquire);
            if if child == 0 { has_failed } else { recording_calls::has_ended(child) } {
                break;
            }
        }
        if !has_failed {
            set_errno(ERRNO.try_with(Cell::get).unwrap_or(0));
        }
    });
}

/// After a fork, in the child: runs `divide`, which gives the child memory of its own, and then opens the gate. Also
/// runs `divide` when there is no gate.
pub(crate) fn open_after(divide: impl FnOnce()) {
    let gate = GATE.try_with(Cell::get).unwrap_or_default();
    if !gate.is_null() {
        // SAFETY: as in `with_gate`, which removes the gate only below. The call only returns a number.
        unsafe { (*gate).child.store(libc::getpid() as u32, Release) };
    }
    divide();
    with_gate(|gate| {
        gate.is_open.store(1, Release);
        recording_calls::wake_all(&gate.is_open);
        set_errno(ERRNO.try_with(Cell::get).unwrap_or(0));
    });
}
