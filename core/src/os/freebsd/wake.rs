//! A bell on which one thread waits and which any thread rings, also in a signal handler. Here: a word on which the kernel lets threads
//! wait.

use super::clock::timespec;
use super::errno::keep_errno;
use crate::sync::*;
use core::ffi::c_void;
use core::ptr::{null_mut, without_provenance_mut};

/// The bell: it counts how often it rang.
pub(crate) struct Bell(AtomicU32);

/// `struct _umtx_time` of `sys/umtx.h`.
#[repr(C)]
struct Until {
    time: libc::timespec,
    flags: u32,
    clock: u32,
}

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

    fn word(&self) -> *mut c_void {
        (&raw const self.0).cast_mut().cast()
    }

    /// Counts a ring and wakes the thread that waits. Restores `errno`.
    pub(crate) fn ring(&self) {
        self.0.fetch_add(1, SeqCst);
        // SAFETY: the word is valid for the call, which only wakes threads.
        keep_errno(|| unsafe {
            libc::_umtx_op(self.word(), libc::UMTX_OP_WAKE_PRIVATE, 1, null_mut(), null_mut())
        });
    }

    /// Waits until the count differs from `rung`, or until the [monotonic clock](super::clock::monotonic) shows
    /// `until`. May return earlier, and may change `errno`.
    pub(crate) fn wait(&self, rung: u32, until: u64) {
        let mut until =
            Until { time: timespec(until), flags: libc::UMTX_ABSTIME, clock: libc::CLOCK_MONOTONIC as u32 };
        // SAFETY: the word and the time are valid for the call. The fourth argument is the size of the fifth one's record.
        unsafe {
            let size = without_provenance_mut::<c_void>(size_of::<Until>());
            libc::_umtx_op(
                self.word(),
                libc::UMTX_OP_WAIT_UINT_PRIVATE,
                rung.into(),
                size,
                (&raw mut until).cast(),
            )
        };
    }
}

/// Whether a thread can wait on a bell.
pub(crate) fn is_allowed() -> bool {
    true
}
