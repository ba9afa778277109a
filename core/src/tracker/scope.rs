//! Scopes: the figures of one thread while a closure runs.

use super::measurement::Running;
use crate::hook::Tracker;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::unwind::Unwind;

/// The calling thread's figures for the run of a closure: [`Tracker::scope`]. Live and peak count the blocks that the thread
/// allocated, whichever thread frees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeStats {
    /// Allocations, reallocations included.
    pub allocs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Live bytes when the closure began.
    pub live_before: u64,
    /// Live bytes when the closure ended.
    pub live_after: u64,
    /// How far live bytes rose above `live_before`.
    pub peak_bytes: u64,
    /// Events of the program that were not attributed in full while the closure ran. The figures are exact when this is 0.
    /// A thread that shares its slot has no figures, and at least 1 here.
    pub lost: u64,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Runs `work` and measures what it allocates on this thread: for tests and benchmarks. Scopes nest.
    ///
    /// ```
    /// # use memtrack::Tracker;
    /// # use std::alloc::System;
    /// # #[global_allocator]
    /// # static HEAP: Tracker<System> = Tracker::new(System);
    /// let (text, heap) = HEAP.scope(|| "ab".repeat(512));
    /// assert_eq!((heap.allocs, heap.bytes, heap.peak_bytes), (1, 1024, 1024));
    /// # drop(text);
    /// ```
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> (T, ScopeStats) {
        let Some(measurement) = self.begin_measurement() else {
            let losses = || self.region_of_process().map_or(0, |region| region.head().losses.total());
            let before = losses();
            let result = work();
            let lost = (losses() - before).max(1);
            return (result, ScopeStats { lost, ..ScopeStats::default() });
        };
        let begin = measurement.begin;
        let mut running = Running { tracker: self, measurement: Some(measurement) };
        let result = work();
        let Some((now, peak)) = running.end() else { return (result, ScopeStats::default()) };
        let stats = ScopeStats {
            allocs: now.allocs - begin.allocs,
            bytes: now.bytes - begin.bytes,
            live_before: begin.live as u64,
            live_after: now.live as u64,
            peak_bytes: peak.bytes.saturating_sub(begin.live) as u64,
            lost: now.lost - begin.lost,
        };
        (result, stats)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::{Heap, NoUnwind, Region};

    type Small = Region<64, 64, 4, 8, 2, 8>;
    static REGION: Small = Region::new();
    static TRACKER: Tracker<(), NoUnwind, crate::Host, Small> =
        Tracker::with((), NoUnwind, crate::Host, &REGION);

    /// Allocates and frees at once.
    fn touch(size: usize) {
        let token = TRACKER.on_alloc(Heap::WRAPPED, 0, size);
        TRACKER.on_free(token, 0);
    }

    #[test]
    fn measurements_have_their_own_peaks_and_do_not_change_those_around_them() {
        let kept = TRACKER.on_alloc(Heap::WRAPPED, 0, 1000);
        touch(500);
        let stage = TRACKER.thread_stage("outer");
        let (inner, outer) = TRACKER.scope(|| {
            touch(70);
            let (_, inner) = TRACKER.scope(|| touch(50));
            touch(60);
            inner
        });
        assert_eq!((inner.allocs, inner.bytes, inner.peak_bytes), (1, 50, 50));
        assert_eq!((outer.allocs, outer.bytes, outer.peak_bytes), (3, 180, 70));
        assert_eq!((outer.live_before, outer.live_after, outer.lost), (1000, 1000, 0));

        // Stages of the process and resets in the middle of a scope do not change its figures.
        let (_, around) = TRACKER.scope(|| {
            touch(300);
            let process = TRACKER.stage("process");
            touch(10);
            drop(process);
            TRACKER.reset_peak();
            touch(20);
            TRACKER.reset_thread_peak();
        });
        assert_eq!((around.allocs, around.peak_bytes), (3, 300));
        drop(stage);

        // A scope that panics ends, and does not change the peak of its outer scope.
        let (_, panicked) = TRACKER.scope(|| {
            touch(90);
            let result = std::panic::catch_unwind(|| TRACKER.scope(|| -> () { panic!("on purpose") }));
            assert!(result.is_err());
        });
        assert_eq!(panicked.peak_bytes, 90);

        // A stage that never ends, or ends after its outer scope, is a loss of that scope.
        let (_, around) = TRACKER.scope(|| core::mem::forget(TRACKER.thread_stage("forgotten")));
        assert_eq!(around.lost, 1);

        TRACKER.in_thread_stage("outer", || touch(200));
        TRACKER.in_stage("outer", || touch(5));
        let stages: Vec<_> = TRACKER.stages().filter(|stage| stage.name() == "outer").collect();
        let figures: Vec<_> =
            stages.iter().map(|s| (s.thread.is_some(), s.runs, s.peak_bytes, s.allocs)).collect();
        assert_eq!(figures, [(true, 2, 1300, 7), (false, 1, 1005, 1)]);
        assert_eq!(stages[0].thread_peaks().collect::<Vec<_>>(), [(stages[0].thread.unwrap(), 1300)]);
        let thread = TRACKER.threads().find(|thread| Some(thread.id) == stages[0].thread).unwrap();
        assert_eq!(thread.stats.peak_bytes, 1200, "since the last reset");
        TRACKER.on_free(kept, 0);
    }
}
