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
use crate::limits::GROWTH;
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
    pub(crate) fn falling<'t>(
        &self,
        own: Option<&Share>,
        threads: impl Shares<'t>,
        time: impl FnOnce() -> u64,
    ) -> Epoch<'_> {
        match self.epochs.before_fall() {
            Ok(epoch) => epoch,
            Err(at_peak) => {
                self.take_back_advance(own, threads);
                self.fall(at_peak, time())
            }
        }
    }

    #[cold]
    fn fall(&self, at_peak: AtPeak, time: u64) -> Epoch<'_> {
        self.epochs.fall(at_peak, |mark| self.peak_time[mark as usize].set(time))
    }

    /// Lowers the peak to live if it was raised in advance. `own` is the calling thread's share.
    pub(crate) fn take_back_advance<'t>(&self, own: Option<&Share>, threads: impl Shares<'t>) {
        if self.credit.is_advance() {
            self.credit.take_back(threads, own, |rest| _ = self.peak.fetch_sub(rest, Relaxed));
        }
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
        if own.is_some_and(|own| self.credit.take(n, own)) {
            return;
        }
        let mut risen = None;
        self.credit.take_slowly(n, own, threads, |missing| risen = Some(self.raise(missing)));
        if let Some(peak) = risen {
            pending.peak_rose(peak);
            if let Some(own) = own {
                self.advance(peak, own, pending);
            }
        }
    }

    /// Raises the peak in advance, by bytes for the calling thread's share: as far as no limit and no earlier peak is passed, because
    /// the thread has to notice these.
    #[allow(clippy::unnecessary_min_or_max, reason = "in a firmware there is no advance")]
    fn advance(&self, peak: usize, own: &Share, pending: &Pending) {
        let earlier = self.earlier.load(Relaxed);
        let next = if peak > earlier { usize::MAX } else { earlier };
        let most = next.min(pending.limit()).saturating_sub(peak).min(GROWTH);
        if most > 0 && self.credit.advance(most, own) {
            self.peak.fetch_add(most, Relaxed);
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

    /// Bytes at the mark's peak. The program's is never below the stage's. `live` are the live bytes.
    pub(crate) fn peak(&self, mark: Mark, live: impl FnOnce() -> usize) -> usize {
        let live = self.credit.is_advance().then(live);
        // An advance that was taken back in between has left the peak.
        let live = live.filter(|_| self.credit.is_advance());
        rules::peak(mark, live.unwrap_or_else(|| self.peak.load(Relaxed)), || self.earlier.load(Relaxed))
    }

    /// When live fell from the mark's peak, in the platform's nanoseconds since the start; `now` while the mark is at it.
    pub(crate) fn peak_time(&self, mark: Mark, now: u64) -> u64 {
        if self.epochs.is_at_peak(mark) { now } else { self.peak_time[mark as usize].get() }
    }

    /// A stage begins: its peak becomes the current live bytes, and threads restart theirs at their next event. Returns the peak of the
    /// stage that was innermost, which may have risen since the caller read it.
    pub(crate) fn rebase_stage<'t>(&self, threads: impl Shares<'t>, own: Option<&Share>) -> usize {
        let mut left = 0;
        self.take_back_advance(own, threads);
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
        self.take_back_advance(own, threads);
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

#[cfg(all(test, feature = "std", not(models)))]
mod tests {
    use super::*;
    use crate::table::growth::Growth;
    use crate::table::slot::ThreadSlot;
    use crate::table::threads::{FIRST, Threads};

    /// One thread that grows: live, and the marks after each step.
    struct Alone {
        marks: Marks,
        pending: Pending,
        slots: [ThreadSlot; FIRST as usize + 1],
        used: AtomicU32,
        live: usize,
    }

    impl Alone {
        fn new() -> Self {
            let slots = core::array::from_fn(|_| ThreadSlot::default());
            Alone {
                marks: Marks::default(),
                pending: Pending::default(),
                slots,
                used: AtomicU32::new(1),
                live: 0,
            }
        }

        fn parts(&self) -> (Threads<'_>, Option<&Share>) {
            let threads = Threads { used: &self.used, slots: &self.slots, growth: Growth::WHOLE };
            (threads, Some(&self.slots[usize::from(FIRST)].share))
        }

        fn alloc(&mut self, n: usize) {
            self.live += n;
            let (threads, own) = self.parts();
            self.marks.rise(n, own, threads, &self.pending);
        }

        fn free(&mut self, n: usize) {
            let (threads, own) = self.parts();
            self.marks.falling(own, threads, || 0);
            self.marks.drop(n, own);
            self.live -= n;
        }

        fn peaks(&self) -> [usize; 2] {
            [Mark::Stage, Mark::Program].map(|mark| self.marks.peak(mark, || self.live))
        }
    }

    #[test]
    fn a_peak_that_is_raised_in_advance_is_exact() {
        let mut program = Alone::new();
        let (mut highest, mut raised) = (0, 0);
        for n in 1..2000 {
            program.alloc(n % 100);
            raised += usize::from(program.marks.peak.load(Relaxed) != highest);
            highest = program.marks.peak.load(Relaxed);
            assert_eq!(program.peaks(), [program.live; 2], "after {n} allocations");
            let share = program.parts().1.expect("its own");
            assert_eq!(
                program.marks.peak.load(Relaxed) - share.bytes(),
                program.live,
                "all credit is advance"
            );
        }
        // Most allocations leave the peak, which all threads share, alone.
        assert!(raised <= program.live / GROWTH + 1, "{raised} times");
        let peak = program.live;
        for _ in 0..100 {
            program.free(50);
            program.alloc(20);
            assert_eq!(program.peaks(), [peak; 2]);
        }
        let (threads, _) = program.parts();
        assert_eq!(program.marks.peak_error(threads), 0);
    }

    #[test]
    fn an_advance_stops_at_limits_and_earlier_peaks() {
        let mut program = Alone::new();
        program.alloc(5000);
        program.free(4000);
        let (threads, own) = program.parts();
        program.marks.rebase_stage(threads, own);
        // The stage rises to the program's peak in small steps, and passes it.
        for _ in 0..80 {
            program.alloc(60);
            let expected = program.live.max(5000);
            assert_eq!(program.peaks(), [program.live, expected]);
            let is_programs = program.marks.epochs.is_at_peak(Mark::Program);
            assert_eq!(is_programs, program.live > 5000, "at {}", program.live);
        }
        program.pending.dump_above(9000);
        let flagged = |program: &Alone| program.pending.flags() != 0;
        program.free(100);
        while program.live < 12_000 {
            program.alloc(70);
            assert_eq!(flagged(&program), program.live > 9000, "at {}", program.live);
        }
    }

    #[test]
    fn stages_resets_and_forks_restart_their_marks() {
        let mut program = Alone::new();
        let at_peak =
            |program: &Alone| [Mark::Stage, Mark::Program].map(|mark| program.marks.epochs.is_at_peak(mark));
        program.alloc(5000);
        assert_eq!(at_peak(&program), [true, true]);
        program.free(4000);
        assert_eq!(at_peak(&program), [false, false]);

        let (threads, own) = program.parts();
        assert_eq!(program.marks.rebase_stage(threads, own), 5000);
        assert_eq!((program.peaks(), at_peak(&program)), ([1000, 5000], [true, false]));
        program.alloc(100);
        program.free(300);
        assert_eq!((program.peaks(), at_peak(&program)), ([1100, 5000], [false, false]));

        let (threads, own) = program.parts();
        assert_eq!(program.marks.reset(threads, own), 1100);
        assert_eq!((program.peaks(), at_peak(&program)), ([800, 800], [true, true]));
        program.alloc(50);
        program.free(10);
        let (threads, _) = program.parts();
        program.marks.forked(700, threads);
        assert_eq!((program.peaks(), at_peak(&program)), ([700, 700], [true, true]));
    }

    #[test]
    fn the_time_of_a_peak_is_that_of_the_first_fall() {
        let mut program = Alone::new();
        let times = |program: &Alone, now| {
            [Mark::Stage, Mark::Program].map(|mark| program.marks.peak_time(mark, now))
        };
        program.alloc(100);
        assert_eq!(times(&program, 5), [5, 5], "live has not fallen");
        let (threads, own) = program.parts();
        program.marks.falling(own, threads, || 77);
        program.marks.falling(own, threads, || panic!("the clock is read once"));
        assert_eq!(times(&program, 90), [77, 77]);
        program.marks.rebase_stage(threads, own);
        program.marks.falling(own, threads, || 99);
        assert_eq!(times(&program, 100), [99, 77]);
    }

    #[test]
    fn an_abandoned_event_leaves_the_peak_above_live() {
        let mut program = Alone::new();
        program.alloc(100);
        program.free(0);
        let (threads, own) = program.parts();
        let own = own.expect("its own");
        let settled = |live| {
            program.marks.settle(live, own, threads);
            (own.bytes(), program.marks.peak(Mark::Stage, || live))
        };
        assert_eq!([settled(60), settled(130), settled(130)], [(40, 100), (0, 130), (0, 130)]);
    }
}
