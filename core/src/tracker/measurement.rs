//! Measurements: the figures of one thread between two calls, with a peak of their own. Scopes and stages of one thread are
//! measurements. They nest: the end of one restores the peak of the next outer one.

use crate::hook::Tracker;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::account::Held;
use crate::table::peak::Mark;
use crate::table::peak::summary::{Moment, Peak};
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

/// A measurement that is running.
#[derive(Clone, Copy)]
pub(super) struct Measurement {
    pub(super) slot: u16,
    /// How many measurements of the thread are around it.
    pub(super) depth: u32,
    pub(super) begin: Moment,
    /// The peak of the next outer measurement so far.
    outer: Held,
}

/// Ends its measurement when it is dropped, if not before.
pub(super) struct Running<'t, A, U: Unwind, P: Platform, R: Tables> {
    pub(super) tracker: &'t Tracker<A, U, P, R>,
    /// `None` when it could not begin, or has ended.
    pub(super) measurement: Option<Measurement>,
}

impl<A, U: Unwind, P: Platform, R: Tables> Running<'_, A, U, P, R> {
    pub(super) fn end(&mut self) -> Option<(Moment, Peak)> {
        self.measurement.take().map(|measurement| self.tracker.end_measurement(measurement))
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Drop for Running<'_, A, U, P, R> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Begins a measurement. `None` on a thread that shares its slot, or inside an event.
    pub(super) fn begin_measurement(&self) -> Option<Measurement> {
        let guard = self.guard_without_triggers().ok().filter(|guard| !guard.is_shared())?;
        let outer = guard.slot.begin_scope(&self.region().head().marks.epochs);
        let depth = guard.local.measurements.load(Relaxed);
        guard.local.measurements.store(depth + 1, Relaxed);
        let slot = guard.thread();
        Some(Measurement { slot, depth, begin: self.thread_moment(slot), outer })
    }

    fn end_measurement(&self, measurement: Measurement) -> (Moment, Peak) {
        // The guard keeps signal handlers from changing figures between the reads.
        let guard = self.guard_without_triggers();
        if let Ok(guard) = &guard {
            if guard.local.measurements.load(Relaxed) != measurement.depth + 1 {
                // It is not the innermost one: the peaks of measurements that overlap are unknown.
                self.region().head().losses.count(LossCause::StageDepth);
            }
            guard.local.measurements.store(measurement.depth, Relaxed);
        }
        let now = self.thread_moment(measurement.slot);
        let slot = self.region().threads().get(measurement.slot);
        let held = slot.end_scope(&self.region().head().marks.epochs, measurement.outer);
        // The time of this peak is unknown: nobody read the clock.
        (now, Peak { bytes: held.bytes, blocks: held.blocks as usize, time_ns: 0 })
    }

    /// The time and a thread's totals now.
    fn thread_moment(&self, slot: u16) -> Moment {
        let head = self.region().head();
        let figures = self.region().threads().get(slot).account.figures(&head.marks.epochs, Mark::Program);
        Moment {
            time_ns: self.elapsed(),
            allocs: figures.allocs,
            bytes: figures.bytes,
            live: figures.live as usize,
            lost: head.losses.total(),
        }
    }
}
