//! Sums over all threads of a region, and the two places where they are recorded: the running stages and the timeline.

use crate::lock::try_lock;
use crate::platform::Platform;
use crate::table::peak::Mark;
use crate::table::peak::stage::Stages;
use crate::table::peak::summary::{Moment, Peak};
use crate::table::region::Tables;
use memtrack_format::Figures;

/// The program's figures; `peak` is that of `mark`.
pub(crate) fn totals<R: Tables>(region: &R, mark: Mark) -> Figures {
    let marks = &region.head().marks;
    region.threads().iter().map(|(_, slot)| slot.account.figures(&marks.epochs, mark)).sum()
}

/// Nanoseconds since the tracker started.
pub(crate) fn elapsed<R: Tables, P: Platform>(region: &R, platform: &P) -> u64 {
    platform.now_ns().saturating_sub(region.head().start.get())
}

/// The time and the program's totals now.
pub(crate) fn moment<R: Tables, P: Platform>(region: &R, platform: &P) -> Moment {
    let head = region.head();
    let figures = totals(region, Mark::Stage);
    Moment {
        time_ns: elapsed(region, platform),
        allocs: figures.allocs,
        bytes: figures.bytes,
        live: figures.live as usize,
        lost: head.losses.total(),
    }
}

/// The program's peak since the innermost stage began.
pub(crate) fn stage_peak<R: Tables, P: Platform>(region: &R, platform: &P) -> Peak {
    let marks = &region.head().marks;
    Peak {
        bytes: marks.peak(Mark::Stage, || region.threads().live_bytes()),
        blocks: totals(region, Mark::Stage).peak_blocks as usize,
        time_ns: marks.peak_time(Mark::Stage, elapsed(region, platform)),
    }
}

/// A thread's peak since the innermost stage began, in bytes.
pub(crate) fn thread_stage_peak<R: Tables>(region: &R, thread: usize) -> usize {
    let slot = region.threads().find(thread as u16);
    slot.map_or(0, |slot| slot.stage_peak(&region.head().marks.epochs).bytes)
}

/// Raises the peaks of all running stages to the peak since the innermost one began.
pub(crate) fn raise_stage_peaks<R: Tables, P: Platform>(region: &R, platform: &P) {
    if let Some(mut stages) = try_lock(region.stages()) {
        stages.fold(stage_peak(region, platform), |thread| thread_stage_peak(region, thread));
    }
}

/// Adds the live bytes of this moment to the timeline.
pub(crate) fn add_timeline_point<R: Tables>(region: &R, now: u64) {
    // A signal handler that finds the timeline locked skips the point.
    if let Some(mut timeline) = region.timeline().try_lock() {
        let live = region.threads().live_bytes();
        region.head().next_sample.set(timeline.add(now, (live as isize).max(0) as usize));
    }
}
