//! Bare metal, one core, no operating system: the main loop and its interrupts are one context.

use super::{Local, Platform};
use crate::sync::*;

/// One core without an operating system.
///
/// Interrupts count as the main loop: an event of an interrupt that comes inside the hook is counted as a loss,
/// never waited for. Tell it where the stack ends, or no stack is captured:
/// `static HEAP: Tracker<Heap> = …; SingleCore::set_stack_end(core::ptr::addr_of!(_stack_start) as usize);`
#[derive(Debug, Default, Clone, Copy)]
pub struct SingleCore;

static LOCAL: Local = Local::new();
static TRACKERS: AtomicUsize = AtomicUsize::new(0);
static STACK_END: AtomicUsize = AtomicUsize::new(0);

impl SingleCore {
    /// The address just past the stack's outermost word: what the stack pointer was at reset.
    pub fn set_stack_end(end: usize) {
        STACK_END.store(end, Relaxed);
    }
}

// SAFETY: there is one context, so one `Local` serves; the stack is readable from the stack pointer of the running
// code to the end that the integrator names; nothing else is overridden.
unsafe impl Platform for SingleCore {
    fn local(&self, tracker: usize) -> Option<&Local> {
        (tracker == 0).then_some(&LOCAL)
    }

    fn reserve(&self) -> Option<usize> {
        (TRACKERS.fetch_add(1, Relaxed) == 0).then_some(0)
    }

    fn stack(&self, _: &Local, sp: usize) -> Option<(usize, usize)> {
        let end = STACK_END.load(Relaxed);
        (sp < end).then_some((sp, end))
    }
}
