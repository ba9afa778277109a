//! The table of stages, the highest peak first.

use super::rows::{largest, rest};
use super::threads::Label;
use super::units::{Bytes, Count, Duration};
use crate::hook::Tracker;
use crate::limits::REPORT_THREADS;
use crate::platform::Platform;
use crate::stats::StageStats;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::fmt;

pub(super) fn write<A, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let (stages, left_out) = largest(tracker.stages(), |stage: &StageStats| stage.peak_bytes);
    if stages.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "stages by peak            peak       before        after    allocated    runs      time   peak at"
    )?;
    for stage in &stages {
        let mut name = heapless::String::<40>::new();
        let _ = match stage.thread {
            None => fmt::write(&mut name, format_args!("{}", stage.name())),
            Some(thread) => fmt::write(&mut name, format_args!("{} [thread {thread}]", stage.name())),
        };
        write!(
            f,
            "  {:<17} {:>12} {:>12} {:>12} {:>12} {:>7} {:>9}",
            name,
            Bytes(stage.peak_bytes),
            Bytes(stage.live_before),
            Bytes(stage.live_after),
            Bytes(stage.bytes),
            Count(stage.runs),
            Duration(stage.duration_ns),
        )?;
        // The time is unknown: there is no clock, or it is a stage of one thread whose cells no file collects.
        if stage.peak_time_ns > 0 {
            write!(f, " {:>9}", Duration(stage.peak_time_ns))?;
        }
        if stage.running {
            f.write_str(" (running)")?;
        }
        if stage.lost > 0 {
            write!(f, " ({} lost)", Count(stage.lost))?;
        }
        writeln!(f)?;
        of_threads(tracker, stage, f)?;
    }
    rest(f, left_out)
}

/// The threads with the highest peaks in the stage, when it had several.
fn of_threads<A, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    stage: &StageStats,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if stage.threads.len() < 2 {
        return Ok(());
    }
    for (place, (id, bytes)) in stage.thread_peaks().take(REPORT_THREADS).enumerate() {
        f.write_str(if place == 0 { "    " } else { ", " })?;
        if let Some(thread) = tracker.threads().find(|thread| thread.id == id) {
            write!(f, "{} {}", Label(&thread), Bytes(bytes))?;
        }
    }
    match stage.threads.len().saturating_sub(REPORT_THREADS) {
        0 => writeln!(f),
        more => writeln!(f, " … and {more} more"),
    }
}
