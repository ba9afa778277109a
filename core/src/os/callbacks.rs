//! The reports of the operating system to the session.
//!
//! The problem: a system notices events (a thread ends, a signal arrives, a process forks), and the session decides
//! about them. If `os` called `session`, the two folders would import each other.
//!
//! The idea: two tables of function pointers, which the session sets at its start. A system calls the functions of a
//! table if the table is set, and loses the event otherwise.
//!
//! - [`Callbacks`]: events that may come inside an allocator, in a signal handler or in a forked child.
//! - [`Interposed`]: calls of the program that memtrack interposes. They come outside the hook.

use crate::sync::*;
use core::ptr::{from_ref, null_mut};

/// The losses that a sandbox is about to cause, for which the session prepares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sealing {
    /// Snapshots can be written now, and cannot once the sandbox is in force.
    pub(crate) last_snapshot: bool,
    /// The tracker's own thread cannot wait or write any more.
    pub(crate) no_thread: bool,
    /// [`thread::barrier`](super::thread::barrier) fails from then on.
    pub(crate) no_barrier: bool,
}

/// Events of the process. The functions allocate nothing and wait for no lock of other code: each may run inside an
/// allocator, in a signal handler or in a forked child.
#[cfg_attr(
    not(file_backed),
    expect(dead_code, reason = "no file backs memory there, and not all of these systems have forks")
)]
pub(crate) struct Callbacks {
    /// The running thread ends. All destructors of its thread-local variables have run.
    pub(crate) thread_ended: fn(),
    /// A signal asks for a snapshot. Runs in the signal's handler. `acts` is true when the default action follows, and
    /// ends or stops the process.
    pub(crate) signal: fn(signal: i32, acts: bool),
    /// An access to `address` faulted. Runs in the fault's handler, which returns to the instruction when this returns
    /// true, and otherwise does what the program has set for the fault.
    pub(crate) fault: fn(address: usize) -> bool,
    /// The program ends, and all of its own code has run.
    pub(crate) exit: fn(),
    /// Before a fork, in the parent.
    pub(crate) before_fork: fn(),
    /// After a fork, or a fork that failed, in the parent.
    pub(crate) after_fork: fn(),
    /// After a fork, in the child, which has one thread.
    pub(crate) in_child: fn(),
}

/// Calls of the program that memtrack interposes: the C library has the functions, and memtrack defines them too. The
/// functions run outside the hook: they may allocate, and take locks of the system's libraries.
#[cfg_attr(
    not(interposing),
    expect(dead_code, reason = "these systems report at most that libraries are unloaded")
)]
pub(crate) struct Interposed {
    /// The program is about to forbid system calls to itself.
    pub(crate) sealing: fn(Sealing),
    /// Before libraries may be unloaded.
    pub(crate) before_unloading: fn(),
    /// After libraries may have been unloaded.
    pub(crate) after_unloading: fn(),
    /// The program makes a call that the system refuses to a process of several threads. Ends the tracker's own thread,
    /// and returns whether it ran.
    pub(crate) stop_thread: fn() -> bool,
    /// Starts the thread again that `stop_thread` ended.
    pub(crate) start_thread: fn(),
}

static CALLBACKS: AtomicPtr<Callbacks> = AtomicPtr::new(null_mut());
static INTERPOSED: AtomicPtr<Interposed> = AtomicPtr::new(null_mut());

/// Sets the functions for events of the process. Events before this call are lost.
pub(crate) fn set_callbacks(callbacks: &'static Callbacks) {
    CALLBACKS.store(from_ref(callbacks).cast_mut(), Release);
}

/// Sets the functions for interposed calls. Calls before this one are not reported.
pub(crate) fn set_interposed(interposed: &'static Interposed) {
    INTERPOSED.store(from_ref(interposed).cast_mut(), Release);
}

/// The functions for events; `None` before `set_callbacks`.
pub(super) fn callbacks() -> Option<&'static Callbacks> {
    // SAFETY: the pointer is null, or `set_callbacks` stored a `&'static` in it.
    unsafe { CALLBACKS.load(Acquire).as_ref() }
}

/// The functions for interposed calls; `None` before `set_interposed`.
#[cfg_attr(
    not(any(interposing, target_os = "macos", windows)),
    expect(dead_code, reason = "these systems report none of these calls")
)]
pub(super) fn interposed() -> Option<&'static Interposed> {
    // SAFETY: the pointer is null, or `set_interposed` stored a `&'static` in it.
    unsafe { INTERPOSED.load(Acquire).as_ref() }
}
