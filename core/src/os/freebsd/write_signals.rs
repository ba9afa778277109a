//! The signals that the kernel sends when a write fails, and those of the C library.

use super::calls::SignalMask;

pub(crate) use super::super::unix::failed_writes::{WriteSignalsBlocked, while_write_signals_blocked};

/// The C library's signal, by which it cancels and suspends threads.
const OF_THE_C_LIBRARY: libc::c_int = libc::SIGTHR;

/// The mask of the signals that the tracker never [blocks](crate::os::signal_mask), beside those of faults.
pub(crate) const NEVER_BLOCKED: SignalMask = 1 << (OF_THE_C_LIBRARY - 1);

/// The signal of a write to a pipe without a reader. That of a write beyond the limit of a file's size goes to the process, so such a
/// write is [not made](super::calls::write).
pub(crate) const OF_WRITES: SignalMask = 1 << (libc::SIGPIPE - 1);

/// Nothing forbids the calls that take a signal.
pub(crate) fn are_taken() -> bool {
    true
}
