//! Stages and tags without guards: a C program begins and ends them by calls.

use super::stage::StageGuard;
use crate::hook::Tracker;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::peak::stage::Stages;
use crate::table::region::Tables;
use crate::unwind::Unwind;

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Begins a stage as [`stage`](Self::stage) does. Returns false when it could not begin: then do not end it.
    pub fn stage_begin(&self, name: &str) -> bool {
        let guard = self.stage(name);
        let begun = guard.has_begun();
        core::mem::forget(guard);
        begun
    }

    /// Ends the innermost stage that is running, whichever thread began it. Returns false when none is running.
    pub fn stage_end(&self) -> bool {
        let region = self.region_of_process();
        let innermost =
            region.and_then(|region| try_lock(region.stages())).and_then(|stages| stages.innermost());
        let Some(serial) = innermost else { return false };
        drop(StageGuard::of(self, serial));
        true
    }

    /// Pushes a tag as [`tag`](Self::tag) does. Returns false when it could not: then do not pop it.
    pub fn tag_begin(&self, name: &str) -> bool {
        let guard = self.tag(name);
        let pushed = guard.is_pushed();
        core::mem::forget(guard);
        pushed
    }

    /// Pops the calling thread's innermost tag. Returns false when the thread has none.
    pub fn tag_end(&self) -> bool {
        let Ok(guard) = self.guard_without_triggers() else { return false };
        let tag = guard.local.tag.load(Relaxed);
        let Some(index) = (tag as usize).checked_sub(1) else { return false };
        let Some((parent, _)) = self.region().tags().get(index) else { return false };
        guard.local.tag.store(u32::from(parent), Relaxed);
        true
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use crate::{NoUnwind, Region, Tracker};

    type Small = Region<64, 64, 4, 2, 2, 8>;

    #[test]
    fn stages_and_tags_end_innermost_first_and_no_more_often_than_they_began() {
        static REGION: Small = Region::new();
        static TRACKER: Tracker<(), NoUnwind, crate::Host, Small> =
            Tracker::with((), NoUnwind, crate::Host, &REGION);
        assert!(!TRACKER.stage_end());
        assert!(TRACKER.stage_begin("outer") && TRACKER.stage_begin("inner"));
        assert!(TRACKER.stage_end());
        let running: Vec<(String, bool)> =
            TRACKER.stages().map(|stage| (stage.name().into(), stage.running)).collect();
        assert_eq!(running, [("inner".into(), false), ("outer".into(), true)]);
        assert!(TRACKER.stage_end() && !TRACKER.stage_end());

        assert!(!TRACKER.tag_end());
        assert!(TRACKER.tag_begin("request") && TRACKER.tag_begin("parse"));
        assert!(!TRACKER.tag_begin("third"), "the table holds two");
        assert!(TRACKER.tag_end() && TRACKER.tag_end() && !TRACKER.tag_end());
    }
}
