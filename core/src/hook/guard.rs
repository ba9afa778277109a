//! The guard: while a thread has it, a second event of the same thread stays out of the hook.
//!
//! **Problem.** A signal handler, an interrupt or the inner allocator may cause an event in the middle of another one. The
//! thread's tables are half changed then, and no lock may be waited for.
//!
//! **Idea.** The thread's slot has a word that says that the thread is in the hook. An event that finds it set is counted
//! as unattributed, by atomic operations alone.
//!
//! - **Slot**: a thread's entry in the table of threads. Threads for which none is left share one; the word is then in the
//!   thread's own memory, [`Local`].
//! - **First event**: gets the thread its slot.

use super::Tracker;
use super::claim::Refusal;
use super::fast_guard::begin_epoch;
use crate::platform::{Local, Platform, undisturbed};
#[cfg(feature = "std")]
use crate::session::forks;
use crate::sync::*;
use crate::table::account::Booker;
use crate::table::peak::{Epoch, Epochs, Share};
use crate::table::pending;
use crate::table::region::Tables;
use crate::table::slot::ThreadSlot;
use crate::table::threads::Threads;
use crate::unwind::{Unwind, stack_pointer};
use memtrack_format::LossCause;

/// The guard of the full path.
pub(crate) struct Guard<'l> {
    pub(crate) local: &'l Local,
    pub(crate) slot: &'static ThreadSlot,
    /// The thread has the slot to itself.
    is_own: bool,
}

impl<'l> Guard<'l> {
    /// For a thread that has a slot to itself and has entered it.
    #[inline(always)]
    pub(super) fn own(local: &'l Local, slot: &'static ThreadSlot) -> Self {
        Guard { local, slot, is_own: true }
    }

    /// For a thread that shares its slot with others.
    fn shared(local: &'l Local, slot: &'static ThreadSlot, number: u16) -> Self {
        local.state.store((usize::from(number) + 1) | Local::BUSY, Relaxed);
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
        Guard { local, slot, is_own: false }
    }

    /// The slot's number.
    #[inline(always)]
    pub(crate) fn thread(&self) -> u16 {
        self.slot.number() as u16
    }

    /// Whether the thread shares its slot with others.
    #[inline(always)]
    pub(crate) fn is_shared(&self) -> bool {
        !self.is_own
    }

    /// Whether this thread, alone, has the slot of that number.
    #[inline(always)]
    pub(super) fn owns(&self, thread: u16) -> bool {
        self.is_own && self.thread() == thread
    }

    /// Before the counters of the thread change in an epoch.
    #[inline(always)]
    pub(super) fn begin_epoch<U: Unwind>(&self, epochs: &Epochs, epoch: Epoch<'_>) {
        if self.is_own && !self.slot.account.is_current(epoch) {
            begin_epoch::<U>(self.slot, self.local, epochs, epoch);
        }
    }

    /// How the accounts of this thread are changed.
    #[inline(always)]
    pub(super) fn booker(&self) -> Booker {
        if self.is_own { Booker::Owner } else { Booker::Anyone }
    }

    /// The thread's share of the credit; `None` when it shares its slot.
    #[inline(always)]
    pub(crate) fn share(&self) -> Option<&'static Share> {
        self.is_own.then_some(&self.slot.share)
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.is_own {
            self.slot.share.leave();
        } else {
            core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
            self.local.state.store(self.local.state.load(Relaxed) & !Local::BUSY, Relaxed);
        }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The region's flags.
    #[inline(always)]
    pub(super) fn flags(&self) -> usize {
        self.region.load().flags()
    }

