//! Keeping once in an epoch: whoever is first to change something in it keeps what was there before.

use crate::sync::*;

/// Flag of a stamp: somebody is keeping.
const KEEPING: usize = 1;
/// How often a stamp is looked at while somebody is keeping, which takes some tens of instructions.
const TRIES: usize = 1 << 8;

/// The epoch in which something was kept last. Epochs are even, and count, modulo the word's width.
#[repr(transparent)]
#[derive(Default)]
pub(crate) struct Stamp(AtomicUsize);

impl Stamp {
    /// The epoch; odd while somebody is keeping for a later one.
    #[inline(always)]
    pub(crate) fn epoch(&self) -> usize {
        self.0.load(Acquire)
    }

    /// Whether it was kept in `epoch`, as its only writer sees it.
    #[inline(always)]
    pub(crate) fn is(&self, epoch: usize) -> bool {
        self.0.load(Relaxed) == epoch
    }

    /// By its only writer: it was kept in `epoch`.
    #[inline]
    pub(crate) fn set(&self, epoch: usize) {
        self.0.store(epoch, Release);
    }

    /// By one of several writers: keeps, unless it was done in `epoch` or a later one. `keep` is told the epoch before. What
    /// it keeps must not change but by those who come here first.
    #[inline]
    pub(crate) fn once(&self, epoch: usize, keep: impl Fn(usize)) {
        if self.epoch() != epoch {
            self.first(epoch, keep);
        }
    }

    #[cold]
    #[inline(never)]
    fn first(&self, epoch: usize, keep: impl Fn(usize)) {
        for _ in 0..TRIES {
            let last = self.epoch();
            if last & KEEPING != 0 {
                spin_loop();
            } else if epoch.wrapping_sub(last) as isize <= 0 {
                return;
            } else if self.0.compare_exchange(last, last | KEEPING, AcqRel, Relaxed).is_ok() {
                keep(last);
                _ = self.0.compare_exchange(last | KEEPING, epoch, AcqRel, Relaxed);
                return;
            }
        }
        // Who was keeping has been stopped there, perhaps by this very event, or has died.
        keep(self.epoch() & !KEEPING);
        self.set(epoch);
    }
}
