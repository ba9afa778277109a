//! Inside a tracker's hook: there an unwinder gets all that it needs for a capture. One event of a tracker is used to
//! get there; its unwinder then does the measuring.

use memtrack::unwind::{Captured, End, Frames, Interned, Memory, Note, Registers, StackId, Stacks, Unwind};

/// An unwinder that captures nothing, but does its work with what captures get.
pub(crate) struct Inside<U: Unwind> {
    pub(crate) unwind: U,
    pub(crate) work: fn(Hook<'_, U>),
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
        (self.work)(Hook { unwind: &self.unwind, memory, memo, stacks, frames });
        Captured { interned: Interned { stack: StackId::ROOT, cut: false }, end: End::Complete, note: None }
    }
}
