//! The advance: credit that a thread gets although the bytes are not free.
//!
//! **Problem.** A program that grows makes a new peak at every allocation, and each would change the peak that all threads share.
//!
//! **Idea.** The peak is raised in advance, by some kilobytes at a time, and the thread's share grows by as much. While there is an
//! advance the stage is at its peak, so its peak is what is live, and all credit is advance. Before live falls, the rest is
//! taken back: the peak is exact again.
//!
//! Only a thread that is alone gets an advance. A second thread may come while there is one: its allocations find it by
//! collecting, and whichever thread frees first takes the rest back under the collector's lock.

use super::{Credit, Share, Shares};
use crate::limits::GROWTH;
use crate::sync::*;
use memtrack_format::image::rules::ADVANCED;

impl Credit {
    /// Gives `n` bytes in advance to the share of the calling thread, which is inside the hook. False when the thread is not alone.
    /// There must be no credit. The caller raises the peak by as much.
    pub(in crate::table::peak) fn advance(&self, n: usize, own: &Share) -> bool {
        let is_possible = self.is_alone() && self.slack.load(Relaxed) == 0;
        if is_possible {
            self.shares.fetch_or(ADVANCED, SeqCst);
            own.add_alone(n);
        }
        is_possible
    }

    /// Whether all credit is advance.
    #[inline]
    pub(in crate::table::peak) fn is_advance(&self) -> bool {
        GROWTH != 0 && self.shares.load(SeqCst) & ADVANCED != 0
    }

    /// Takes an advance back, before live falls: `lower` lowers the peak by it. `own` is the calling thread's share.
    #[cold]
    pub(in crate::table::peak) fn take_back<'t>(
        &self,
        threads: impl Shares<'t>,
        own: Option<&Share>,
        lower: impl FnOnce(usize),
    ) {
        if self.is_alone() {
            return self.take_back_alone(own, lower);
        }
        if !self.lock() {
            return self.keep_advance();
        }
        if self.is_advance() {
            let found = self.collect(usize::MAX, threads, own);
            // A thread that could not get the lock has kept it, and live may have fallen since.
            if self.shares.fetch_and(!ADVANCED, SeqCst) & ADVANCED != 0 {
                lower(found);
            } else {
                self.pool.fetch_add(found, AcqRel);
            }
        }
        self.unlock();
    }

    /// The same while one thread is alone. A jump out of a signal handler may end this anywhere: as long as the flag is set, the
    /// peak is what is live.
    fn take_back_alone(&self, own: Option<&Share>, lower: impl FnOnce(usize)) {
        // An event without a thread may be in the middle of the one thread's own: it cannot take that thread's share.
        let Some(own) = own else { return self.keep_advance() };
        lower(own.take_all_alone());
        self.shares.fetch_and(!ADVANCED, SeqCst);
    }

    /// The rest of an advance becomes ordinary credit, so that the peak is too high by it.
    pub(super) fn keep_advance(&self) {
        if self.shares.fetch_and(!ADVANCED, SeqCst) & ADVANCED != 0 {
            self.error.fetch_add(GROWTH, Relaxed);
        }
    }
}
