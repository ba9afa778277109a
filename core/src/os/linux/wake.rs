//! A bell on which one thread waits and which any thread rings, also in a signal handler. Here: a futex.

use super::clock::timespec;
use super::errno::keep_errno;
use super::kernel_headers::FUTEX_BITSET_MATCH_ANY;
use super::sandbox::calls_allowed::{Call, allows};
use crate::sync::*;

/// The bell: it counts how often it rang.
pub(crate) struct Bell(AtomicU32);

impl Bell {
    /// A bell that has never rung.
    pub(crate) const fn new() -> Self {
        Bell(AtomicU32::new(0))
    }

    /// How often the bell has rung, modulo 2³². Read it before the condition that the wait is for, and pass it to
    /// [`wait`](Self::wait): a ring between the two is not lost.
    pub(crate) fn rung(&self) -> u32 {
        self.0.load(SeqCst)
    }

    /// Counts a ring and wakes the thread that waits. Restores `errno`.
    pub(crate) fn ring(&self) {
        self.0.fetch_add(1, SeqCst);
        let wake = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word is valid for the call, which only wakes threads.
        keep_errno(|| unsafe { libc::syscall(libc::SYS_futex, &raw const self.0, wake, 1) });
    }

    /// Waits until the count differs from `rung`, or until the [monotonic clock](super::clock::monotonic) shows
    /// `until`. May return earlier, and may change `errno`.
    pub(crate) fn wait(&self, rung: u32, until: u64) {
        /// This operation takes a time of the monotonic clock: a change of the wall clock does not affect it.
        const UNTIL: libc::c_int = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
        let until = timespec(until);
        // SAFETY: the word and the time are valid for the call.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                &raw const self.0,
                UNTIL,
                rung,
                &raw const until,
                core::ptr::null::<u32>(),
                FUTEX_BITSET_MATCH_ANY,
            )
        };
    }
}

/// Whether a thread can wait on a bell. Where a sandbox forbids it, `wait` returns at once.
pub(crate) fn is_allowed() -> bool {
    allows(Call::Futex)
}
