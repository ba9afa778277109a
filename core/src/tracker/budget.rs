//! Budgets: a callback for a peak that rises above a number of bytes.

use crate::hook::Tracker;
use crate::platform::Platform;
use crate::stats::Stats;
use crate::table::region::Tables;
use crate::unwind::Unwind;

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Calls `callback` once, when a peak rises above `bytes` of live memory. It gets the figures of that moment, and runs on
    /// the thread whose allocation crossed the budget, before that allocation returns. Another call of this method replaces
    /// budget and callback. If live is above `bytes` already, the callback runs when it rises further.
    ///
    /// The callback may allocate, dump, and set another budget. It must not take a lock that allocating code may hold. If it
    /// panics, the program aborts.
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
        // First: a peak that is raised in advance is not raised above a budget.
        self.region().head().pending.set_budget(bytes, callback, Self::call);
        // The current peak starts anew from the live bytes, so that it rises when the budget is crossed.
        self.rebase_stage(|_| Some(()));
    }

    fn call(&self, callback: fn(Stats)) {
        let unwinding = Abort;
        callback(self.stats());
        core::mem::forget(unwinding);
    }
}

/// Ends the program when a panic unwinds past it: nothing may unwind out of an allocation.
struct Abort;

impl Drop for Abort {
    fn drop(&mut self) {
        panic!("a budget's callback panicked inside an allocation");
    }
}
