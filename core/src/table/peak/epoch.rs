//! Epochs: how accounts remember the figures that they had at a peak.
//!
//! **Problem.** A report wants the live figures of every account at the peak. There may be a million accounts, and a
//! program that grows makes a new peak at every allocation: nothing can copy them all each time.
//!
//! **Idea.** While live only rises past a peak, no thread copies anything. The first free after the peak begins a new
//! epoch. Each account knows the epoch of its last change, and copies its live figures before its first change in a later
//! one. So an event does a bounded amount of extra work, and a reader finds for each mark of each account:
//! the live figures, while the mark is at its peak; the copy, when the account has changed since the fall from that
//! peak; the live figures otherwise.
//!
//! # Mark
//! A peak that accounts remember: the program's since the last reset, or the stage's since the innermost stage began.
//!
//! # At its peak
//! A mark is at its peak until live falls for the first time. Nothing has to be copied before that.
//!
//! # Epoch
//! The time from one fall to the next. A new generation, and the unloading of a library, begin one too, so that threads need to
//! look at nothing but the epoch. Epochs are numbered modulo the word's width.
//!
//! # Generation
//! The time from one restart of the peaks to the next: a stage begins, or the peaks are reset. Threads follow it
//! at their next event. Generations are numbered like epochs.
//!
//! # Last copy
//! The epoch (or generation) in which something was copied last. It makes sure that one writer copies, once, before
//! anybody changes the original.

use crate::limits::COPY_TRIES;
use crate::sync::*;
use core::mem::offset_of;
pub(crate) use memtrack_format::image::rules::Mark;
use memtrack_format::image::rules::{self, COPYING, EPOCH, FLAGS, GENERATION};

/// The current epoch and generation of a program. All-zero is the start.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Epochs {
    /// The current epoch, and a flag for each mark that is at its peak.
    state: AtomicUsize,
    /// For each mark, the epoch that began with the fall from its peak.
    fallen: [AtomicUsize; 2],
    /// The current generation.
    generation: AtomicUsize,
    /// The generation that the last reset began.
    reset: AtomicUsize,
}

/// An epoch in which an event changes its accounts.
#[derive(Clone, Copy)]
pub(crate) struct Epoch<'e> {
    number: usize,
    epochs: &'e Epochs,
}

impl Epoch<'_> {
    #[inline]
    pub(crate) fn number(self) -> usize {
        self.number
    }

    /// Whether an account whose last change was in `epoch` has not changed since the fall from the mark's peak.
    #[inline]
    pub(crate) fn precedes(self, epoch: usize, mark: Mark) -> bool {
        rules::precedes(epoch, self.epochs.fallen[mark as usize].load(Relaxed))
    }
}

/// A state in which a mark is at its peak: live may rise in it but not fall.
#[derive(Clone, Copy)]
pub(super) struct AtPeak(usize);

impl Epochs {
    /// Where the fields lie, in their order.
    pub(super) const OFFSETS: [usize; 4] = [
        offset_of!(Self, state),
        offset_of!(Self, fallen),
        offset_of!(Self, generation),
        offset_of!(Self, reset),
    ];

