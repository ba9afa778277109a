//! Inside a tracker's hook: there an unwinder gets all that it needs for a capture. One event of a tracker is used to
//! get there; its unwinder then does the measuring.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use memtrack::unwind::{Captured, End, Frames, Interned, Memory, Note, Registers, StackId, Stacks, Unwind};

/// An unwinder that captures nothing, but does its work with what captures get: at its second event. The first one is
/// [deep](deep_and_here).
pub(crate) struct Inside<U: Unwind> {
    unwind: U,
    work: fn(Hook<'_, U>),
    is_deep: AtomicBool,
}

impl<U: Unwind> Inside<U> {
    pub(crate) const fn new(unwind: U, work: fn(Hook<'_, U>)) -> Self {
        Inside { unwind, work, is_deep: AtomicBool::new(false) }
    }
}

/// Runs `event` deeper than anything that is measured, and then here: what the tracker knows of the stack by then holds
/// for all that lies between, as it does in a program that has had an event there.
#[inline(never)]
pub(crate) fn deep_and_here(event: impl Fn()) {
    #[inline(never)]
    fn deep(event: &dyn Fn()) {
        let space = black_box([0u8; 256 << 10]);
        event();
        black_box(&space);
    }
    deep(&event);
    event();
}

/// A note as the hook writes it beside a stack that it has booked on. Unwinders do not look at what it says.
// SAFETY: a note is two such integers, in C's layout.
const BOOKED: Note = unsafe { std::mem::transmute::<[u32; 2], Note>([1, 0]) };

/// What an unwinder gets from the hook.
pub(crate) struct Hook<'h, U: Unwind> {
    unwind: &'h U,
    memory: Memory<'h>,
    memo: &'h mut U::Memo,
    stacks: Stacks<'h>,
    frames: &'h mut Frames,
}

impl<U: Unwind> Hook<'_, U> {
    /// Finds the stack's id as the hook does: recalled, or else captured.
    #[inline(never)]
    pub(crate) fn capture(&mut self) {
        let from = registers();
        let on_stack = self.memory.switch(from.sp);
        if U::recall(from, self.memo) != Note::NONE {
            return;
        }
        if U::search(from, self.memory, self.memo, self.stacks) != Note::NONE {
            return;
        }
        self.frames.clear();
        let captured = self.unwind.capture(from, self.memory, Some(self.memo), self.stacks, self.frames);
        assert!(on_stack && captured.end == End::Complete && !captured.interned.cut, "{captured:?}");
        if let Some(note) = captured.note {
            *note = BOOKED;
        }
    }

    /// How many frames the stack has here, when it can be walked to its end.
    #[inline(never)]
    pub(crate) fn frames(&mut self) -> Option<usize> {
        let from = registers();
        self.memory.switch(from.sp);
        self.frames.clear();
        let end = self.unwind.walk(from, self.memory, None, self.frames);
        (end == End::Complete).then(|| self.frames.len())
    }
}

/// The registers of the function that this is inlined into.
#[inline(always)]
fn registers() -> Registers {
    let (pc, sp, fp): (usize, usize, usize);
    // SAFETY: only copies registers.
    unsafe {
        std::arch::asm!("lea {0}, [rip]", "mov {1}, rsp", "mov {2}, rbp", out(reg) pc, out(reg) sp, out(reg) fp, options(nomem, nostack, preserves_flags));
    }
    Registers { pc, sp, fp }
}

// SAFETY: what is measured happens inside of an event of a tracker that is nobody's allocator: no event comes meanwhile.
// The inner unwinder keeps the other promises.
unsafe impl<U: Unwind> Unwind for Inside<U> {
    const NAME: &'static str = "measured";
    type Memo = U::Memo;

    fn walk(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&mut Self::Memo>,
        frames: &mut Frames,
    ) -> End {
        self.unwind.walk(from, memory, memo, frames)
    }

    fn capture<'m>(
        &self,
        _: Registers,
        memory: Memory<'_>,
        memo: Option<&'m mut Self::Memo>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let memo = memo.expect("the host has memory for every thread");
        if self.is_deep.swap(true, Relaxed) {
            (self.work)(Hook { unwind: &self.unwind, memory, memo, stacks, frames });
        }
        Captured { interned: Interned { stack: StackId::ROOT, cut: false }, end: End::Complete, note: None }
    }
}
