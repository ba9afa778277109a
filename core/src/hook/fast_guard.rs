//! The guard of the fast path. Only a thread that has a slot to itself gets it.
//!
//! - **Prepare**: counters that last changed in the current epoch just change. In a new [epoch](crate::table::peak::epoch) they are
//!   copied first. Allocations and frees have the fast path twice: without these copies, and out of line with them.
//! - **Share**: the thread's part of the credit, the bytes by which live may rise without a new peak of the program.

use super::Tracker;
use super::region_pointer::Loaded;
use crate::platform::{Local, Platform};
use crate::sync::*;
use crate::table::account::Account;
use crate::table::peak::{Epoch, Epochs, Marks};
use crate::table::region::Tables;
use crate::table::slot::ThreadSlot;
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

    /// The current epoch, for an event that makes live fall.
    #[inline(always)]
    pub(super) fn falling<const PREPARE: bool, R: Tables>(
        &self,
        region: &'static R,
        time: impl FnOnce() -> u64,
    ) -> Option<Epoch<'static>> {
        let marks = &region.head().marks;
        if PREPARE {
            Some(marks.falling(Some(&self.slot.share), region.threads(), time))
        } else {
            marks.epochs.fallen_epoch()
        }
    }

    /// The thread's slot, if its counters are ready to change in this epoch.
    #[inline(always)]
    pub(super) fn slot_in<const PREPARE: bool, U: Unwind>(
        &self,
        epoch: Epoch<'_>,
        local: &Local,
    ) -> Option<&'static ThreadSlot> {
        let is_ready = self.slot.account.is_current(epoch);
        if PREPARE && !is_ready {
            begin_epoch::<U>(self.slot, local, &self.marks.epochs, epoch);
        }
        (PREPARE || is_ready).then_some(self.slot)
    }

    /// `None` when a cell of the thread is not ready to change in this epoch.
    #[inline(always)]
    pub(super) fn ready<const PREPARE: bool>(&self, cell: &Account, epoch: Epoch<'_>) -> Option<()> {
        let is_ready = cell.is_current(epoch);
        if PREPARE && !is_ready {
            cell.begin_epoch(epoch);
        }
        (PREPARE || is_ready).then_some(())
    }

    /// Live rises by `more` bytes, which the thread's share of the credit pays for. True when the share was too small, so that
    /// the program may have a new peak.
    #[inline(always)]
    pub(super) fn take_credit<R: Tables>(&self, more: usize, region: &'static R) -> bool {
        if self.slot.is_high() {
            self.slot.raise_high();
        }
        let is_short = !self.marks.credit.take(more, &self.slot.share);
        if is_short {
            rise(more, self.slot, region);
        }
        is_short
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

/// The thread's first event in an epoch, or in a new generation, or after a library was unloaded: each begins an epoch. Once the counters
/// of the thread are ready for the epoch, the fast path asks for none of these.
#[inline(never)]
pub(super) fn begin_epoch<U: Unwind>(slot: &ThreadSlot, local: &Local, epochs: &Epochs, epoch: Epoch<'_>) {
    // SAFETY: the platform gave the memory, zeroed and for this thread alone, and the memo's start is all-zero; the guard keeps
    // everything else on this thread out while the reference lives.
    if let Some(memo) = unsafe { local.memory.load(Relaxed).cast::<U::Memo>().as_mut() } {
        U::renew(memo);
    }
    slot.begin_epoch(epochs, epoch);
}

/// Live rises by `more` bytes, for which the thread's share was too small.
#[inline(never)]
fn rise<R: Tables>(more: usize, slot: &ThreadSlot, region: &'static R) {
    let head = region.head();
    head.marks.rise(more, Some(&slot.share), region.threads(), &head.pending);
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
