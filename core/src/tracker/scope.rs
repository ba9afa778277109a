//! Spans of one thread: what a closure allocates, and stages that concern the calling thread alone.

use super::Tracker;
use crate::LossCause;
use crate::hook::guard::Entry;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::account::{Booker, Held};
use crate::table::name::Name;
use crate::table::peak::Mark;
use crate::table::peak::stage::{Moment, Peak, Stages, Summary};
use crate::table::region::Tables;
use crate::table::threads::booker;
use crate::unwind::Unwind;

/// What the calling thread did while a closure ran: [`Tracker::scope`]. Live and peak count the blocks that the thread
/// allocated, whoever frees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeStats {
    /// Allocations, reallocations included.
    pub allocs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes alive when it began.
    pub live_before: u64,
    /// Bytes alive when it ended.
    pub live_after: u64,
    /// Highest live bytes above what was alive when it began.
    pub peak_bytes: u64,
    /// Events of the program that were not attributed in full meanwhile. While it is 0 the figures are exact; a thread
    /// that has no slot of its own has no figures, and 1 at least here.
    pub lost: u64,
}

/// A stage of one thread that is running; it ends when this is dropped.
#[must_use = "a stage ends when its guard is dropped: bind it with `let _stage = …`"]
pub struct ThreadStageGuard<'t, A, U: Unwind, P: Platform, R: Tables> {
    open: Open<'t, A, U, P, R>,
    name: Name,
    /// What keeps the cells at its peak.
    #[cfg(feature = "std")]
    level: Option<crate::hook::stage_cells::KeptLevel>,
    /// A span belongs to the thread that began it.
    not_send: core::marker::PhantomData<*const ()>,
}

/// A span of one thread that is running.
#[derive(Clone, Copy)]
struct Span {
    slot: u16,
    /// Spans around it.
    depth: u32,
    begin: Moment,
    /// The peak of the span around it so far.
    outer: Held,
}

/// Ends its span however it is left.
struct Open<'t, A, U: Unwind, P: Platform, R: Tables> {
    tracker: &'t Tracker<A, U, P, R>,
    /// `None` when it could not be begun, or has ended.
    span: Option<Span>,
}

