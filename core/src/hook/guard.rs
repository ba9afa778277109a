//! Entering and leaving the hook: on which thread an event is booked, and what comes while the hook runs on it already.

use crate::LossCause;
use crate::platform::{Local, Platform, undisturbed};
#[cfg(feature = "std")]
use crate::session::forks;
use crate::sync::*;
use crate::table::pending;
use crate::table::region::Tables;
use crate::table::threads::{ThreadSlot, Threads};
use crate::tracker::Tracker;
use crate::unwind::{Unwind, stack_pointer};

/// Whether an event can be booked.
pub(crate) enum Entry<T> {
    /// In full.
    Ready(T),
    /// Without thread and stack.
    Lost(LossCause),
    /// Not at all: the tracker has no region.
    Refused,
    /// As one of the first two says, while stages of threads keep their cells: see [`super::stage_cells`].
    #[cfg(feature = "std")]
    Kept(Result<T, LossCause>),
}

/// The hook runs on this thread; an event that comes meanwhile is told so. Leaving is `drop`.
pub(crate) struct Entered<'l> {
    pub(crate) local: &'l Local,
    pub(crate) slot: u16,
    /// The slot, when the thread has it to itself.
    own: Option<&'static ThreadSlot>,
}

impl<'l> Entered<'l> {
    /// Of a thread that has a slot to itself, and is inside.
    #[inline(always)]
    pub(crate) fn again(local: &'l Local, slot: &'static ThreadSlot) -> Self {
        Entered { local, slot: slot.number() as u16, own: Some(slot) }
    }

    /// Of a thread that shares its slot with others.
    fn shared(local: &'l Local, slot: u16) -> Entry<Self> {
        local.state.store((usize::from(slot) + 1) | Local::BUSY, Relaxed);
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
        Entry::Ready(Entered { local, slot, own: None })
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        match self.own {
            Some(slot) => slot.share.leave(),
            None => {
                core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
                self.local.state.store(usize::from(self.slot) + 1, Relaxed);
            }
        }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Enters the hook on this thread, for an event that began with the stack pointer `sp`. Once in a firmware, where flash
    /// is dearer than a call.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn enter(&self, sp: usize) -> Entry<Entered<'_>> {
        let flags = self.flags();
        if flags != pending::QUIET { self.enter_watched(flags, sp) } else { self.enter_at(sp) }
    }

    /// What events look out for besides.
    #[inline(always)]
    pub(crate) fn flags(&self) -> usize {
        self.site.at().head().pending.flags()
    }

    /// Enters the hook when there is more to do than to book the event.
    #[cold]
    #[inline(never)]
    fn enter_watched(&self, flags: usize, sp: usize) -> Entry<Entered<'_>> {
        #[cfg(feature = "std")]
        let Some(flags) = self.claimed(flags) else { return self.enter_at(sp) };
        if self.attend(flags) {
            return Entry::Lost(LossCause::Paused);
        }
        let entry = self.enter_at(sp);
        #[cfg(feature = "std")]
        if flags & pending::KEPT != 0 {
            return entry.kept();
        }
        entry
    }

    /// The flags of a region that is this process's: in a child that was forked without notice it becomes so here. `None`
    /// before the tracker has claimed it.
    #[cfg(feature = "std")]
    fn claimed(&self, flags: usize) -> Option<usize> {
        if flags & pending::CLAIMED != 0 {
            return Some(flags);
        }
        self.working_number()?;
        forks::notice();
        Some(self.flags())
    }

    /// Enters the hook on this thread, tracking paused or not.
    #[inline(always)]
    pub(crate) fn enter_always(&self) -> Entry<Entered<'_>> {
        #[cfg(feature = "std")]
        self.claimed(self.flags());
        self.enter_at(stack_pointer())
    }

    #[inline(always)]
    fn enter_at(&self, sp: usize) -> Entry<Entered<'_>> {
        let number = match self.number() {
            Entry::Ready(number) => number,
            Entry::Lost(cause) => return Entry::Lost(cause),
            _ => return Entry::Refused,
        };
        let Some(local) = self.platform.local(number) else { return Entry::Lost(LossCause::NoThread) };
        match local.slot() {
            Some(slot) => self.enter_own(local, slot, sp),
            None => self.enter_slowly(local, sp),
        }
    }

    /// Enters the hook on a thread that has a slot to itself, unless the hook runs on it.
    #[inline(always)]
    fn enter_own<'l>(&self, local: &'l Local, slot: &'static ThreadSlot, sp: usize) -> Entry<Entered<'l>> {
        if slot.share.enter(sp) {
            return Entry::Ready(Entered::again(local, slot));
        }
        #[cfg(feature = "std")]
        if let Some(entered) = self.enter_abandoned(local, slot, sp) {
            return Entry::Ready(entered);
        }
        Entry::Lost(LossCause::Reentered)
    }

    /// Enters the hook on a thread that has no slot to itself, or had none a moment ago.
    #[cold]
    #[inline(never)]
    fn enter_slowly<'l>(&self, local: &'l Local, sp: usize) -> Entry<Entered<'l>> {
        match local.state.load(Relaxed) {
            0 => undisturbed(|| self.enter_first(local, sp)),
            state => self.enter_known(local, state, sp),
        }
    }

    /// Enters the hook on a thread that has had no event, or had none a moment ago.
    #[inline(always)]
    fn enter_first<'l>(&self, local: &'l Local, sp: usize) -> Entry<Entered<'l>> {
        // What allocates while the slot is being taken finds the thread busy.
        match local.state.compare_exchange(0, Local::BUSY, Relaxed, Relaxed) {
            Ok(_) => self.begin(local, sp),
            Err(state) => self.enter_known(local, state, sp),
        }
    }

    /// Enters the hook on a thread that has had events, and has ended or had no slot to itself a moment ago. Once in a
    /// firmware, where flash is dearer than a call.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn enter_known<'l>(&self, local: &'l Local, state: usize, sp: usize) -> Entry<Entered<'l>> {
        match state {
            Local::GONE => Entry::Lost(LossCause::NoThread),
            busy if busy & Local::BUSY != 0 => Entry::Lost(LossCause::Reentered),
            state => match local.slot() {
                // A signal has come since the slot was looked for, and has taken it.
                Some(slot) => self.enter_own(local, slot, sp),
                None => Entered::shared(local, (state - 1) as u16),
            },
        }
    }

    /// The first event of a thread, which is busy: it takes a slot.
    #[inline(always)]
    fn begin<'l>(&self, local: &'l Local, sp: usize) -> Entry<Entered<'l>> {
        let id = self.platform.thread_id();
        let threads = self.region().threads();
        let slot = threads.claim(id, |name| *name == self.platform.thread_name(id));
        if !Threads::is_first(slot, self.region().head().marks.credit.inherited()) {
            // Without a barrier the room has been open from the start.
            self.region().head().marks.credit.open(threads, || _ = self.platform.barrier());
        }
        if U::CAPTURES {
            local.memory.store(self.platform.memory(size_of::<U::Memo>()), Relaxed);
        }
        #[cfg(feature = "std")]
        if slot != crate::table::threads::OVERFLOW {
            // An image has no other way to know it.
            threads.get(slot).set_name(self.platform.thread_name(id));
        }
        self.platform.thread_started();
        let Some(own) = threads.own(slot.into()) else { return Entered::shared(local, slot) };
        own.share.enter(sp);
        local.slot.store(core::ptr::from_ref(own).cast_mut(), Relaxed);
        // Whoever finds the number finds the slot.
        local.state.store(usize::from(slot) + 1, Release);
        Entry::Ready(Entered { local, slot, own: Some(own) })
    }
}
