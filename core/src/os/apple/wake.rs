//! A bell on which one thread waits and which any thread rings, also in a signal handler. Here: a semaphore of the kernel.

use super::mach::{
    self, Port, Timespec, mach_task_self_, semaphore_create, semaphore_signal, semaphore_timedwait,
};
use super::{clock, ids};
use crate::sync::*;

/// The bell: it counts how often it rang.
pub(crate) struct Bell {
    rung: AtomicU32,
    /// The process whose semaphore it is, in the upper half, and the semaphore; 0 before the first wait. A forked child does not
    /// have its parent's semaphores.
    semaphore: AtomicU64,
}

/// The longest sleep of a wait without a semaphore, which nothing can end.
const LONGEST_NAP_NS: u64 = 100_000_000;

impl Bell {
    /// A bell that has never rung.
    pub(crate) const fn new() -> Self {
        Bell { rung: AtomicU32::new(0), semaphore: AtomicU64::new(0) }
    }

    /// How often the bell has rung, modulo 2³². Read it before the condition that the wait is for, and pass it to
    /// [`wait`](Self::wait): a ring between the two is not lost.
    pub(crate) fn rung(&self) -> u32 {
        self.rung.load(SeqCst)
    }

    /// Counts a ring and wakes the thread that waits.
    pub(crate) fn ring(&self) {
        self.rung.fetch_add(1, SeqCst);
        if let Some(semaphore) = self.semaphore() {
            // SAFETY: the call takes a number. The semaphore is never destroyed.
            unsafe { semaphore_signal(semaphore) };
        }
    }

    /// Waits until the count differs from `rung`, or until the [monotonic clock](super::clock::monotonic) shows
    /// `until`. May return earlier, and may change `errno`.
    pub(crate) fn wait(&self, rung: u32, until: u64) {
        let semaphore = self.semaphore().or_else(|| self.make());
        let time = until.saturating_sub(clock::monotonic());
        // A ring that has not seen the semaphore is counted by now.
        if self.rung() != rung {
            return;
        }
        match semaphore {
            Some(semaphore) => {
                let seconds = u32::try_from(time / 1_000_000_000).unwrap_or(u32::MAX);
                let time = Timespec { seconds, nanoseconds: (time % 1_000_000_000) as i32 };
                // SAFETY: the call takes numbers. The semaphore is never destroyed.
                unsafe { semaphore_timedwait(semaphore, time) };
            }
            None => clock::sleep(time.min(LONGEST_NAP_NS)),
        }
    }

    /// The semaphore of this process.
    fn semaphore(&self) -> Option<Port> {
        let semaphore = self.semaphore.load(SeqCst);
        ((semaphore >> 32) as u32 == ids::id()).then_some(semaphore as Port)
    }

    /// Makes a semaphore for this process; `None` when the system refuses. Only the thread that waits calls this.
    #[cold]
    fn make(&self) -> Option<Port> {
        let mut semaphore = 0;
        // SAFETY: the call writes the port's name. Policy 0 wakes threads in the order of their waits.
        let code = unsafe { semaphore_create(mach_task_self_, &raw mut semaphore, 0, 0) };
        if code != mach::SUCCESS {
            return None;
        }
        self.semaphore.store(u64::from(ids::id()) << 32 | u64::from(semaphore), SeqCst);
        Some(semaphore)
    }
}

/// Whether a thread can wait on a bell.
pub(crate) fn is_allowed() -> bool {
    true
}
