//! Signals of the calling thread while the tracker does something that they must not disturb.

use super::calls;
use super::errno::keep_errno;
use super::sandbox::calls_allowed::{Call, allows};
use core::marker::PhantomData;
use core::mem::zeroed;
use core::ptr::null_mut;

/// Signals of faults. A thread that holds one back dies of it, where the handler could have helped.
const FAULTS: [libc::c_int; 5] = [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGTRAP];
/// By which the C library changes the user of all threads, and waits for each.
const CHANGE_OF_USER: libc::c_int = 33;

/// All signals but those above: also that by which the C library cancels a thread.
pub(crate) const HELD: u64 = {
    let (mut mask, mut i) = (!(1 << (CHANGE_OF_USER - 1)), 0);
    while i < FAULTS.len() {
        mask &= !(1 << (FAULTS[i] - 1));
        i += 1;
    }
    mask
};

/// While this lives, the thread that made it gets no signals but those of faults. So no handler interrupts the code, and none
/// leaves it by a jump.
pub(crate) struct Held {
    /// The mask before; `None` where that cannot be changed.
    before: Option<u64>,
    /// A mask is a thread's own.
    not_send: PhantomData<*const ()>,
}

impl Held {
    pub(crate) fn new() -> Held {
        Held { before: keep_errno(|| calls::set_signal_mask(HELD)), not_send: PhantomData }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            keep_errno(|| calls::set_signal_mask(before));
        }
    }
}

/// Runs `f` while signals are [held](Held).
pub(crate) fn without<T>(f: impl FnOnce() -> T) -> T {
    let _held = Held::new();
    f()
}

/// Runs `f`, which writes to a file. A limit of the file's size, or a pipe that nobody reads, is an error of the write
/// then, and does not end the program by a signal.
pub(crate) fn of_writes_held<T>(f: impl FnOnce() -> T) -> T {
    const OF_WRITES: [libc::c_int; 2] = [libc::SIGXFSZ, libc::SIGPIPE];
    if ![Call::SignalMask, Call::SignalsPending, Call::SignalWait].into_iter().all(allows) {
        return f();
    }
    // SAFETY: all sets and the time are valid for the calls; both signals go to the thread that writes, so that one which
    // was not pending before is the write's own.
    unsafe {
        let (mut held, mut before, mut pending): (libc::sigset_t, libc::sigset_t, libc::sigset_t) =
            (zeroed(), zeroed(), zeroed());
        libc::sigemptyset(&raw mut held);
        for signal in OF_WRITES {
            libc::sigaddset(&raw mut held, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const held, &raw mut before);
        libc::sigpending(&raw mut pending);
        let result = f();
        for signal in OF_WRITES {
            if libc::sigismember(&raw const pending, signal) == 1 {
                libc::sigdelset(&raw mut held, signal);
            }
        }
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        while libc::sigtimedwait(&raw const held, null_mut(), &raw const at_once) > 0 {}
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, null_mut());
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(signal: libc::c_int) {
        // SAFETY: a plain call; the signal is blocked where this is called.
        unsafe { libc::raise(signal) };
    }

    fn is_pending(signal: libc::c_int) -> bool {
        // SAFETY: the set is written before it is read.
        unsafe {
            let mut pending = zeroed();
            libc::sigpending(&raw mut pending);
            libc::sigismember(&raw const pending, signal) == 1
        }
    }

    #[test]
    fn a_writes_signal_is_taken_and_the_programs_own_stays() {
        // Not on the harness's thread, whose mask stays as it is.
        std::thread::spawn(|| {
            without(|| {
                raise(libc::SIGXFSZ);
                of_writes_held(|| {
                    raise(libc::SIGXFSZ);
                    raise(libc::SIGPIPE);
                });
                assert_eq!([libc::SIGXFSZ, libc::SIGPIPE].map(is_pending), [true, false]);
                let mut set = empty_set();
                // SAFETY: the set is valid; a signal is pending.
                unsafe {
                    libc::sigaddset(&raw mut set, libc::SIGXFSZ);
                    let mut taken = 0;
                    assert_eq!((libc::sigwait(&raw const set, &raw mut taken), taken), (0, libc::SIGXFSZ));
                }
            });
            of_writes_held(|| raise(libc::SIGPIPE));
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
