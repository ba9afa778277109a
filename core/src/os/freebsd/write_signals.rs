//! The signals that the kernel sends when a write fails, and those of the C library.

use super::calls::{self, SignalMask};

/// The C library's signal, by which it cancels and suspends threads.
const OF_THE_C_LIBRARY: libc::c_int = libc::SIGTHR;

/// The mask of the signals that the tracker never [blocks](crate::os::signal_mask), beside those of faults.
pub(crate) const NEVER_BLOCKED: SignalMask = 1 << (OF_THE_C_LIBRARY - 1);

/// Runs `f`, which writes to a file. A write to a pipe without a reader fails with an error, and sends the program no signal. A signal
/// of this kind that was pending before stays pending. The signal of a write beyond the limit of a file's size goes to the process, so
/// such a write is [not made](calls::write).
pub(crate) fn while_write_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    const OF_PIPES: SignalMask = 1 << (libc::SIGPIPE - 1);
    // The kernel sends it to the thread that writes. So a signal that was not pending before comes from `f`, and is taken.
    let before = calls::block_signals(OF_PIPES);
    let pending = calls::pending_signals().unwrap_or(OF_PIPES);
    let result = f();
    if pending & OF_PIPES == 0 {
        while calls::take_signal(OF_PIPES) {}
    }
    if let Some(before) = before {
        calls::set_signal_mask(before);
    }
    result
}
