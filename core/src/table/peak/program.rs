//! The program's peaks: the one since the last reset, and the one since the innermost stage began.
//!
//! **Problem.** A counter of live bytes that every event changes is the one line of memory on which all threads meet.
//!
//! **Idea.** No word counts live bytes. The stage's peak is live plus the [`credit`](super::credit) of all threads, so an
//! allocation that its thread's credit covers leaves the peak alone, exactly. The missing bytes of any other allocation
//! raise the peak. The program's peak is the highest of the stages' peaks.

use super::credit::Credit;
use super::epoch::{AtPeak, Epoch, Epochs, Mark};
use super::share::{Share, Shares};
use crate::counter::Counter;
use crate::sync::*;
use crate::table::pending::Pending;
use core::mem::offset_of;
use memtrack_format::image::rules;

/// The peaks of a program. All-zero is the start: nothing is live, no peak.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Marks {
    /// The bytes between live and the stage's peak.
    pub(crate) credit: Credit,
    /// A copy of a region is read from here on, and the credit above.
    pub(crate) epochs: Epochs,
    /// The stage's peak: live plus all credit.
    peak: AtomicUsize,
    /// The highest peak of earlier stages since the last reset.
    earlier: AtomicUsize,
    /// When live fell from each mark's peak.
    peak_time: [Counter; 2],
}

impl Marks {
    /// Where an image begins to read.
    pub(in crate::table) const IMAGE: usize = offset_of!(Self, epochs);

    /// Where the fields lie that an image has.
    pub(in crate::table) const fn offsets() -> [usize; 7] {
        let [state, fallen, generation, reset] = Epochs::OFFSETS;
        let (peak, earlier) = (offset_of!(Self, peak), offset_of!(Self, earlier));
        let epochs = Self::IMAGE;
        let peak_time = offset_of!(Self, peak_time);
        [epochs + state, epochs + fallen, epochs + generation, epochs + reset, peak, earlier, peak_time]
    }

    /// The epoch for an event that makes live fall: a new one when a mark is at its peak. Only then is `time` read: a
    /// program that grows makes a new peak at every event, and the clock costs more than the rest of an event.
    #[inline]
    pub(crate) fn falling(&self, time: impl FnOnce() -> u64) -> Epoch<'_> {
        self.epochs.before_fall().unwrap_or_else(|at_peak| self.fall(at_peak, time()))
    }

    #[cold]
    fn fall(&self, at_peak: AtPeak, time: u64) -> Epoch<'_> {
        self.epochs.fall(at_peak, |mark| self.peak_time[mark as usize].set(time))
    }

    /// Live rises by `n`. The accounts have changed already.
    #[inline]
    pub(crate) fn rise<'t>(
        &self,
        n: usize,
        own: Option<&Share>,
        threads: impl Shares<'t>,
        pending: &Pending,
    ) {
        if !own.is_some_and(|own| self.credit.take(n, own)) {
            self.credit.take_slowly(n, own, threads, |missing| pending.peak_rose(self.raise(missing)));
        }
    }

    /// Live falls by `n`. The accounts have changed already, in the epoch of [`falling`](Self::falling).
    #[inline]
    pub(crate) fn drop(&self, n: usize, own: Option<&Share>) {
        self.credit.give(n, own);
    }

    /// The thread with this share has abandoned an event in the middle: makes the credit again the bytes between `live`
    /// and the stage's peak.
    #[cfg(feature = "std")]
    pub(crate) fn settle<'t>(&self, live: usize, own: &Share, threads: impl Shares<'t>) {
        let credit = self.peak.load(Relaxed).wrapping_sub(live) as isize;
        self.credit.settle(credit, own, threads, |missing| _ = self.raise(missing));
    }

    #[inline(never)]
    fn raise(&self, missing: usize) -> usize {
        let peak = self.peak.fetch_add(missing, Relaxed).wrapping_add(missing);
        let is_programs = peak > self.earlier.load(Relaxed);
        self.epochs.reach_peak(if is_programs { Mark::Program } else { Mark::Stage });
        peak
    }

    /// Bytes at the mark's peak. The program's is never below the stage's.
    pub(crate) fn peak(&self, mark: Mark) -> usize {
        rules::peak(mark, self.peak.load(Relaxed), || self.earlier.load(Relaxed))
    }

    /// When live fell from the mark's peak, in the platform's nanoseconds since the start; `now` while the mark is at it.
    pub(crate) fn peak_time(&self, mark: Mark, now: u64) -> u64 {
        if self.epochs.is_at_peak(mark) { now } else { self.peak_time[mark as usize].get() }
    }

    /// A stage begins: its peak becomes the current live bytes, and threads restart theirs at their next event. Returns the peak of the
    /// stage that was innermost, which may have risen since the caller read it.
    pub(crate) fn rebase_stage<'t>(&self, threads: impl Shares<'t>, own: Option<&Share>) -> usize {
        let mut left = 0;
        self.epochs.begin_stage();
        self.credit.drain(threads, own, |credit| {
            self.earlier.fetch_max(self.peak.load(Relaxed), Relaxed);
            left = self.peak.fetch_sub(credit, Relaxed);
            // The peak may have risen in between.
            self.earlier.fetch_max(left, Relaxed);
        });
        self.epochs.restart(Mark::Stage);
        left
    }

    /// The peaks of program, stage and threads become the current live bytes. Returns the stage's peak before.
    pub(crate) fn reset<'t>(&self, threads: impl Shares<'t>, own: Option<&Share>) -> usize {
        let mut left = 0;
        self.epochs.begin_reset();
        self.credit.forget_error();
        self.credit.drain(threads, own, |credit| {
            left = self.peak.fetch_sub(credit, Relaxed);
            self.earlier.store(0, Relaxed);
        });
        self.epochs.restart(Mark::Program);
        left
    }

    /// In a forked child: the peaks become the current live bytes, and no thread has credit.
    #[cfg(feature = "std")]
    pub(crate) fn forked<'t>(&self, live: usize, threads: impl Shares<'t>) {
        self.epochs.begin_in_child();
        self.credit.forked(threads);
        self.peak.store(live, Relaxed);
        self.earlier.store(0, Relaxed);
        self.epochs.restart(Mark::Program);
    }

    /// The most bytes by which the peak may be above the true one: 0 when it is exact.
    pub(crate) fn peak_error<'t>(&self, threads: impl Shares<'t>) -> usize {
        self.credit.error(threads)
    }

    /// From now on each thread may hold `slack` bytes of credit for which no other thread asks it.
    pub(crate) fn set_slack<'t>(&self, slack: usize, threads: impl Shares<'t>, own: Option<&Share>) {
        self.credit.set_slack(slack, threads, own);
    }
}
