//! What events notice besides themselves: the clock of the timeline, limits that were passed, dumps asked for.

use crate::platform::Platform;
#[cfg(feature = "std")]
use crate::session::triggers;
use crate::stats::Stats;
use crate::table::peak::Mark;
#[cfg(feature = "std")]
use crate::table::pending::{DUMP, MODULE};
use crate::table::pending::{PASSED, PAUSED};
use crate::table::region::{Head, Tables};
use crate::tracker::{Tracker, elapsed};
use crate::unwind::Unwind;

/// Adds what is live now to the timeline.
pub(crate) fn sample<R: Tables>(region: &R, now: u64) {
    // A signal handler that finds the list locked does without.
    if let Some(mut timeline) = region.timeline().try_lock() {
        let live = region.threads().live_bytes();
        region.head().next_sample.set(timeline.add(now, (live as isize).max(0) as usize));
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Calls `callback` once, when a peak rises above `bytes` of live memory: with the figures of that moment, on the
    /// thread whose allocation crossed the budget, before that allocation returns. Another call replaces budget and
    /// callback. What is live already is not called back for until it rises.
    ///
    /// The callback may allocate, dump, and set a budget again. It must not take a lock that code which allocates may
    /// hold; when it panics, the program aborts.
    ///
    /// ```
    /// # use memtrack::Tracker;
    /// # use std::alloc::System;
    /// # #[global_allocator]
    /// # static HEAP: Tracker<System> = Tracker::new(System);
    /// HEAP.budget(64 << 20, |stats| eprintln!("{} bytes are alive", stats.live_bytes));
    /// ```
    pub fn budget(&self, bytes: usize, callback: fn(Stats)) {
        if self.check().is_err() {
            return;
        }
        // The stage's mark starts from what is live, so that it rises when the budget is crossed.
        self.rebase_stage(|_| Some(()));
        self.region().head().pending.set_budget(bytes, callback, Self::call);
    }

    fn call(&self, callback: fn(Stats)) {
        let unwinding = Abort;
        callback(self.stats());
        core::mem::forget(unwinding);
    }

    /// Does what the flags ask for. Whether tracking is paused.
    #[cold]
    #[inline(never)]
    pub(crate) fn attend(&self, flags: usize) -> bool {
        if self.check().is_err() {
            return false;
        }
        let Head { marks, pending, .. } = self.region().head();
        if flags & PASSED != 0 && pending.lower(PASSED) {
            let peak = marks.peak(Mark::Stage);
            #[cfg(feature = "std")]
            self.peak_passed(peak);
            // SAFETY: the only budgets are those of `budget`, with these types.
            unsafe { pending.call_over_budget::<Self, Stats>(peak, self) };
        }
        #[cfg(feature = "std")]
        if flags & DUMP != 0 && pending.lower(DUMP) {
            triggers::serve();
        }
        #[cfg(feature = "std")]
        if flags & MODULE != 0 && pending.lower(MODULE) {
            crate::session::recording::refresh();
        }
        flags & PAUSED != 0
    }

    /// Adds a sample to the timeline when its time has come.
    #[cold]
    #[inline(never)]
    pub(crate) fn look_at_the_clock(&self) {
        let now = elapsed(self.region(), &self.platform);
        if now >= self.region().head().next_sample.get() {
            sample(self.region(), now);
        }
        #[cfg(feature = "std")]
        {
            // A signal may have found the timeline locked.
            triggers::serve();
            triggers::look_at_the_clock();
        }
    }
}

/// Nothing may unwind out of an allocation: dropped while it is unwound, this ends the program.
struct Abort;

impl Drop for Abort {
    fn drop(&mut self) {
        panic!("a budget's callback panicked inside an allocation");
    }
}