impl<A, U: Unwind, P: Platform, R: Tables> Open<'_, A, U, P, R> {
    fn end(&mut self) -> Option<(Moment, Peak)> {
        self.span.take().map(|span| self.tracker.end_scope(span))
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Drop for Open<'_, A, U, P, R> {
    fn drop(&mut self) {
        self.end();
    }
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
        let Some(span) = self.begin_scope() else {
            let losses = || self.known().map_or(0, |region| region.head().losses.total());
            let before = losses();
            let result = work();
            let lost = (losses() - before).max(1);
            return (result, ScopeStats { lost, ..ScopeStats::default() });
        };
        let begin = span.begin;
        let mut open = Open { tracker: self, span: Some(span) };
        let result = work();
        let Some((now, peak)) = open.end() else { return (result, ScopeStats::default()) };
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

    /// Begins a stage of the calling thread alone: its figures are those of the blocks that this thread allocates,
    /// and its peak is the thread's. Nests in any way with stages of the process, which it does not touch; among each
    /// other, stages and scopes of a thread end in the reverse order of their begin. One that ends out of turn has a peak
    /// that is not its own, and counts as a loss.
    pub fn thread_stage(&self, name: &str) -> ThreadStageGuard<'_, A, U, P, R> {
        let span = self.check().ok().and_then(|()| self.begin_scope());
        if span.is_none() && self.check().is_ok() {
            self.region().head().losses.count(LossCause::StagesFull);
        }
        #[cfg(feature = "std")]
        let level = span.and_then(|span| self.begin_keeping(span.slot));
        ThreadStageGuard {
            open: Open { tracker: self, span },
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

    /// `None` on a thread without a slot of its own.
    fn begin_scope(&self) -> Option<Span> {
        match self.enter_always() {
            Entry::Ready(entered) if booker(entered.slot) == Booker::Owner => {
                let outer =
                    self.region().threads().get(entered.slot).begin_scope(&self.region().head().marks.epochs);
                let depth = entered.local.spans.load(Relaxed);
                entered.local.spans.store(depth + 1, Relaxed);
                Some(Span { slot: entered.slot, depth, begin: self.thread_moment(entered.slot), outer })
            }
            _ => None,
        }
    }

    fn end_scope(&self, span: Span) -> (Moment, Peak) {
        // The hook is kept out, so that no signal handler books in the middle.
        let entry = self.enter_always();
        if let Entry::Ready(entered) = &entry {
            if entered.local.spans.load(Relaxed) != span.depth + 1 {
                // Not the innermost: the peaks of those that overlap are not known.
                self.region().head().losses.count(LossCause::StageDepth);
            }
            entered.local.spans.store(span.depth, Relaxed);
        }
        let now = self.thread_moment(span.slot);
        let held =
            self.region().threads().get(span.slot).end_scope(&self.region().head().marks.epochs, span.outer);
        // When that was, nobody looked.
        (now, Peak { bytes: held.bytes, blocks: held.blocks as usize, time_ns: 0 })
    }

    /// The totals of a thread now.
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

impl<A, U: Unwind, P: Platform, R: Tables> Drop for ThreadStageGuard<'_, A, U, P, R> {
    fn drop(&mut self) {
        let Some(Span { slot, depth, begin, .. }) = self.open.span else { return };
        #[cfg_attr(not(feature = "std"), expect(unused_mut, reason = "no level tells the time"))]
        let Some((now, mut peak)) = self.open.end() else { return };
        #[cfg(feature = "std")]
        if let Some(level) = self.level {
            peak.time_ns = self.open.tracker.kept_time(level, now.time_ns);
        }
        let (run, region) =
            (Summary::of_thread(self.name, slot, depth, begin, now, peak), self.open.tracker.region());
        let ended = try_lock(region.stages()).map(|mut stages| stages.add(run));
        if ended.as_ref().is_none_or(|ended| ended.dropped) {
            region.head().losses.count(LossCause::StagesFull);
        }
        #[cfg(feature = "std")]
        if let Some(level) = self.level.take() {
            self.open.tracker.end_keeping(level, ended.as_ref());
        }
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
    fn spans_have_their_own_peaks_and_leave_those_around_them_right() {
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

        // Stages of the process and resets in the middle of a span take nothing from it.
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

        // A scope that panics ends, and so does not hide what its outer one saw.
        let (_, panicked) = TRACKER.scope(|| {
            touch(90);
            let result = std::panic::catch_unwind(|| TRACKER.scope(|| -> () { panic!("on purpose") }));
            assert!(result.is_err());
        });
        assert_eq!(panicked.peak_bytes, 90);

        // A span that never ends, or ends later than one around it, is told.
        let (_, around) = TRACKER.scope(|| core::mem::forget(TRACKER.thread_stage("forgotten")));
        assert_eq!(around.lost, 1);

        TRACKER.in_thread_stage("outer", || touch(200));
        TRACKER.in_stage("outer", || touch(5));
        let stages: Vec<_> = TRACKER.stages().filter(|stage| stage.name() == "outer").collect();
        let told: Vec<_> =
            stages.iter().map(|s| (s.thread.is_some(), s.runs, s.peak_bytes, s.allocs)).collect();
        assert_eq!(told, [(true, 2, 1300, 7), (false, 1, 1005, 1)]);
        assert_eq!(stages[0].thread_peaks().collect::<Vec<_>>(), [(stages[0].thread.unwrap(), 1300)]);
        let thread = TRACKER.threads().find(|thread| Some(thread.id) == stages[0].thread).unwrap();
        assert_eq!(thread.stats.peak_bytes, 1200, "since the last reset");
        TRACKER.on_free(kept, 0);
    }
}
