//! The program's live bytes and its peaks, and the epochs by which every account remembers what it held at them.
//!
//! Two marks stand at once: the *program's* (since the last `reset_peak`) and the *stage's* (since the innermost
//! stage began). While live only rises past a peak, nothing is copied: accounts *stand* at the peak. The first
//! fall after it begins a new epoch. Each account remembers the epoch in which it last changed; before it
//! changes for the first time in an epoch it copies its live figures (see [`crate::table::account`]). So a reader takes
//! for each mark: live, while the mark stands; the copy, when the account has changed since the fall that
//! followed the mark; live otherwise. O(1) extra work an event, no walk.
//!
//! No word counts live: the stage's peak is live plus the head-room that [`super::credit`] hands around.

use super::credit::Room;
use super::share::Share;
use crate::counter::Counter;
use crate::sync::*;
use crate::table::pending::Watch;
use crate::table::threads::Threads;

/// Flag of the state word: the stage's mark stands at its peak.
const STAGE: usize = 1;
/// Flag: the program's mark stands at its peak.
const PROGRAM: usize = 2;
const FLAGS: usize = STAGE | PROGRAM;
/// One epoch in the state word.
const EPOCH: usize = 4;
/// One generation: even, as a [stamp](super::epoch) wants it.
const GENERATION: usize = 2;

/// The two marks; also the index of an account's copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Program = 0,
    Stage = 1,
}

impl Mark {
    const fn flag(self) -> usize {
        match self {
            Mark::Program => PROGRAM,
            Mark::Stage => STAGE,
        }
    }
}

/// All-zero is the start: nothing live, no peak.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Marks {
    /// What lies between live and the stage's peak.
    pub(crate) room: Room,
    /// Epoch and the two standing flags. From here on an image is read, and the room above.
    state: AtomicUsize,
    /// For each mark, the epoch that began with the fall after its peak.
    fallen: [AtomicUsize; 2],
    /// Counts re-basings of the peaks, resets and stages that begin, by [`GENERATION`].
    generation: AtomicUsize,
    /// The generation of the last reset.
    reset: AtomicUsize,
    /// The stage's peak: live plus all head-room.
    peak: AtomicUsize,
    /// The highest peak of the stages before, since the last reset.
    kept: AtomicUsize,
    peak_time: [Counter; 2],
}

/// Where live stands against the marks, as read at the start of an event.
#[derive(Clone, Copy)]
pub(crate) struct Epoch<'m> {
    now: usize,
    marks: &'m Marks,
}

impl Epoch<'_> {
    #[inline]
    pub(crate) fn number(self) -> usize {
        self.now
    }

    /// Whether an account that last changed in `epoch` has not changed since the mark stood.
    #[inline]
    pub(crate) fn precedes(self, epoch: usize, mark: Mark) -> bool {
        (epoch.wrapping_sub(self.marks.fallen[mark as usize].load(Relaxed)) as isize) < 0
    }
}

impl Marks {
    /// Where an image of it begins.
    pub(in crate::table) const IMAGE: usize = core::mem::offset_of!(Self, state);

