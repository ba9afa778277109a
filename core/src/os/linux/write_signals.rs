//! The signals that the kernel sends when a write fails, and those of the C library.

use super::sandbox::calls_allowed::{Call, allows};

pub(crate) use super::super::unix::failed_writes::{WriteSignalsBlocked, while_write_signals_blocked};

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

/// The signals of writes beyond the limit of a file's size, and to a pipe without a reader.
pub(crate) const OF_WRITES: u64 = 1 << (libc::SIGXFSZ - 1) | 1 << (libc::SIGPIPE - 1);

/// Whether the process may still make the calls that take a signal.
pub(crate) fn are_taken() -> bool {
    [Call::SignalMask, Call::SignalsPending, Call::SignalWait].into_iter().all(allows)
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
