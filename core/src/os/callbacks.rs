//! How the operating system reports what happens in a process.

use crate::sync::*;
use core::ptr::{from_ref, null_mut};

/// Calls that a sandbox is about to forbid, as far as the session has to prepare for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sealing {
    /// Snapshots can be written now, and no longer.
    pub(crate) last_snapshot: bool,
    /// A thread of the tracker's own cannot wait any more.
    pub(crate) no_thread: bool,
    /// The barrier on all threads cannot be made any more.
    pub(crate) no_barrier: bool,
}

/// Events of the process. The functions run inside an allocator, a signal's handler or a forked child, perhaps.
pub(crate) struct Callbacks {
    /// The running thread ends. All destructors of its thread-local variables have run.
    pub(crate) thread_ended: fn(),
    /// A signal asks for a snapshot, in its handler. `acts` says that the signal's default action ends or stops the process
    /// afterwards.
    pub(crate) signal: fn(signal: i32, acts: bool),
    /// A fault at an address, in its handler. Whether the access can be tried again.
    pub(crate) fault: fn(address: usize) -> bool,
    /// The program ends.
    pub(crate) exit: fn(),
    /// Before a fork, in the parent.
    pub(crate) before_fork: fn(),
    /// After a fork, or after its failure, in the parent.
    pub(crate) after_fork: fn(),
    /// After a fork, in the child.
    pub(crate) in_child: fn(),
}

/// Calls of the program that memtrack [interposes](super::linux::interpose). The functions run outside the hook: they may
/// take locks of the system's libraries.
pub(crate) struct Interposed {
    /// The program is about to forbid itself system calls.
    pub(crate) sealing: fn(Sealing),
    /// Before libraries may be unloaded.
    pub(crate) before_unloading: fn(),
    /// After libraries may have been unloaded.
    pub(crate) after_unloading: fn(),
    /// The system is about to refuse a call to a process of several threads: ends the tracker's own thread. Whether it ran.
    pub(crate) stop_thread: fn() -> bool,
    /// Starts that thread again.
    pub(crate) start_thread: fn(),
}

static CALLBACKS: AtomicPtr<Callbacks> = AtomicPtr::new(null_mut());
static INTERPOSED: AtomicPtr<Interposed> = AtomicPtr::new(null_mut());

/// From now on events of the process are reported.
pub(crate) fn set_callbacks(callbacks: &'static Callbacks) {
    CALLBACKS.store(from_ref(callbacks).cast_mut(), Release);
}

/// From now on interposed calls are reported.
pub(crate) fn set_interposed(interposed: &'static Interposed) {
    INTERPOSED.store(from_ref(interposed).cast_mut(), Release);
}

/// The functions for events, once they are set.
pub(super) fn callbacks() -> Option<&'static Callbacks> {
    // SAFETY: the pointer is null or a reference to a static, which `set_callbacks` stored.
    unsafe { CALLBACKS.load(Acquire).as_ref() }
}

/// The functions for interposed calls, once they are set.
pub(super) fn interposed() -> Option<&'static Interposed> {
    // SAFETY: the pointer is null or a reference to a static, which `set_interposed` stored.
    unsafe { INTERPOSED.load(Acquire).as_ref() }
}