    /// The guard of the full path, after the pending triggers. Not inlined in a firmware, where flash is scarcer than time.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn guard(&self, sp: usize) -> Result<Guard<'_>, Refusal> {
        let flags = self.flags();
        if flags != pending::QUIET { self.guard_flagged(flags, sp) } else { self.guard_thread(sp) }
    }

    /// The guard while flags are raised.
    #[cold]
    #[inline(never)]
    fn guard_flagged(&self, flags: usize, sp: usize) -> Result<Guard<'_>, Refusal> {
        #[cfg(feature = "std")]
        let Some(flags) = self.flags_of_process(flags) else { return self.guard_thread(sp) };
        if self.run_triggers(flags) {
            return Err(Refusal::Lost(LossCause::Paused));
        }
        self.guard_thread(sp)
    }

    /// The flags, after the region of a child that was forked unnoticed has become the child's. `None` before the tracker
    /// has claimed the region.
    #[cfg(feature = "std")]
    fn flags_of_process(&self, flags: usize) -> Option<usize> {
        if flags & pending::CLAIMED != 0 {
            return Some(flags);
        }
        self.claimed_number()?;
        forks::notice();
        Some(self.flags())
    }

    /// The guard for a caller that is no event: it runs no triggers, and tracking may be paused.
    #[inline(always)]
    pub(crate) fn guard_without_triggers(&self) -> Result<Guard<'_>, Refusal> {
        #[cfg(feature = "std")]
        self.flags_of_process(self.flags());
        self.guard_thread(stack_pointer())
    }

    #[inline(always)]
    fn guard_thread(&self, sp: usize) -> Result<Guard<'_>, Refusal> {
        let number = self.number()?;
        let local = self.platform.local(number).ok_or(Refusal::Lost(LossCause::NoThread))?;
        match local.slot() {
            Some(slot) => self.guard_own_slot(local, slot, sp),
            None => self.guard_without_slot(local, sp),
        }
    }

    /// The guard of a thread that has a slot to itself.
    #[inline(always)]
    fn guard_own_slot<'l>(
        &self,
        local: &'l Local,
        slot: &'static ThreadSlot,
        sp: usize,
    ) -> Result<Guard<'l>, Refusal> {
        if slot.share.enter(sp) {
            return Ok(Guard::own(local, slot));
        }
        #[cfg(feature = "std")]
        if let Some(guard) = self.recover_abandoned(local, slot, sp) {
            return Ok(guard);
        }
        Err(Refusal::Lost(LossCause::Reentered))
    }

    /// The guard of a thread that has no slot to itself, or had none a moment ago.
    #[cold]
    #[inline(never)]
    fn guard_without_slot<'l>(&self, local: &'l Local, sp: usize) -> Result<Guard<'l>, Refusal> {
        match local.state.load(Relaxed) {
            0 => undisturbed(|| {
                // An event that comes while the slot is being claimed finds the thread busy.
                match local.state.compare_exchange(0, Local::BUSY, Relaxed, Relaxed) {
                    Ok(_) => Ok(self.guard_first_event(local, sp)),
                    Err(state) => self.guard_by_state(local, state, sp),
                }
            }),
            state => self.guard_by_state(local, state, sp),
        }
    }

    /// The guard of a thread that has had events, and has ended or shares its slot. Not inlined in a firmware, where flash
    /// is scarcer than time.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn guard_by_state<'l>(&self, local: &'l Local, state: usize, sp: usize) -> Result<Guard<'l>, Refusal> {
        match state {
            Local::GONE => Err(Refusal::Lost(LossCause::NoThread)),
            busy if busy & Local::BUSY != 0 => Err(Refusal::Lost(LossCause::Reentered)),
            state => match local.slot() {
                // A signal handler has claimed the slot since this event looked for one.
                Some(slot) => self.guard_own_slot(local, slot, sp),
                None => {
                    let number = (state - 1) as u16;
                    Ok(Guard::shared(local, self.region().threads().get(number), number))
                }
            },
        }
    }

    /// The guard of a thread's first event, which claims a slot. The thread is marked as busy.
    #[inline(always)]
    fn guard_first_event<'l>(&self, local: &'l Local, sp: usize) -> Guard<'l> {
        let id = self.platform.thread_id();
        let threads = self.region().threads();
        let number = threads.claim(id, |name| *name == self.platform.thread_name(id));
        if !Threads::is_first(number, self.region().head().marks.credit.inherited()) {
            // A platform without a barrier has opened the credit at the claim.
            self.region().head().marks.credit.open(threads, || _ = self.platform.barrier());
        }
        if U::CAPTURES {
            local.memory.store(self.platform.memory(size_of::<U::Memo>()), Relaxed);
        }
        #[cfg(feature = "std")]
        if number != crate::table::threads::OVERFLOW {
            // An image has no other source for the name.
            threads.get(number).set_name(self.platform.thread_name(id));
        }
        self.platform.thread_started();
        let Some(slot) = threads.own(number.into()) else {
            return Guard::shared(local, threads.get(number), number);
        };
        slot.share.enter(sp);
        local.slot.store(core::ptr::from_ref(slot).cast_mut(), Relaxed);
        // A reader that finds the number finds the slot too.
        local.state.store(usize::from(number) + 1, Release);
        Guard::own(local, slot)
    }
}
