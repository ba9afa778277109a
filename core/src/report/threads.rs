//! The table of threads, the highest peak first.

use super::rows::{largest, rest};
use super::units::{Bytes, Count};
use crate::hook::Tracker;
use crate::platform::Platform;
use crate::stats::ThreadStats;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::fmt;

pub(super) fn write<A, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let (threads, left_out) = largest(tracker.threads(), |thread: &ThreadStats| thread.stats.peak_bytes);
    writeln!(f, "threads by peak     id         peak      at peak         live    allocated      blocks")?;
    for thread in &threads {
        writeln!(
            f,
            "  {:<17} {:>2} {:>12} {:>12} {:>12} {:>12} {:>11}",
            Label(thread),
            thread.id,
            Bytes(thread.stats.peak_bytes),
            Bytes(thread.at_program_peak),
            Bytes(thread.stats.live_bytes),
            Bytes(thread.stats.total_bytes),
            Count(thread.stats.total_allocs),
        )?;
    }
    rest(f, left_out)
}

/// The name of a thread: `worker`, or `worker ×3` for three that ran one after another.
pub(super) struct Label<'s>(pub(super) &'s ThreadStats);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = heapless::String::<40>::new();
        let _ = match (self.0.id, self.0.name()) {
            (0, _) => fmt::write(&mut text, format_args!("[unattributed]")),
            (1, _) => fmt::write(&mut text, format_args!("[no slot left]")),
            (id, "") => fmt::write(&mut text, format_args!("thread {id}")),
            (_, name) => fmt::write(&mut text, format_args!("{name}")),
        };
        if self.0.count > 1 {
            let _ = fmt::write(&mut text, format_args!(" ×{}", self.0.count));
        }
        f.pad(&text)
    }
}
