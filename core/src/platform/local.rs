//! The words of a context: the memory that a tracker keeps for each thread, task or core.
//!
//! - **Slot**: the context's entry in the table of threads. A context has none before its first event. Contexts for which
//!   no slot is left share one.
//! - **State**: the number of the slot, or one of the constants [`Local::BUSY`] and [`Local::GONE`].

use crate::sync::*;
use crate::table::slot::ThreadSlot;

/// The words that a tracker keeps for each thread, task or core. They are all zero when the context starts. Only that
/// context changes them, and the signal handlers and interrupts that run on it.
#[derive(Debug)]
#[cfg_attr(all(target_pointer_width = "64", feature = "std"), repr(align(64)))]
pub struct Local {
    /// The slot that the context has to itself, null while it has none. The slot says whether the hook runs.
    pub(crate) slot: AtomicPtr<ThreadSlot>,
    /// 0 before the first event, then the number of the slot plus one; [`Local::GONE`] at the end. [`Local::BUSY`] is added
    /// while the hook runs and there is no slot that could say so.
    pub(crate) state: AtomicUsize,
    /// The tag that is pushed.
    pub(crate) tag: AtomicU32,
    /// Scopes and stages of this context that are running.
    pub(crate) measurements: AtomicU32,
    /// The cell that counted the last event, with the stack, and with the tag and heap, of that event.
    pub(crate) last_cell: AtomicU32,
    pub(crate) last_stack: AtomicU32,
    pub(crate) last_label: AtomicU32,
    /// The memory of the unwinder, null when there is none.
    pub(crate) memory: AtomicPtr<u8>,
    /// The part of the context's stack that is known to be readable, both 0 while none is.
    pub(crate) stack_low: AtomicUsize,
    pub(crate) stack_high: AtomicUsize,
}

impl Local {
    /// The hook is running in this context.
    pub(crate) const BUSY: usize = 1 << 31;
    /// The context has ended: its later events are counted as losses.
    pub(crate) const GONE: usize = Self::BUSY - 1;

    /// The words of a context that has not run yet.
    #[must_use]
    pub const fn new() -> Self {
        Local {
            slot: AtomicPtr::new(core::ptr::null_mut()),
            state: AtomicUsize::new(0),
            tag: AtomicU32::new(0),
            measurements: AtomicU32::new(0),
            last_cell: AtomicU32::new(0),
            last_stack: AtomicU32::new(0),
            last_label: AtomicU32::new(0),
            memory: AtomicPtr::new(core::ptr::null_mut()),
            stack_low: AtomicUsize::new(0),
            stack_high: AtomicUsize::new(0),
        }
    }

    /// The slot that the context has to itself.
    #[inline(always)]
    pub(crate) fn slot(&self) -> Option<&'static ThreadSlot> {
        // SAFETY: the pointer is null or `guard_first_event` has stored it, from a reference to a slot that lives as long
        // as the program.
        unsafe { self.slot.load(Relaxed).as_ref() }
    }

    /// Marks the context as ended. Returns the number of its slot; `None` when it had no slot, or ended inside the hook.
    pub(crate) fn end(&self) -> Option<u16> {
        let inside = self.slot().is_some_and(|slot| slot.share.is_inside());
        self.slot.store(core::ptr::null_mut(), Relaxed);
        let state = self.state.swap(Self::GONE, Relaxed);
        let ended = state != 0 && state < Self::GONE && !inside;
        ended.then(|| (state - 1) as u16)
    }

    /// Sets the bounds of the context's stack: its lowest address, and the address past its highest byte. All of it must
    /// stay readable as long as the context runs. Under an RTOS, call this when the task is created, before it runs.
    pub fn set_stack(&self, low: usize, high: usize) {
        self.stack_high.store(high, Relaxed);
        self.stack_low.store(low, Relaxed);
    }

    /// The bounds of the stack that are set, both 0 while none are.
    #[inline(always)]
    pub(crate) fn bounds(&self) -> (usize, usize) {
        (self.stack_low.load(Relaxed), self.stack_high.load(Relaxed))
    }

    /// How many bytes of the context's own stack are above the stack pointer of running code: none when that is elsewhere.
    #[inline(always)]
    pub(crate) fn room(&self, sp: usize) -> usize {
        let (low, high) = self.bounds();
        if sp >= low && sp < high { high - sp } else { 0 }
    }

    /// Returns the stack that was set, from `sp` to its end; `None` when `sp` is outside of it. A
    /// [`Platform::stack`](crate::Platform::stack) may return this.
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

#[cfg(test)]
mod tests {
    use super::Local;

    #[test]
    fn only_the_stack_that_was_set_has_room() {
        let local = Local::new();
        assert_eq!(local.room(0x1000), 0, "none was set");
        local.set_stack(0x1000, 0x3000);
        let room = [0xff8, 0x1000, 0x2ff8, 0x3000, 0x9000].map(|sp| local.room(sp));
        assert_eq!(room, [0, 0x2000, 8, 0, 0]);
    }
}
