//! The guard of the fast path. Only a thread that has a slot to itself gets it.
//!
//! - **Settled slot**: the counters of the thread last changed in the current epoch, and its peaks are of the current
//!   generation. An event then changes counters alone: no copy is due.
//! - **Share**: the thread's part of the credit, the bytes by which live may rise without a new peak of the program.

use super::Tracker;
use super::region_pointer::Loaded;
use crate::platform::{Local, Platform};
use crate::table::peak::{Epoch, Marks};
use crate::table::region::Tables;
use crate::table::threads::ThreadSlot;
use crate::unwind::Unwind;

/// The guard of the fast path: two words, so that a function gets it in registers.
pub(super) struct FastGuard<'t> {
    pub(super) marks: &'t Marks,
    slot: &'static ThreadSlot,
}

impl Drop for FastGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.share.leave();
    }
}

impl FastGuard<'_> {
    /// Whether this thread has the slot of that number.
    #[inline(always)]
    pub(super) fn owns(&self, thread: u16) -> bool {
        u32::from(thread) == self.slot.number()
    }

    /// The thread's slot, if its counters last changed in this epoch and its peaks are of the current generation: then the
    /// event changes counters alone.
    #[inline(always)]
    pub(super) fn settled_slot(&self, epoch: Epoch<'_>) -> Option<&'static ThreadSlot> {
        self.slot.is_settled(&self.marks.epochs, epoch).then_some(self.slot)
    }

    /// Live rises by `more` bytes, which the thread's share of the credit pays for. True for a new peak of the thread or
    /// of the program.
    #[inline(always)]
    pub(super) fn take_credit<R: Tables>(&self, more: usize, region: &'static R) -> bool {
        let is_thread_peak = self.slot.is_high();
        let is_short = !self.marks.credit.take(more, &self.slot.share);
        if is_thread_peak | is_short {
            raise_peaks(self.slot, is_short.then_some(more), region);
        }
        is_thread_peak | is_short
    }

    /// Live falls by `less` bytes, which go to the thread's share of the credit.
    #[inline(always)]
    pub(super) fn give_credit(&self, less: usize) {
        self.marks.credit.give_to(less, &self.slot.share);
    }

    /// The thread has an event that its own counters do not show: its last block is not temporary.
    #[inline(always)]
    pub(super) fn other_event(&self) {
        self.slot.other_event();
    }
}

/// Raises the thread's peak and, where its share was too small for `more` bytes, perhaps the program's.
#[inline(never)]
fn raise_peaks<R: Tables>(slot: &ThreadSlot, more: Option<usize>, region: &'static R) {
    slot.raise_high();
    if let Some(more) = more {
        let head = region.head();
        head.marks.rise(more, Some(&slot.share), region.threads(), &head.pending);
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The guard of the fast path, for an event whose stack pointer is `sp`, with the thread's words and the region. `None`
    /// before the thread's first event, in the middle of another event, and for a thread that shares its slot.
    #[inline(always)]
    pub(super) fn fast_guard(
        &self,
        loaded: &Loaded<R>,
        sp: usize,
    ) -> Option<(FastGuard<'static>, &Local, &'static R)> {
        let marks = &loaded.head().marks;
        let local = self.platform.local(self.claimed_number()?)?;
        let slot = local.slot()?;
        // Not `then_some`: a guard that is made and dropped at once would leave the hook of the interrupted event.
        slot.share.enter(sp).then(|| (FastGuard { marks, slot }, local, loaded.region()))
    }
}
