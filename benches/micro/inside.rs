//! Runs code inside a tracker's hook, where an unwinder gets everything that a capture needs. One event of a tracker
//! leads there; its unwinder then takes the measurements.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use memtrack::unwind::{
    Captured, End, Frames, Interned, LastCell, Memory, Registers, StackId, Stacks, Unwind,
};

/// An unwinder that captures nothing. At its second event it runs its work, with the arguments of a capture. The
/// first event is [deep](deep_and_here).
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

/// Runs `event` below every measured stack, and then here. Between the two, the tracker then knows the extent of the
/// stack, as in a program that has had an event there.
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

/// The last cell as the hook writes it beside a stack that it has counted. Unwinders do not read its contents.
// SAFETY: it consists of two such integers, in C's layout.
const BOOKED: LastCell = unsafe { std::mem::transmute::<[u32; 2], LastCell>([1, 0]) };

/// The arguments that the hook passes to an unwinder.
pub(crate) struct Hook<'h, U: Unwind> {
    unwind: &'h U,
    memory: Memory<'h>,
    memo: &'h mut U::Memo,
    stacks: Stacks<'h>,
    frames: &'h mut Frames,
}

impl<U: Unwind> Hook<'_, U> {
    /// Finds the id of the stack as the hook does: by recall, else by search, else by capture.
    #[inline(never)]
    pub(crate) fn capture(&mut self) {
        let from = registers();
        let on_stack = self.memory.switch(from.sp);
        if U::predict(from, self.memo) != LastCell::NONE {
            return;
        }
        if U::look_up(from, self.memory, self.memo, self.stacks) != LastCell::NONE {
            return;
        }
        self.frames.clear();
        let captured = self.unwind.capture(from, self.memory, Some(self.memo), self.stacks, self.frames);
        assert!(on_stack && captured.end == End::Complete && !captured.interned.cut, "{captured:?}");
        if let Some(last_cell) = captured.last_cell {
            *last_cell = BOOKED;
        }
    }

    /// The number of frames here, if the stack can be walked to its end.
    #[inline(never)]
    pub(crate) fn frames(&mut self) -> Option<usize> {
        let from = registers();
        self.memory.switch(from.sp);
        self.frames.clear();
        let end = self.unwind.walk(from, self.memory, None, self.frames);
        (end == End::Complete).then(|| self.frames.len())
    }
}

/// The registers in the function that this one is inlined into.
#[inline(always)]
fn registers() -> Registers {
    let (pc, sp, fp): (usize, usize, usize);
    // SAFETY: it only copies registers.
    unsafe {
        std::arch::asm!("lea {0}, [rip]", "mov {1}, rsp", "mov {2}, rbp", out(reg) pc, out(reg) sp, out(reg) fp, options(nomem, nostack, preserves_flags));
    }
    Registers { pc, sp, fp }
}

// SAFETY: the measured code runs inside an event of a tracker that is no program's allocator, so no event comes
// meanwhile. The inner unwinder keeps the other promises.
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
        Captured {
            interned: Interned { stack: StackId::ROOT, cut: false },
            end: End::Complete,
            last_cell: None,
        }
    }
}