    /// The present epoch.
    #[inline]
    pub(crate) fn epoch(&self) -> Epoch<'_> {
        Epoch { now: self.state.load(Acquire) & !FLAGS, marks: self }
    }

    /// The epoch for an event that makes live fall: a new one when a mark stands, whose time is asked for then. (A
    /// program that grows makes a new peak at every event: reading the clock at each would cost more than the rest.)
    #[inline]
    pub(crate) fn falling(&self, time: impl FnOnce() -> u64) -> Epoch<'_> {
        let state = self.state.load(Acquire);
        let now = if state & FLAGS == 0 { state } else { self.fall(state, time()) };
        Epoch { now, marks: self }
    }

    /// The epoch, unless a mark stands: then live may rise in it but not fall.
    #[inline(always)]
    pub(crate) fn fallen_epoch(&self) -> Option<Epoch<'_>> {
        let state = self.state.load(Acquire);
        (state & FLAGS == 0).then_some(Epoch { now: state, marks: self })
    }

    #[cold]
    fn fall(&self, mut state: usize, time: u64) -> usize {
        loop {
            let next = (state & !FLAGS).wrapping_add(EPOCH);
            for mark in [Mark::Program, Mark::Stage] {
                if state & mark.flag() != 0 {
                    // A thread that was stopped here long ago must not take it back.
                    advance(&self.fallen[mark as usize], next);
                    self.peak_time[mark as usize].set(time);
                }
            }
            match self.state.compare_exchange(state, next, AcqRel, Acquire) {
                Ok(_) => return next,
                Err(now) if now & FLAGS == 0 => return now,
                Err(now) => state = now,
            }
        }
    }

    /// Live rises by `n`, after the accounts have changed.
    #[inline]
    pub(crate) fn rise(&self, n: usize, own: Option<&Share>, threads: Threads<'_>, watch: &Watch) {
        if !own.is_some_and(|own| own.take(n, &self.room)) {
            self.room.take_slowly(n, own, threads, |missing| watch.risen(self.raise(missing)));
        }
    }

    /// Live falls by `n`, after the accounts have changed in the epoch that [`falling`](Self::falling) gave.
    #[inline]
    pub(crate) fn drop(&self, n: usize, own: Option<&Share>) {
        self.room.give(n, own);
    }

    /// An event of the thread with this share was abandoned in the middle: the head-room becomes again what lies between
    /// live and the stage's peak.
    #[cfg(feature = "std")]
    pub(crate) fn settle(&self, own: &Share, threads: Threads<'_>) {
        let peak = self.peak.load(Relaxed);
        self.room.settle(peak, own, threads, |missing| _ = self.raise(missing));
    }

    #[inline(never)]
    fn raise(&self, missing: usize) -> usize {
        let high = self.peak.fetch_add(missing, Relaxed).wrapping_add(missing);
        let flags = if high > self.kept.load(Relaxed) { FLAGS } else { STAGE };
        if self.state.load(Relaxed) & flags != flags {
            self.state.fetch_or(flags, AcqRel);
        }
        high
    }

    /// Whether the mark still stands: then what is live is what stood at the peak.
    #[inline]
    pub(crate) fn stands(&self, mark: Mark) -> bool {
        self.state.load(Acquire) & mark.flag() != 0
    }

    /// Bytes at the mark's peak. The program's is never below the stage's.
    pub(crate) fn peak(&self, mark: Mark) -> usize {
        let stage = self.peak.load(Relaxed);
        match mark {
            Mark::Program => stage.max(self.kept.load(Relaxed)),
            Mark::Stage => stage,
        }
    }

    /// When live fell from it, in the platform's nanoseconds since the start; `now` while it still stands.
    pub(crate) fn peak_time(&self, mark: Mark, now: u64) -> u64 {
        if self.stands(mark) { now } else { self.peak_time[mark as usize].get() }
    }

    /// A stage begins: its mark starts from what is live, and threads re-base theirs when they next run. The peak that it
    /// leaves, which may have risen since somebody looked.
    pub(crate) fn rebase_stage(&self, threads: Threads<'_>, own: Option<&Share>) -> usize {
        let mut left = 0;
        self.generation.fetch_add(GENERATION, AcqRel);
        self.room.drain(threads, own, |room| {
            self.kept.fetch_max(self.peak.load(Relaxed), Relaxed);
            left = self.peak.fetch_sub(room, Relaxed);
            // It may have risen meanwhile.
            self.kept.fetch_max(left, Relaxed);
        });
        self.state.fetch_or(STAGE, AcqRel);
        left
    }

    /// The peaks of program, stage and threads become what is live. The stage's that was left.
    pub(crate) fn reset(&self, threads: Threads<'_>, own: Option<&Share>) -> usize {
        let mut left = 0;
        loop {
            let before = self.generation.load(Acquire);
            let generation = before.wrapping_add(GENERATION);
            // First, so that a thread that follows the generation knows it for a reset.
            advance(&self.reset, generation);
            if self.generation.compare_exchange(before, generation, AcqRel, Relaxed).is_ok() {
                break;
            }
        }
        self.room.forget_error();
        self.room.drain(threads, own, |room| {
            left = self.peak.fetch_sub(room, Relaxed);
            self.kept.store(0, Relaxed);
        });
        self.state.fetch_or(FLAGS, AcqRel);
        left
    }

    /// In a forked child: peaks begin anew from what is live, and nobody holds head-room.
    #[cfg(feature = "std")]
    pub(crate) fn forked(&self, live: usize, threads: Threads<'_>) {
        let generation = self.generation.load(Acquire).wrapping_add(GENERATION);
        self.reset.store(generation, Release);
        self.generation.store(generation, Release);
        self.room.forked(threads);
        self.peak.store(live, Relaxed);
        self.kept.store(0, Relaxed);
        self.state.fetch_or(FLAGS, AcqRel);
    }

    /// Most bytes by which the peak told may exceed the true one: 0 when it is exact.
    pub(crate) fn peak_error(&self, threads: Threads<'_>) -> usize {
        self.room.error(threads)
    }

    /// From now on each thread may hold `slack` bytes of head-room without being asked for them.
    pub(crate) fn set_slack(&self, slack: usize, threads: Threads<'_>, own: Option<&Share>) {
        self.room.set_slack(slack, threads, own);
    }

    /// Counts re-basings. A thread whose peak is of an older one has peak = live.
    #[inline]
    pub(crate) fn generation(&self) -> usize {
        self.generation.load(Acquire)
    }

    /// The generation that the last reset began.
    #[inline]
    pub(crate) fn last_reset(&self) -> usize {
        self.reset.load(Acquire)
    }

    /// Whether a peak of `generation` was reset since, not only re-based by a stage.
    pub(crate) fn was_reset_since(&self, generation: usize) -> bool {
        (self.last_reset().wrapping_sub(generation) as isize) > 0
    }
}

/// Raises a word that counts, modulo its width.
fn advance(word: &AtomicUsize, to: usize) {
    let mut at = word.load(Relaxed);
    while (to.wrapping_sub(at) as isize) > 0 {
        match word.compare_exchange_weak(at, to, AcqRel, Relaxed) {
            Ok(_) => return,
            Err(now) => at = now,
        }
    }
}