    /// The current epoch, for an event that makes live rise.
    #[inline]
    pub(crate) fn epoch(&self) -> Epoch<'_> {
        Epoch { number: self.state.load(Acquire) & !FLAGS, epochs: self }
    }

    /// The current epoch, unless a mark is at its peak: the epoch that the common event may use whatever it does.
    #[inline(always)]
    pub(crate) fn fallen_epoch(&self) -> Option<Epoch<'_>> {
        self.before_fall().ok()
    }

    /// The current epoch, in which live may fall; or the state that [`fall`](Self::fall) has to leave first.
    #[inline(always)]
    pub(super) fn before_fall(&self) -> Result<Epoch<'_>, AtPeak> {
        let state = self.state.load(Acquire);
        if state & FLAGS == 0 { Ok(Epoch { number: state, epochs: self }) } else { Err(AtPeak(state)) }
    }

    /// Begins the epoch after a peak. `left` sees each mark that leaves its peak.
    #[inline]
    pub(super) fn fall(&self, AtPeak(mut state): AtPeak, left: impl Fn(Mark)) -> Epoch<'_> {
        let number = loop {
            let next = (state & !FLAGS).wrapping_add(EPOCH);
            for mark in Mark::ALL {
                if state & mark.flag() != 0 {
                    // A thread that was stopped here long ago must not lower it.
                    advance(&self.fallen[mark as usize], next);
                    left(mark);
                }
            }
            match self.state.compare_exchange(state, next, AcqRel, Acquire) {
                Ok(_) => break next,
                Err(now) if now & FLAGS == 0 => break now,
                Err(now) => state = now,
            }
        };
        Epoch { number, epochs: self }
    }

    /// The mark has a new peak.
    #[inline]
    pub(super) fn reach_peak(&self, mark: Mark) {
        let flags = mark.flags_of_peak();
        if self.state.load(Relaxed) & flags != flags {
            self.state.fetch_or(flags, AcqRel);
        }
    }

    /// The mark's peak becomes the current live bytes.
    pub(super) fn restart(&self, mark: Mark) {
        self.state.fetch_or(mark.flags_of_peak(), AcqRel);
    }

    /// Whether the mark is at its peak: then the live figures are the figures at the peak.
    #[inline]
    pub(crate) fn is_at_peak(&self, mark: Mark) -> bool {
        self.state.load(Acquire) & mark.flag() != 0
    }

    /// The current generation. A thread that follows an older one restarts its peaks.
    #[inline]
    pub(crate) fn generation(&self) -> usize {
        self.generation.load(Acquire)
    }

    /// The generation that the last reset began.
    #[inline]
    pub(crate) fn last_reset(&self) -> usize {
        self.reset.load(Acquire)
    }

    /// Whether the peaks were reset since `generation`. A stage that begins restarts peaks without a reset.
    pub(crate) fn was_reset_since(&self, generation: usize) -> bool {
        rules::was_reset_since(self.last_reset(), generation)
    }

    /// Begins a generation because a stage begins.
    pub(super) fn begin_stage(&self) {
        self.generation.fetch_add(GENERATION, AcqRel);
        self.begin_epoch();
    }

    /// Begins an epoch without a fall: threads look at everything that may have changed before their next change of a counter.
    pub(crate) fn begin_epoch(&self) {
        self.state.fetch_add(EPOCH, AcqRel);
    }

    /// Begins a generation because the peaks are reset.
    pub(super) fn begin_reset(&self) {
        loop {
            let before = self.generation.load(Acquire);
            let generation = before.wrapping_add(GENERATION);
            // First, so that a thread that follows the generation knows it as a reset.
            advance(&self.reset, generation);
            if self.generation.compare_exchange(before, generation, AcqRel, Relaxed).is_ok() {
                break;
            }
        }
        self.begin_epoch();
    }

    /// In a forked child, which has one thread: the same as [`begin_reset`](Self::begin_reset).
    #[cfg(feature = "std")]
    pub(super) fn begin_in_child(&self) {
        let generation = self.generation.load(Acquire).wrapping_add(GENERATION);
        self.reset.store(generation, Release);
        self.generation.store(generation, Release);
        self.begin_epoch();
    }
}

/// Raises a word that counts modulo its width.
fn advance(word: &AtomicUsize, to: usize) {
    let mut at = word.load(Relaxed);
    while (to.wrapping_sub(at) as isize) > 0 {
        match word.compare_exchange_weak(at, to, AcqRel, Relaxed) {
            Ok(_) => return,
            Err(now) => at = now,
        }
    }
}

/// The epoch or generation in which something was copied last.
#[repr(transparent)]
#[derive(Default)]
pub(crate) struct LastCopy(AtomicUsize);

impl LastCopy {
    /// The epoch; an odd number while a writer copies for a later one.
    #[inline(always)]
    pub(crate) fn epoch(&self) -> usize {
        self.0.load(Acquire)
    }

    /// Whether the last copy was made in `epoch`. For the only writer.
    #[inline(always)]
    pub(crate) fn is(&self, epoch: usize) -> bool {
        self.0.load(Relaxed) == epoch
    }

    /// The only writer has copied in `epoch`.
    #[inline]
    pub(crate) fn set(&self, epoch: usize) {
        self.0.store(epoch, Release);
    }

    /// Copies, unless one of the writers did so in `epoch` or later. `copy` gets the epoch of the copy before. Whoever
    /// changes the original must call this first.
    #[inline]
    pub(crate) fn once(&self, epoch: usize, copy: impl Fn(usize)) {
        if self.epoch() != epoch {
            self.first(epoch, copy);
        }
    }

    #[cold]
    #[inline(never)]
    fn first(&self, epoch: usize, copy: impl Fn(usize)) {
        for _ in 0..COPY_TRIES {
            let last = self.epoch();
            if last & COPYING != 0 {
                spin_loop();
            } else if epoch.wrapping_sub(last) as isize <= 0 {
                return;
            } else if self.0.compare_exchange(last, last | COPYING, AcqRel, Relaxed).is_ok() {
                copy(last);
                _ = self.0.compare_exchange(last | COPYING, epoch, AcqRel, Relaxed);
                return;
            }
        }
        // The writer that copies was stopped, perhaps by this very event, or has died.
        copy(self.epoch() & !COPYING);
        self.set(epoch);
    }
}

#[cfg(all(test, feature = "std", not(models)))]
mod tests {
    use super::*;
    use crate::table::account::{Account, Booker};

