//! Guards: stages and tags end when they are dropped.

use super::Tracker;
use crate::hook::guard::Entry;
use crate::lock::try_lock;
use crate::platform::{Local, Platform};
#[cfg(feature = "std")]
use crate::session::triggers;
use crate::sync::*;
use crate::table::peak::Mark;
use crate::table::peak::stage::{Ended, Peak, Stages};
use crate::table::region::Tables;
use crate::unwind::Unwind;
use crate::{Error, LossCause};

/// A stage that is running; it ends when this is dropped.
#[must_use = "a stage ends when its guard is dropped: bind it with `let _stage = …`"]
pub struct StageGuard<'t, A, U: Unwind, P: Platform, R: Tables> {
    tracker: &'t Tracker<A, U, P, R>,
    /// `None` when the stage could not be begun.
    serial: Option<u64>,
}

/// A tag that is pushed on this thread; it is popped when this is dropped.
#[must_use = "a tag is popped when its guard is dropped: bind it with `let _tag = …`"]
pub struct TagGuard<'t> {
    /// The thread's words and the tag before. Not `Send`: a tag belongs to the thread that pushed it.
    pushed: Option<(&'t Local, u32)>,
    not_send: core::marker::PhantomData<*const ()>,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Begins a stage of the whole process: a named span with peaks of its own. Stages nest; runs of one name are
    /// counted together.
    pub fn stage(&self, name: &str) -> StageGuard<'_, A, U, P, R> {
        // The moment is taken behind the re-basing: what is live then is never more than the stage's peak.
        let begin = |stages: &mut R::Stages| stages.begin(name, self.moment());
        let serial = self.check().ok().and_then(|()| self.rebase_stage(begin));
        if serial.is_none() && self.check().is_ok() {
            self.region().head().losses.count(LossCause::StageDepth);
        }
        StageGuard { tracker: self, serial }
    }

    /// Starts the stage's mark from what is live, after telling the active stages what it has seen, and goes on with
    /// `then` before anything else happens to them. `None` when the stages' lock cannot be had.
    pub(crate) fn rebase_stage<T>(&self, then: impl FnOnce(&mut R::Stages) -> Option<T>) -> Option<T> {
        #[cfg(feature = "std")]
        self.before_rebase();
        let mut stages = try_lock(self.region().stages())?;
        let peak = self.stage_peak();
        stages.fold(peak, |thread| self.thread_stage_peak(thread));
        let entry = self.enter_for_marks();
        let own = self.own_share(&entry);
        let left = self.region().head().marks.rebase_stage(self.region().threads(), own);
        // Other threads may have raised it behind the look above: the stages that are active had that.
        stages.fold(Peak { bytes: left, ..peak }, |_| 0);
        let result = then(&mut stages);
        drop((entry, stages));
        #[cfg(feature = "std")]
        triggers::serve();
        result
    }

    /// Runs `work` as a [`stage`](Self::stage).
    pub fn in_stage<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let _stage = self.stage(name);
        work()
    }

    /// Pushes a tag on the calling thread: until the guard is dropped, its events show under `name` at the root of
    /// their flames. Tags nest: their guards are to be dropped in the reverse order, for each brings back the tag that was
    /// there before it.
    pub fn tag(&self, name: &str) -> TagGuard<'_> {
        self.push(|before| {
            let tag = self.region().tags().find_or_insert(before as u16, name);
            if tag.is_none() {
                self.region().head().losses.count(LossCause::TagsFull);
            }
            tag.map_or(before, u32::from)
        })
    }

    /// Makes `tag` the calling thread's, in place of what it has.
    pub(super) fn push_tag(&self, tag: u32) -> TagGuard<'_> {
        self.push(|_| tag)
    }

    fn push(&self, tag: impl FnOnce(u32) -> u32) -> TagGuard<'_> {
        let pushed = match self.enter_always() {
            Entry::Ready(entered) => {
                let before = entered.local.tag.load(Relaxed);
                entered.local.tag.store(tag(before), Relaxed);
                self.number_of(entered.local).map(|local| (local, before))
            }
            _ => None,
        };
        TagGuard { pushed, not_send: core::marker::PhantomData }
    }

    /// The thread's words with the tracker's lifetime: a guard on this thread cannot outlive the thread.
    fn number_of(&self, local: &Local) -> Option<&Local> {
        match self.number() {
            Entry::Ready(number) => self.platform.local(number).filter(|own| core::ptr::eq(*own, local)),
            _ => None,
        }
    }
}

impl<'t, A, U: Unwind, P: Platform, R: Tables> StageGuard<'t, A, U, P, R> {
    /// Ends the stage and writes its own snapshot: its figures, and what every cell held at its peak. False when
    /// there is nothing to write: the stage was not begun, a run of its name before had a higher peak, or the cells
    /// at its peak are not known any more because a stage inside it had the peak.
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

    /// The guard of a stage that runs already.
    pub(super) fn of(tracker: &'t Tracker<A, U, P, R>, serial: u64) -> Self {
        StageGuard { tracker, serial: Some(serial) }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.serial.is_some()
    }

    /// Ends the stage, once. Its figures, and what the stage's mark holds.
    fn end(&mut self) -> Option<(Ended, Peak)> {
        let (tracker, serial) = (self.tracker, self.serial.take()?);
        let now = tracker.moment();
        let peak = tracker.stage_peak();
        let Some(mut stages) = try_lock(tracker.region().stages()) else {
            // It is told as running for ever.
            tracker.region().head().losses.count(LossCause::StagesFull);
            return None;
        };
        stages.fold(peak, |thread| tracker.thread_stage_peak(thread));
        let ended = stages.end(serial, now);
        drop(stages);
        #[cfg(feature = "std")]
        triggers::serve();
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

impl TagGuard<'_> {
    /// Whether there was room for the tag.
    pub(super) fn is_pushed(&self) -> bool {
        self.pushed.is_some_and(|(local, before)| local.tag.load(Relaxed) != before)
    }
}

impl Drop for TagGuard<'_> {
    fn drop(&mut self) {
        if let Some((local, before)) = self.pushed {
            local.tag.store(before, Relaxed);
        }
    }
}
