//! The report: the figures as text for people. It allocates nothing.

mod over_time;
mod rows;
mod sizes;
mod stages;
mod threads;
mod totals;
mod units;

use crate::hook::Tracker;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::fmt;

/// The report of [`Tracker::report`].
pub struct Report<'t, A, U: Unwind, P: Platform, R: Tables> {
    tracker: &'t Tracker<A, U, P, R>,
}

impl<'t, A, U: Unwind, P: Platform, R: Tables> Report<'t, A, U, P, R> {
    pub(crate) fn new(tracker: &'t Tracker<A, U, P, R>) -> Self {
        Report { tracker }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> fmt::Display for Report<'_, A, U, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tracker = self.tracker;
        if let Err(error) = tracker.check() {
            return writeln!(f, "memtrack: {error}");
        }
        totals::losses(tracker, f)?;
        totals::heap(tracker, f)?;
        over_time::write(tracker, f)?;
        stages::write(tracker, f)?;
        threads::write(tracker, f)?;
        sizes::write(tracker, f)
    }
}
