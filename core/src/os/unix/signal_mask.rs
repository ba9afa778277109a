//! Signals that the running thread blocks while the tracker must not be interrupted.
//!
//! The problem: a handler may interrupt the tracker while it holds a lock or half of a change, and may leave by a jump
//! and never come back.
//!
//! The idea: the thread blocks signals until the lock is free or the change is complete. They arrive then.
//!
//! Signals of faults are never blocked: the kernel ends a thread that faults while it blocks the signal, although the
//! handler may be able to help (see [`fault`](crate::os::fault)). Nor are the signals that the C library needs.

use super::calls::{self, SignalMask};
use super::errno::keep_errno;
use super::write_signals::NEVER_BLOCKED;
use core::marker::PhantomData;

pub(crate) use super::write_signals::while_write_signals_blocked;

/// The signals of faults.
const FAULTS: [libc::c_int; 5] = [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGTRAP];
/// The mask of the blocked signals: all but those of faults and [those](NEVER_BLOCKED) that the system needs.
pub(crate) const BLOCKED: SignalMask = {
    let (mut mask, mut i) = (!NEVER_BLOCKED, 0);
    while i < FAULTS.len() {
        mask &= !(1 << (FAULTS[i] - 1));
        i += 1;
    }
    mask
};

/// As long as this lives, the thread that made it gets no signals but those that are never blocked. Dropping it
/// restores the mask. It can be nested. Where a sandbox forbids to change the mask, signals arrive as before. Both keep
/// `errno`.
pub(crate) struct SignalsBlocked {
    /// The mask before; `None` where the mask cannot be changed.
    before: Option<SignalMask>,
    /// A mask belongs to one thread.
    not_send: PhantomData<*const ()>,
}

impl SignalsBlocked {
    pub(crate) fn new() -> SignalsBlocked {
        SignalsBlocked { before: keep_errno(|| calls::set_signal_mask(BLOCKED)), not_send: PhantomData }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            keep_errno(|| calls::set_signal_mask(before));
        }
    }
}

/// Runs `f` while signals are [blocked](SignalsBlocked).
pub(crate) fn while_blocked<T>(f: impl FnOnce() -> T) -> T {
    let _signals = SignalsBlocked::new();
    f()
}
