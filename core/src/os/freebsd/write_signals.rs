//! The signals that the kernel sends when a write fails, and those of the C library.

use super::calls::{self, SignalMask};
use crate::os::errno::keep_errno;
use core::marker::PhantomData;

/// The C library's signal, by which it cancels and suspends threads.
const OF_THE_C_LIBRARY: libc::c_int = libc::SIGTHR;

/// The mask of the signals that the tracker never [blocks](crate::os::signal_mask), beside those of faults.
pub(crate) const NEVER_BLOCKED: SignalMask = 1 << (OF_THE_C_LIBRARY - 1);

/// The signal of a write to a pipe without a reader.
const OF_PIPES: SignalMask = 1 << (libc::SIGPIPE - 1);

/// As long as this lives, a write of the thread that made it to a pipe without a reader fails with an error, and sends the program no
/// signal. A signal of this kind that was pending before stays pending. It can be nested. The signal of a write beyond the limit of a
/// file's size goes to the process, so such a write is [not made](calls::write).
#[derive(Debug)]
pub(crate) struct WriteSignalsBlocked {
    /// The mask before; `None` where it was not changed.
    before: Option<SignalMask>,
    /// Whether the signal was pending before.
    was_pending: bool,
    /// A mask belongs to one thread.
    not_send: PhantomData<*const ()>,
}

impl WriteSignalsBlocked {
    pub(crate) fn new() -> Self {
        let before = calls::block_signals(OF_PIPES);
        let pending = before.and_then(|_| calls::pending_signals()).unwrap_or(OF_PIPES);
        WriteSignalsBlocked { before, was_pending: pending & OF_PIPES != 0, not_send: PhantomData }
    }

    /// Takes the signal of a write that failed. The kernel sends it to the thread that writes, so one that was not pending before
    /// comes from that write. Keeps `errno`.
    pub(crate) fn take(&self) {
        keep_errno(|| while !self.was_pending && calls::take_signal(OF_PIPES) {});
    }
}

impl Drop for WriteSignalsBlocked {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            keep_errno(|| calls::set_signal_mask(before));
        }
    }
}

/// Runs `f`, which writes, while the signal is [blocked](WriteSignalsBlocked).
pub(crate) fn while_write_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    let signals = WriteSignalsBlocked::new();
    let result = f();
    signals.take();
    result
}
