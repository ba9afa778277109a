//! A thread's own peaks: since the last reset, since the process's innermost stage began, and since the thread's
//! innermost scope began.
//!
//! **Problem.** Three peaks follow live at every event of the thread. Any thread may restart two of them, for all
//! threads, without a walk over the threads and without a race with their events.
//!
//! **Idea.** One mark follows live. When one of the three peaks restarts, the thread first folds the mark into
//! the others. Resets and stages restart peaks by a new generation, which the thread follows at its next event. Until
//! then its peak is the bytes that it held when the generation began.
//!
//! # Generation
//! See [`epoch`](super::epoch). A thread that has not followed the current one has its old peaks still.
//!
//! # Scope
//! A part of one thread's work that is measured: a scope, or a stage of that thread.
//!
//! # Ceiling
//! The bytes that the thread's own part of its account may reach before the mark can rise. It spares the common event the
//! look at the frees of other threads.

use super::epoch::{Epochs, LastCopy};
use crate::sync::*;
use crate::table::account::{Account, Held};
use crate::table::image::assert_layout;
use core::mem::offset_of;
use memtrack_format::image::{records, rules};

/// A high-water mark. It may be below zero while a free is counted before its allocation: comparisons use a sign.
#[repr(C)]
#[derive(Default)]
struct High {
    bytes: AtomicUsize,
    blocks: AtomicU32,
}

impl High {
    #[inline]
    fn get(&self) -> Held {
        Held { bytes: self.bytes.load(Relaxed), blocks: self.blocks.load(Relaxed) }
    }

    #[inline]
    fn set(&self, to: Held) {
        self.bytes.store(to.bytes, Relaxed);
        self.blocks.store(to.blocks, Relaxed);
    }

    #[inline]
    fn raise(&self, to: Held) {
        if to.bytes as isize > self.bytes.load(Relaxed) as isize {
            self.set(to);
        }
    }
}

assert_layout!(records::High as High; offset_of!(High, bytes), offset_of!(High, blocks));

/// The frees by other threads of a thread's blocks, up to the begin of a generation. The first of them that frees in the
/// generation makes the copy.
#[repr(C)]
#[derive(Default)]
struct FreedBefore {
    /// The generation of the copy.
    generation: LastCopy,
    freed: High,
}

assert_layout!(
    records::Noted as FreedBefore;
    offset_of!(FreedBefore, generation),
    offset_of!(FreedBefore, freed),
);

impl FreedBefore {
    /// Before another thread frees a block in `generation`: copies the frees so far.
    #[inline]
    fn copy(&self, generation: usize, freed: impl Fn() -> Held) {
        self.generation.once(generation, |_| self.freed.set(freed()));
    }

    /// The part of `freed` that was freed since `generation` began.
    fn since(&self, generation: usize, freed: Held) -> Held {
        rules::freed_since(generation, self.generation.epoch(), || self.freed.get(), freed)
    }
}

/// A thread's peaks. All-zero is a thread that has held nothing. The thread alone writes them; other threads write
/// [`FreedBefore`].
#[repr(C)]
#[derive(Default)]
pub(crate) struct ThreadPeaks {
    /// The generation that the thread follows.
    generation: AtomicUsize,
    /// The bytes that the account's own part may reach before `now` can rise: never above `now` plus the frees of other threads.
    ceiling: AtomicUsize,
    /// The highest since any of the three restarted.
    now: High,
    /// The highest before it since the last reset,
    since_reset: High,
    /// since the generation began,
    since_stage: High,
    /// and since the thread's innermost scope began.
    since_scope: High,
    freed_before_generation: FreedBefore,
    freed_before_reset: FreedBefore,
}

impl ThreadPeaks {
    /// Where the fields lie, in their order.
    pub(in crate::table) const OFFSETS: [usize; 8] = [
        offset_of!(Self, generation),
        offset_of!(Self, ceiling),
        offset_of!(Self, now),
        offset_of!(Self, since_reset),
        offset_of!(Self, since_stage),
        offset_of!(Self, since_scope),
        offset_of!(Self, freed_before_generation),
        offset_of!(Self, freed_before_reset),
    ];

