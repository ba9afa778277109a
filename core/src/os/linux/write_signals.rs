//! The signals that the kernel sends when a write fails, and those of the C library.

use super::calls;
use super::sandbox::calls_allowed::{Call, allows};
use crate::os::errno::keep_errno;
use core::marker::PhantomData;

/// The C library's signal for a change of user: it waits until each thread has handled it. Its signal that cancels a thread
/// may be blocked. Android's has none: there a user belongs to a thread.
const CHANGE_OF_USER: Option<u32> = if cfg!(target_os = "android") {
    None
} else if cfg!(target_env = "musl") {
    Some(34)
} else {
    Some(33)
};

/// The mask of the signals that the tracker never [blocks](crate::os::signal_mask), beside those of faults.
pub(crate) const NEVER_BLOCKED: u64 = match CHANGE_OF_USER {
    Some(signal) => 1 << (signal - 1),
    None => 0,
};

/// The signals of writes that fail.
const OF_WRITES: u64 = 1 << (libc::SIGXFSZ - 1) | 1 << (libc::SIGPIPE - 1);

/// As long as this lives, a write of the thread that made it beyond the limit of a file's size, or to a pipe without a reader,
/// fails with an error, and sends the program no signal. Signals of these kinds that were pending before stay pending. It can be
/// nested. Where a sandbox forbids the calls, there is no such protection.
#[derive(Debug)]
pub(crate) struct WriteSignalsBlocked {
    /// The mask before; `None` where it was not changed.
    before: Option<u64>,
    /// The signals that were not pending before.
    new: u64,
    /// A mask belongs to one thread.
    not_send: PhantomData<*const ()>,
}

impl WriteSignalsBlocked {
    pub(crate) fn new() -> Self {
        let allowed = [Call::SignalMask, Call::SignalsPending, Call::SignalWait].into_iter().all(allows);
        // Masks of one word: this also runs on the small stack of a fault's handler.
        let before = allowed.then(|| calls::block_signals(OF_WRITES)).flatten();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::signal_mask::while_blocked;
    use core::mem::zeroed;

    fn raise(signal: libc::c_int) {
        // SAFETY: the callers have blocked the signal.
        unsafe { libc::raise(signal) };
    }

    fn is_pending(signal: libc::c_int) -> bool {
        // SAFETY: the call writes the set before it is read.
        unsafe {
            let mut pending = zeroed();
            libc::sigpending(&raw mut pending);
            libc::sigismember(&raw const pending, signal) == 1
        }
    }

    #[test]
    fn a_writes_signal_is_taken_and_the_programs_own_stays() {
        // On a thread of its own: the mask of the harness's thread stays as it is.
        std::thread::spawn(|| {
            while_blocked(|| {
                raise(libc::SIGXFSZ);
                while_write_signals_blocked(|| {
                    raise(libc::SIGXFSZ);
                    raise(libc::SIGPIPE);
                });
                assert_eq!([libc::SIGXFSZ, libc::SIGPIPE].map(is_pending), [true, false]);
                let mut set = empty_set();
                // SAFETY: the set is valid, and a signal of it is pending.
                unsafe {
                    libc::sigaddset(&raw mut set, libc::SIGXFSZ);
                    let mut taken = 0;
                    assert_eq!((libc::sigwait(&raw const set, &raw mut taken), taken), (0, libc::SIGXFSZ));
                }
            });
            while_write_signals_blocked(|| raise(libc::SIGPIPE));
        })
        .join()
        .unwrap();
    }

    fn empty_set() -> libc::sigset_t {
        // SAFETY: the set is written before it is read.
        unsafe {
            let mut set = zeroed();
            libc::sigemptyset(&raw mut set);
            set
        }
    }
}
