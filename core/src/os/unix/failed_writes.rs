//! The signals that the kernel sends to a thread whose write fails.

use super::calls::{self, SignalMask};
use super::errno::keep_errno;
use super::write_signals::{OF_WRITES, are_taken};
use core::marker::PhantomData;

/// As long as this lives, a write that fails sends none of these signals to the program: the thread that made this blocks them. Signals
/// of these kinds that were pending before stay pending. It can be nested. Where a sandbox forbids the calls, there is no such protection.
#[derive(Debug)]
pub(crate) struct WriteSignalsBlocked {
    /// The mask before; `None` where it was not changed.
    before: Option<SignalMask>,
    /// The signals that were not pending before.
    new: SignalMask,
    /// A mask belongs to one thread.
    not_send: PhantomData<*const ()>,
}

impl WriteSignalsBlocked {
    pub(crate) fn new() -> Self {
        // Masks of one word: this also runs on the small stack of a fault's handler.
        let before = are_taken().then(|| calls::block_signals(OF_WRITES)).flatten();
        let pending = before.and_then(|_| calls::pending_signals()).unwrap_or(OF_WRITES);
        WriteSignalsBlocked { before, new: OF_WRITES & !pending, not_send: PhantomData }
    }

    /// Takes the signal of a write that failed. The kernel sends it to the thread that writes, so one that was not pending before
    /// comes from that write. Keeps `errno`.
    pub(crate) fn take(&self) {
        keep_errno(|| while self.new != 0 && calls::take_signal(self.new) {});
    }
}

impl Drop for WriteSignalsBlocked {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            keep_errno(|| calls::set_signal_mask(before));
        }
    }
}

/// Runs `f`, which writes, while the signals of writes are [blocked](WriteSignalsBlocked).
pub(crate) fn while_write_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    let signals = WriteSignalsBlocked::new();
    let result = f();
    signals.take();
    result
}