    /// Before any event of the thread: follows the current generation.
    #[inline]
    pub(crate) fn follow(&self, account: &Account, epochs: &Epochs) {
        let now = epochs.generation();
        let mine = self.generation.load(Relaxed);
        if mine != now {
            self.restart(account, epochs, mine, now);
        }
    }

    #[cold]
    fn restart(&self, account: &Account, epochs: &Epochs, mine: usize, now: usize) {
        self.since_scope.raise(self.now.get());
        if epochs.was_reset_since(mine) {
            self.since_reset.set(self.at_reset(account, epochs));
        } else {
            self.since_reset.raise(self.now.get());
        }
        self.since_stage.set(Held::default());
        self.set_now(self.at_begin(account, now), account);
        self.generation.store(now, Release);
    }

    fn set_now(&self, held: Held, account: &Account) {
        self.now.set(held);
        self.ceiling.store(held.plus(account.remote()).bytes, Relaxed);
    }

    /// Whether the mark stays when the thread's own part has `own` bytes. Frees of other threads since the ceiling was set
    /// raise the true ceiling, so the answer may be no once too often.
    #[inline(always)]
    pub(crate) fn is_above(&self, own: usize) -> bool {
        own as isize <= self.ceiling.load(Relaxed) as isize
    }

    /// The figures of the thread when the generation `now` began, if it has had no event since.
    fn at_begin(&self, account: &Account, now: usize) -> Held {
        account.live().plus(self.freed_before_generation.since(now, account.remote()))
    }

    /// The figures of the thread at the last reset, if it has had no event since.
    fn at_reset(&self, account: &Account, epochs: &Epochs) -> Held {
        account.live().plus(self.freed_before_reset.since(epochs.last_reset(), account.remote()))
    }

    /// The thread holds more than before.
    #[inline(always)]
    pub(crate) fn raise(&self, account: &Account) {
        let remote = account.remote();
        let live = account.own().minus(remote);
        if live.bytes as isize > self.now.bytes.load(Relaxed) as isize {
            self.now.set(live);
        }
        self.ceiling.store(self.now.get().plus(remote).bytes, Relaxed);
    }

    /// Before another thread frees one of its blocks.
    #[inline]
    pub(crate) fn before_remote_free(&self, account: &Account, epochs: &Epochs) {
        self.freed_before_generation.copy(epochs.generation(), || account.remote());
        self.freed_before_reset.copy(epochs.last_reset(), || account.remote());
    }

    /// The thread resets its own peak: the peak since the last reset becomes the bytes that it holds.
    pub(crate) fn reset(&self, account: &Account, epochs: &Epochs) {
        self.follow(account, epochs);
        let seen = self.now.get();
        self.since_stage.raise(seen);
        self.since_scope.raise(seen);
        self.since_reset.set(account.live());
        self.set_now(account.live(), account);
    }

    /// A scope of the thread begins. Returns the outer scope's peak so far, for [`end_scope`](Self::end_scope).
    pub(crate) fn begin_scope(&self, account: &Account, epochs: &Epochs) -> Held {
        self.follow(account, epochs);
        let seen = self.now.get();
        let outer = seen.higher(self.since_scope.get());
        self.since_reset.raise(seen);
        self.since_stage.raise(seen);
        self.since_scope.set(account.live());
        self.set_now(account.live(), account);
        outer
    }

    /// The innermost scope ends. Returns its peak; the outer scope's peak becomes at least that.
    pub(crate) fn end_scope(&self, account: &Account, epochs: &Epochs, outer: Held) -> Held {
        self.follow(account, epochs);
        let inner = self.now.get().higher(self.since_scope.get());
        self.since_scope.set(outer.higher(inner));
        inner.settled()
    }

    /// The most live bytes since the last reset, and the blocks at that moment.
    pub(crate) fn peak(&self, account: &Account, epochs: &Epochs) -> Held {
        let is_behind = epochs.was_reset_since(self.generation.load(Acquire));
        let marks = || [self.since_reset.get(), self.now.get()];
        rules::own_peak(is_behind, || self.at_reset(account, epochs), marks)
    }

