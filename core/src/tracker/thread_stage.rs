//! Stages that concern the calling thread alone.

use super::measurement::{Measurement, Running};
use crate::hook::Tracker;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::table::name::Name;
use crate::table::peak::stage::Stages;
use crate::table::peak::summary::Summary;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

/// A stage of one thread that is running; it ends when this is dropped.
#[must_use = "a stage ends when its guard is dropped: bind it with `let _stage = …`"]
pub struct ThreadStageGuard<'t, A, U: Unwind, P: Platform, R: Tables> {
    running: Running<'t, A, U, P, R>,
    name: Name,
    /// Where the cells at the stage's peak are copied.
    #[cfg(feature = "std")]
    level: Option<super::thread_stage_cells::Level>,
    /// A measurement belongs to the thread that began it.
    not_send: core::marker::PhantomData<*const ()>,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Begins a stage of the calling thread alone: its figures are those of the blocks that this thread allocates, and its
    /// peak is the thread's. It nests in any way with stages of the process, which it does not touch. Stages and scopes of
    /// one thread end in the reverse order of their begin. One that ends out of turn has a peak that is not its own, and
    /// counts as a loss.
    pub fn thread_stage(&self, name: &str) -> ThreadStageGuard<'_, A, U, P, R> {
        let measurement = self.check().ok().and_then(|()| self.begin_measurement());
        if measurement.is_none() && self.check().is_ok() {
            self.region().head().losses.count(LossCause::StagesFull);
        }
        #[cfg(feature = "std")]
        let level = measurement.and_then(|measurement| self.begin_copies(measurement.slot));
        ThreadStageGuard {
            running: Running { tracker: self, measurement },
            name: Name::new(name),
            #[cfg(feature = "std")]
            level,
            not_send: core::marker::PhantomData,
        }
    }

    /// Runs `work` as a [`thread_stage`](Self::thread_stage).
    pub fn in_thread_stage<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let _stage = self.thread_stage(name);
        work()
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Drop for ThreadStageGuard<'_, A, U, P, R> {
    fn drop(&mut self) {
        let Some(Measurement { slot, depth, begin, .. }) = self.running.measurement else { return };
        #[cfg_attr(not(feature = "std"), expect(unused_mut, reason = "only copies of cells have a time"))]
        let Some((now, mut peak)) = self.running.end() else { return };
        let tracker = self.running.tracker;
        #[cfg(feature = "std")]
        if let Some(level) = self.level {
            peak.time_ns = tracker.time_of_copies(level, now.time_ns);
        }
        let run = Summary::of_thread(self.name, slot, depth, begin, now, peak);
        let region = tracker.region();
        let ended = try_lock(region.stages()).map(|mut stages| stages.add(run));
        if ended.as_ref().is_none_or(|ended| ended.dropped) {
            region.head().losses.count(LossCause::StagesFull);
        }
        #[cfg(feature = "std")]
        if let Some(level) = self.level.take() {
            tracker.end_copies(level, ended.as_ref());
        }
    }
}
