//! Stages of the process: named parts of a program's run with peaks of their own.

use crate::error::Error;
use crate::hook::Tracker;
use crate::hook::guard::Guard;
use crate::lock::try_lock;
use crate::platform::Platform;
#[cfg(feature = "std")]
use crate::session::triggers;
use crate::table::peak::Mark;
use crate::table::peak::stage::{Ended, Stages};
use crate::table::peak::summary::Peak;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use memtrack_format::LossCause;

/// A stage that is running; it ends when this is dropped.
#[must_use = "a stage ends when its guard is dropped: bind it with `let _stage = …`"]
pub struct StageGuard<'t, A, U: Unwind, P: Platform, R: Tables> {
    tracker: &'t Tracker<A, U, P, R>,
    /// `None` when the stage could not begin.
    serial: Option<u64>,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Begins a stage of the whole process: a named part of its run with peaks of its own. Stages nest; runs of one name
    /// are counted together.
    pub fn stage(&self, name: &str) -> StageGuard<'_, A, U, P, R> {
        // The moment is read after the peak has started anew: the live bytes of that moment never exceed the stage's peak.
        let begin = |stages: &mut R::Stages| stages.begin(name, self.moment());
        let serial = self.check().ok().and_then(|()| self.rebase_stage(begin));
        if serial.is_none() && self.check().is_ok() {
            self.region().head().losses.count(LossCause::StageDepth);
        }
        StageGuard { tracker: self, serial }
    }

    /// Raises the peaks of the running stages to the current peak, and starts that peak anew from the live bytes. Calls
    /// `then` while it still holds the lock of the stages. `None` when it cannot get the lock.
    pub(super) fn rebase_stage<T>(&self, then: impl FnOnce(&mut R::Stages) -> Option<T>) -> Option<T> {
        #[cfg(feature = "std")]
        self.before_rebase();
        let mut stages = try_lock(self.region().stages())?;
        let peak = self.stage_peak();
        stages.fold(peak, |thread| self.thread_stage_peak(thread));
        let guard = self.guard_for_credit();
        let share = guard.as_ref().and_then(Guard::share);
        let left = self.region().head().marks.rebase_stage(self.region().threads(), share);
        // Other threads may have raised the peak since it was read above: the running stages had that peak.
        stages.fold(Peak { bytes: left, ..peak }, |_| 0);
        let result = then(&mut stages);
        drop((guard, stages));
        #[cfg(feature = "std")]
        triggers::write_requested();
        result
    }

    /// Runs `work` as a [`stage`](Self::stage).
    pub fn in_stage<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let _stage = self.stage(name);
        work()
    }
}

impl<'t, A, U: Unwind, P: Platform, R: Tables> StageGuard<'t, A, U, P, R> {
    /// Ends the stage and writes its own snapshot: its figures, and the live bytes of every cell at its peak. Returns false
    /// when there is nothing to write: the stage has not begun, an earlier run of its name had a higher peak, or the cells at
    /// its peak are unknown because an inner stage had the peak.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn finish<W: embedded_io::Write>(mut self, to: &mut W) -> Result<bool, Error> {
        let Some((ended, peak)) = self.end() else { return Ok(false) };
        if !ended.is_highest || ended.run.peak.bytes != peak.bytes {
            return Ok(false);
        }
        let (tracker, io) = (self.tracker, crate::dump::Io(to));
        let first = memtrack_format::Node::FIRST;
        let at = crate::dump::At::Mark(Mark::Stage);
        crate::dump::stage(tracker.region(), &tracker.platform, U::NAME, at, &ended.run, first, io)?;
        Ok(true)
    }

    /// A guard for a stage that is already running.
    pub(super) fn of(tracker: &'t Tracker<A, U, P, R>, serial: u64) -> Self {
        StageGuard { tracker, serial: Some(serial) }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.serial.is_some()
    }

    /// Ends the stage, once. Returns its figures, and the peak since the innermost stage began.
    fn end(&mut self) -> Option<(Ended, Peak)> {
        let (tracker, serial) = (self.tracker, self.serial.take()?);
        let now = tracker.moment();
        let peak = tracker.stage_peak();
        let Some(mut stages) = try_lock(tracker.region().stages()) else {
            // The stage is shown as running for ever.
            tracker.region().head().losses.count(LossCause::StagesFull);
            return None;
        };
        stages.fold(peak, |thread| tracker.thread_stage_peak(thread));
        let ended = stages.end(serial, now);
        drop(stages);
        #[cfg(feature = "std")]
        triggers::write_requested();
        let ended = ended?;
        if ended.dropped {
            tracker.region().head().losses.count(LossCause::StagesFull);
        }
        Some((ended, peak))
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Drop for StageGuard<'_, A, U, P, R> {
    fn drop(&mut self) {
        let _ended = self.end();
        #[cfg(feature = "std")]
        if let Some((ended, peak)) = _ended {
            self.tracker.after_stage(&ended, peak);
        }
    }
}
