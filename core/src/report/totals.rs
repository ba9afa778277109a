//! The losses, and the figures of the whole program.

use super::units::{Bytes, Count, Duration};
use crate::hook::Tracker;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::fmt;

pub(super) fn losses<A, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (i, (cause, events)) in tracker.losses().enumerate() {
        if i == 0 {
            writeln!(f, "lost: events that are counted but not attributed in full")?;
        }
        writeln!(f, "  {:>14}  {}", Count(events), cause.as_str())?;
    }
    Ok(())
}

pub(super) fn heap<A, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let stats = tracker.stats();
    writeln!(f, "heap          bytes         blocks")?;
    write!(f, "  peak   {:>12} {:>14}", Bytes(stats.peak_bytes), Count(stats.peak_blocks))?;
    match tracker.peak_error() {
        0 => {}
        error => write!(f, "  too high by {} at most", Bytes(error))?,
    }
    match tracker.peak_time_ns() {
        // The time is unknown without a clock.
        0 => writeln!(f)?,
        time => writeln!(f, "  after {}", Duration(time))?,
    }
    writeln!(f, "  live   {:>12} {:>14}", Bytes(stats.live_bytes), Count(stats.live_blocks))?;
    writeln!(f, "  total  {:>12} {:>14}", Bytes(stats.total_bytes), Count(stats.total_allocs))?;
    write!(f, "  {} reallocations, {} temporary blocks", Count(stats.reallocs), Count(stats.temporary))?;
    match stats.failed_allocs {
        0 => writeln!(f),
        failed => writeln!(f, ", {} failed allocations", Count(failed)),
    }
}