    /// The most live bytes since the process's innermost stage began, or since the last reset after that.
    pub(crate) fn stage_peak(&self, account: &Account, epochs: &Epochs) -> Held {
        let now = epochs.generation();
        let is_behind = self.generation.load(Acquire) != now;
        let marks = || [self.since_stage.get(), self.now.get()];
        rules::own_peak(is_behind, || self.at_begin(account, now), marks)
    }
}

#[cfg(all(test, feature = "std", not(models)))]
mod tests {
    use super::*;
    use crate::table::account::Booker;

    #[derive(Default)]
    struct Thread {
        account: Account,
        peaks: ThreadPeaks,
        epochs: Epochs,
    }

    impl Thread {
        fn alloc(&self, size: usize) {
            self.peaks.follow(&self.account, &self.epochs);
            self.account.alloc(size, self.epochs.epoch(), Booker::Owner);
            self.peaks.raise(&self.account);
        }

        /// A free of one of its blocks by another thread.
        fn free_remote(&self, size: usize) {
            self.peaks.before_remote_free(&self.account, &self.epochs);
            self.account.free(size, self.epochs.epoch(), Booker::Anyone);
        }

        /// Its peak since the last reset, and since the stage began.
        fn peaks(&self) -> [(usize, u32); 2] {
            let (account, epochs) = (&self.account, &self.epochs);
            [self.peaks.peak(account, epochs), self.peaks.stage_peak(account, epochs)]
                .map(|held| (held.bytes, held.blocks))
        }
    }

    #[test]
    fn a_thread_without_events_has_the_peak_of_the_moment_at_which_peaks_restarted() {
        let thread = Thread::default();
        [40, 10, 20, 30].into_iter().for_each(|size| thread.alloc(size));
        thread.free_remote(40);
        assert_eq!(thread.peaks(), [(100, 4), (100, 4)]);
        thread.epochs.begin_stage();
        assert_eq!(thread.peaks(), [(100, 4), (60, 3)]);
        thread.free_remote(10);
        assert_eq!(thread.peaks(), [(100, 4), (60, 3)], "it held that when the stage began");
        thread.epochs.begin_reset();
        assert_eq!(thread.peaks(), [(50, 2), (50, 2)]);
        thread.free_remote(20);
        assert_eq!(thread.peaks(), [(50, 2), (50, 2)]);
        thread.alloc(5);
        assert_eq!((thread.peaks(), thread.account.live().bytes), ([(50, 2), (50, 2)], 35));
        thread.alloc(30);
        assert_eq!(thread.peaks(), [(65, 3), (65, 3)]);
        // 135 bytes are its own, of which others have freed 70.
        assert!(thread.peaks.is_above(135) && !thread.peaks.is_above(136));
    }

    #[test]
    fn a_stage_keeps_the_peak_since_the_reset() {
        let thread = Thread::default();
        [40, 60].into_iter().for_each(|size| thread.alloc(size));
        thread.free_remote(60);
        thread.epochs.begin_stage();
        thread.alloc(5);
        assert_eq!(thread.peaks(), [(100, 2), (45, 2)]);
        thread.epochs.begin_reset();
        thread.alloc(1);
        assert_eq!(thread.peaks(), [(46, 3), (46, 3)]);
    }

    #[test]
    fn scopes_nest_and_end_with_their_own_peak() {
        let thread = Thread::default();
        let begin = || thread.peaks.begin_scope(&thread.account, &thread.epochs);
        let end = |outer| thread.peaks.end_scope(&thread.account, &thread.epochs, outer).bytes;
        thread.alloc(100);
        let none = begin();
        thread.alloc(50);
        thread.free_remote(50);
        let outer = begin();
        thread.alloc(20);
        thread.free_remote(20);
        assert_eq!(end(outer), 120);
        // Between the two: a reset of the thread's own peak is no matter of the scope.
        thread.peaks.reset(&thread.account, &thread.epochs);
        assert_eq!(thread.peaks(), [(100, 1), (150, 2)]);
        assert_eq!(end(none), 150);
        let again = begin();
        assert_eq!((again.bytes, end(again)), (150, 100));
    }
}