    /// The fast path asks for the epoch alone: threads look at the rest when it changes.
    #[test]
    fn each_generation_begins_an_epoch() {
        let epochs = Epochs::default();
        for begin in [Epochs::begin_stage, Epochs::begin_reset, Epochs::begin_epoch] {
            let before = epochs.epoch().number();
            begin(&epochs);
            assert_ne!(epochs.epoch().number(), before);
        }
    }

    fn fall(epochs: &Epochs) -> Epoch<'_> {
        match epochs.before_fall() {
            Ok(epoch) => epoch,
            Err(at_peak) => epochs.fall(at_peak, |_| ()),
        }
    }

    #[test]
    fn an_account_keeps_what_it_held_at_each_mark() {
        let epochs = Epochs::default();
        let (busy, idle) = (Account::default(), Account::default());
        let held = |account: &Account, mark| {
            let held = account.held(&epochs, mark);
            (held.bytes, held.blocks)
        };
        let both = |account: &Account| [held(account, Mark::Program), held(account, Mark::Stage)];
        epochs.reach_peak(Mark::Program);
        busy.alloc(100, epochs.epoch(), Booker::Owner);
        busy.alloc(50, epochs.epoch(), Booker::Owner);
        idle.alloc(7, epochs.epoch(), Booker::Owner);
        assert_eq!(both(&busy), [(150, 2); 2], "at its peak: what is live");

        busy.free(50, fall(&epochs), Booker::Owner);
        busy.alloc(20, fall(&epochs), Booker::Owner);
        busy.free(20, fall(&epochs), Booker::Anyone);
        assert_eq!(
            (both(&busy), both(&idle)),
            ([(150, 2); 2], [(7, 1); 2]),
            "copies, and what has not changed"
        );

        // The stage alone has a new peak.
        epochs.reach_peak(Mark::Stage);
        assert!(epochs.is_at_peak(Mark::Stage) && !epochs.is_at_peak(Mark::Program));
        assert_eq!(both(&busy), [(150, 2), (100, 1)]);
        busy.free(100, fall(&epochs), Booker::Anyone);
        idle.free(7, fall(&epochs), Booker::Owner);
        assert_eq!((busy.live().bytes, idle.live().bytes), (0, 0));
        assert_eq!((both(&busy), both(&idle)), ([(150, 2), (100, 1)], [(7, 1); 2]));
    }

    #[test]
    fn marks_leave_their_peak_at_the_first_fall_alone() {
        let epochs = Epochs::default();
        epochs.reach_peak(Mark::Program);
        assert!(epochs.fallen_epoch().is_none());
        let left = core::cell::RefCell::new(std::vec::Vec::new());
        let before = epochs.epoch().number();
        let Err(at_peak) = epochs.before_fall() else { panic!("it is at its peak") };
        let after = epochs.fall(at_peak, |mark| left.borrow_mut().push(mark));
        assert_eq!((after.number(), left.take()), (before + EPOCH, std::vec![Mark::Program, Mark::Stage]));
        assert_eq!(
            epochs.fallen_epoch().map(Epoch::number),
            Some(before + EPOCH),
            "nothing to leave any more"
        );
        assert!(after.precedes(before, Mark::Program) && !after.precedes(before + EPOCH, Mark::Program));
        // A thread that was stopped before the fall comes late.
        epochs.fall(at_peak, |_| ());
        assert!(after.precedes(before, Mark::Stage));
    }

    #[test]
    fn a_reset_is_a_generation_that_a_stage_is_not() {
        let epochs = Epochs::default();
        let first = epochs.generation();
        epochs.begin_stage();
        assert_eq!(epochs.generation(), first + GENERATION);
        assert!(!epochs.was_reset_since(first));
        for reset in [Epochs::begin_reset, Epochs::begin_in_child] {
            let before = epochs.generation();
            reset(&epochs);
            assert_eq!(
                (epochs.generation(), epochs.last_reset()),
                (before + GENERATION, before + GENERATION)
            );
            assert!(epochs.was_reset_since(before) && !epochs.was_reset_since(before + GENERATION));
        }
    }

    #[test]
    fn one_writer_copies_once_in_an_epoch() {
        let copies = core::cell::RefCell::new(std::vec::Vec::new());
        let last = LastCopy::default();
        let once = |epoch| last.once(epoch, |before| copies.borrow_mut().push((before, epoch)));
        [4, 4, 12, 8, 12].into_iter().for_each(once);
        assert_eq!(copies.take(), [(0, 4), (4, 12)], "an event of an older epoch comes too late");
        assert!(last.is(12) && !last.is(8));
        // A writer was stopped in the middle of its copy.
        last.set(12 | COPYING);
        once(16);
        assert_eq!((copies.take(), last.epoch()), (std::vec![(12, 16)], 16));
    }
}
