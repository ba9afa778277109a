//! The signals that the kernel sends when a write fails, and those of the C library.

use super::calls;
use super::sandbox::calls_allowed::{Call, allows};

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

/// Runs `f`, which writes to a file. A write beyond the limit of a file's size, or to a pipe without a reader, fails
/// with an error, and sends the program no signal. Signals of these kinds that were pending before stay pending. Where
/// a sandbox forbids the calls, `f` runs without this protection.
pub(crate) fn while_write_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    const OF_WRITES: u64 = 1 << (libc::SIGXFSZ - 1) | 1 << (libc::SIGPIPE - 1);
    if ![Call::SignalMask, Call::SignalsPending, Call::SignalWait].into_iter().all(allows) {
        return f();
    }
    // The kernel sends both signals to the thread that writes. So a signal that was not pending before comes from `f`, and
    // is taken from the queue below. Masks of one word: this also runs on the small stack of a fault's handler.
    let before = calls::block_signals(OF_WRITES);
    let pending = calls::pending_signals().unwrap_or(OF_WRITES);
    let result = f();
    while calls::take_signal(OF_WRITES & !pending) {}
    if let Some(before) = before {
        calls::set_signal_mask(before);
    }
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
