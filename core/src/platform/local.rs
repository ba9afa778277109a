//! The words that a tracker keeps for each thread.

use crate::sync::*;
use crate::table::threads::ThreadSlot;

/// The words that a tracker keeps for each thread, task or core. They start all-zero with the thread and are
/// touched by that thread alone (and by signal handlers and interrupts that run on it).
#[derive(Debug)]
#[cfg_attr(target_pointer_width = "64", repr(align(64)))]
pub struct Local {
    /// The slot that the thread has to itself, which says whether the hook runs; null while there is none.
    pub(crate) slot: AtomicPtr<ThreadSlot>,
    /// 0 before the first event; the number of the thread's slot plus one; [`Local::BUSY`] while the hook runs without a
    /// slot that could say so.
    pub(crate) state: AtomicUsize,
    /// The tag that is pushed.
    pub(crate) tag: AtomicU32,
    /// Scopes and stages of this thread that are running.
    pub(crate) spans: AtomicU32,
    /// The cell booked last, and its stack, tag and heap.
    pub(crate) last_cell: AtomicU32,
    pub(crate) last_stack: AtomicU32,
    pub(crate) last_label: AtomicU32,
    /// Memory of the unwinder, null when there is none.
    pub(crate) memory: AtomicPtr<u8>,
    /// The part of the thread's stack that is known to be readable.
    pub(crate) stack_low: AtomicUsize,
    pub(crate) stack_high: AtomicUsize,
}

impl Local {
    /// The hook is running on this thread.
    pub(crate) const BUSY: usize = 1 << 31;
    /// The thread has ended for the tracker.
    pub(crate) const GONE: usize = Self::BUSY - 1;

    /// The words of a thread that has not run yet.
    #[must_use]
    pub const fn new() -> Self {
        Local {
            slot: AtomicPtr::new(core::ptr::null_mut()),
            state: AtomicUsize::new(0),
            tag: AtomicU32::new(0),
            spans: AtomicU32::new(0),
            last_cell: AtomicU32::new(0),
            last_stack: AtomicU32::new(0),
            last_label: AtomicU32::new(0),
            memory: AtomicPtr::new(core::ptr::null_mut()),
            stack_low: AtomicUsize::new(0),
            stack_high: AtomicUsize::new(0),
        }
    }

    /// The slot that the thread has to itself.
    #[inline(always)]
    pub(crate) fn slot(&self) -> Option<&'static ThreadSlot> {
        // SAFETY: what is stored is null or a slot of a tracker's region, which is a static.
        unsafe { self.slot.load(Relaxed).as_ref() }
    }

    /// The context has ended: the number of its slot, unless it had none or ended inside the hook.
    pub(crate) fn end(&self) -> Option<u16> {
        let inside = self.slot().is_some_and(|slot| slot.share.is_inside());
        self.slot.store(core::ptr::null_mut(), Relaxed);
        let state = self.state.swap(Self::GONE, Relaxed);
        let ended = state != 0 && state < Self::GONE && !inside;
        ended.then(|| (state - 1) as u16)
    }

    /// Says where the thread's stack lies: its lowest address and the one past its highest. All of it must be
    /// readable. A task of an RTOS gets this when it is made.
    pub fn set_stack(&self, low: usize, high: usize) {
        self.stack_high.store(high, Relaxed);
        self.stack_low.store(low, Relaxed);
    }

    /// The part of the thread's stack that is known to be readable, both 0 while none is.
    #[inline(always)]
    pub(crate) fn bounds(&self) -> (usize, usize) {
        (self.stack_low.load(Relaxed), self.stack_high.load(Relaxed))
    }

    /// The stack that was set, when `sp` lies in it: from `sp` to its end. What [`Platform::stack`](crate::Platform::stack) may return.
    pub fn stack_from(&self, sp: usize) -> Option<(usize, usize)> {
        let (low, high) = self.bounds();
        (low..high).contains(&sp).then_some((sp, high))
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}
