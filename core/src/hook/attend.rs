//! Triggers: requests that an event fulfils before or after it is counted.
//!
//! - **Passed limit**: a new peak is above the budget, or above the limit for dumps.
//! - **Requested dump**: a signal came while a part that the dump needs was in use.
//! - **New module**: a recording does not know the code of a library yet.
//! - **Clock**: at every 64th allocation of a thread, a point of the timeline or a dump may be due.
//! - **Failure**: the inner allocator returned null.

use super::Tracker;
use crate::platform::Platform;
#[cfg(feature = "std")]
use crate::session::{recording, triggers};
use crate::stats::Stats;
use crate::table::peak::Mark;
use crate::table::pending;
use crate::table::region::Tables;
use crate::totals::add_timeline_point;
use crate::unwind::Unwind;

/// An allocation or reallocation that the fast path has counted.
pub(super) struct Counted {
    pub(super) cell: u32,
    /// It made a new peak, so that a limit may be passed.
    pub(super) is_peak: bool,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Runs the triggers of a peak. Returns the cell that the event was counted on.
    #[inline(always)]
    pub(super) fn run_triggers_of(&self, counted: Counted) -> u32 {
        if counted.is_peak {
            self.run_pending_triggers();
        }
        counted.cell
    }

    #[inline(never)]
    pub(super) fn run_pending_triggers(&self) {
        let flags = self.flags();
        if flags != pending::QUIET {
            self.run_triggers(flags);
        }
    }

    /// Runs the triggers whose flags are raised. Returns whether tracking is paused.
    #[cold]
    #[inline(never)]
    pub(super) fn run_triggers(&self, flags: usize) -> bool {
        if self.check().is_err() {
            return false;
        }
        let head = self.region().head();
        if flags & pending::PASSED != 0 && head.pending.lower(pending::PASSED) {
            let peak = head.marks.peak(Mark::Stage, || self.region().threads().live_bytes());
            // While another snapshot is being written there is none: the next new peak tries again.
            #[cfg(feature = "std")]
            if head.pending.is_to_be_dumped(peak) && triggers::write(memtrack_format::Cause::Peak) {
                head.pending.dumped(peak);
            }
            // SAFETY: `Tracker::budget` is the only caller that sets a budget, and it sets it with these types.
            unsafe { head.pending.call_over_budget::<Self, Stats>(peak, self) };
        }
        #[cfg(feature = "std")]
        if flags & pending::DUMP != 0 && head.pending.lower(pending::DUMP) {
            triggers::write_requested();
        }
        #[cfg(feature = "std")]
        if flags & pending::MODULE != 0 && head.pending.lower(pending::MODULE) {
            recording::refresh();
        }
        flags & pending::PAUSED != 0
    }

    /// Adds a point to the timeline, or writes the dump of an interval, if one of them is due.
    #[cold]
    #[inline(never)]
    pub(super) fn check_clock(&self) {
        let now = self.elapsed();
        if now >= self.region().head().next_sample.get() {
            add_timeline_point(self.region(), now);
        }
        #[cfg(feature = "std")]
        {
            // A signal may have come while the timeline was locked.
            triggers::write_requested();
            triggers::write_if_due();
        }
    }

    /// Counts a failed allocation or reallocation: one that the inner allocator refused, or whose padded size overflows.
    /// Returns null.
    #[cold]
    pub(crate) fn count_failure(&self) -> *mut u8 {
        if let Some(region) = self.region.get() {
            region.head().failed.add_shared(1);
        }
        #[cfg(feature = "std")]
        triggers::allocation_failed();
        core::ptr::null_mut()
    }
}
