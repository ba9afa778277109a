//! A bell on which a thread waits: a futex.

use super::clock::timespec;
use super::errno::keep_errno;
use super::sandbox::calls_allowed::{Call, allows};
use crate::sync::*;

/// Counts how often it rang.
pub(crate) struct Bell(AtomicU32);

impl Bell {
    pub(crate) const fn new() -> Self {
        Bell(AtomicU32::new(0))
    }

    /// How often it rang.
    pub(crate) fn rung(&self) -> u32 {
        self.0.load(SeqCst)
    }

    /// Wakes the thread that waits.
    pub(crate) fn ring(&self) {
        self.0.fetch_add(1, SeqCst);
        let wake = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word lives for the call, which only wakes threads.
        keep_errno(|| unsafe { libc::syscall(libc::SYS_futex, &raw const self.0, wake, 1) });
    }

    /// Waits until the bell has rung more than `rung` times, or until the time `until` of the monotonic clock. It may return
    /// earlier.
    pub(crate) fn wait(&self, rung: u32, until: u64) {
        /// The wait ends at a time of the monotonic clock: no change of the wall clock moves it.
        const UNTIL: libc::c_int = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
        let until = timespec(until);
        // SAFETY: the word lives for the call; the time is valid.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                &raw const self.0,
                UNTIL,
                rung,
                &raw const until,
                core::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
    }
}

/// Whether a thread can wait on a bell.
pub(crate) fn is_allowed() -> bool {
    allows(Call::Futex)
}
