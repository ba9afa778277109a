//! A bell on which one thread waits and which any thread rings. Here: an event of the system.

use super::clock;
use super::errno::keep_errno;
use super::system::{CreateEventW, SetEvent, WaitForSingleObject};
use crate::sync::*;
use core::ffi::c_void;
use core::ptr::{null, null_mut};

/// The bell: it counts how often it rang.
pub(crate) struct Bell {
    rung: AtomicU32,
    /// The event, which is set by a ring and reset by a wait; null before the first wait. It is never closed.
    event: AtomicPtr<c_void>,
}

impl Bell {
    /// A bell that has never rung.
    pub(crate) const fn new() -> Self {
        Bell { rung: AtomicU32::new(0), event: AtomicPtr::new(null_mut()) }
    }

    /// How often the bell has rung, modulo 2³². Read it before the condition that the wait is for, and pass it to
    /// [`wait`](Self::wait): a ring between the two is not lost.
    pub(crate) fn rung(&self) -> u32 {
        self.rung.load(SeqCst)
    }

    /// Counts a ring and wakes the thread that waits. Restores the error number.
    pub(crate) fn ring(&self) {
        self.rung.fetch_add(1, SeqCst);
        let event = self.event.load(SeqCst);
        if !event.is_null() {
            // SAFETY: the event exists, and is never closed.
            keep_errno(|| unsafe { SetEvent(event) });
        }
    }

    /// Waits until the count differs from `rung`, or until the [monotonic clock](super::clock::monotonic) shows
    /// `until`. May return earlier, and may change the error number.
    pub(crate) fn wait(&self, rung: u32, until: u64) {
        let mut event = self.event.load(SeqCst);
        if event.is_null() {
            // SAFETY: an event without a name.
            event = unsafe { CreateEventW(null(), 0, 0, null()) };
            self.event.store(event, SeqCst);
        }
        let time = until.saturating_sub(clock::monotonic());
        // A ring that has not seen the event is counted by now.
        if self.rung() != rung {
            return;
        }
        if event.is_null() {
            clock::sleep(time.min(LONGEST_NAP_NS));
        } else {
            // SAFETY: the event exists, and is never closed.
            unsafe { WaitForSingleObject(event, clock::milliseconds(time)) };
        }
    }
}

/// The longest sleep of a wait without an event, which nothing can end.
const LONGEST_NAP_NS: u64 = 100_000_000;

/// Whether a thread can wait on a bell.
pub(crate) fn is_allowed() -> bool {
    true
}
