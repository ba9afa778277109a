//! The trait of unwinders, and the results of a walk.

use super::memory::{Memory, Registers};
use crate::table::stacks::{Interned, StackId, Stacks};

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the outermost frame.
    Complete,
    /// The buffer was full.
    TooDeep,
    /// Before the outermost frame: there was no unwind information, or a frame made no sense.
    Stopped,
}

impl End {
    /// The parent of the outermost frame that was found.
    #[must_use]
    pub const fn base(self) -> StackId {
        match self {
            End::Complete => StackId::ROOT,
            End::TooDeep | End::Stopped => StackId::CUT,
        }
    }
}

/// The frames of a stack, innermost first: addresses inside the calling instructions.
pub type Frames = heapless::VecView<usize>;

/// The cell that the tracker used last for a stack. The tracker stores it beside a stack that the unwinder remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct LastCell {
    pub(crate) cell: u32,
    /// The tag and the heap of that event.
    pub(crate) label: u32,
}

impl LastCell {
    /// No event has had this stack yet.
    pub const NONE: LastCell = LastCell { cell: 0, label: 0 };

    /// The cell, when its event had this label.
    #[inline(always)]
    pub(crate) fn cell(self, label: u32) -> Option<u32> {
        (self.cell != Self::NONE.cell && self.label == label).then_some(self.cell)
    }
}

/// A captured stack.
#[derive(Debug, PartialEq, Eq)]
pub struct Captured<'m> {
    /// The stack in the table.
    pub interned: Interned,
    /// How the walk ended.
    pub end: End,
    /// The last cell of the stack, all-zero at first, when the unwinder remembers the stack.
    pub last_cell: Option<&'m mut LastCell>,
}

/// Captures call stacks.
///
/// # Safety
/// The tracker calls an implementation from inside an allocator, in signal handlers and in interrupts. It must not allocate,
/// take a lock that anything else can hold, unwind or call the tracker. It must end in bounded time. It must read no memory
/// but its own and through [`Memory::read`].
pub unsafe trait Unwind: Sync {
    /// Its name in a dump.
    const NAME: &'static str;

    /// The memory that it has for each thread. All-zero must be its start.
    type Memo: 'static;

    /// Walks from `from` outwards and appends the callers' addresses: of each call, an address inside the calling
    /// instruction (the return address less one serves).
    fn walk(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&mut Self::Memo>,
        frames: &mut Frames,
    ) -> End;

    /// Walks, and interns the stack. An unwinder that remembers stacks overrides this.
    #[inline]
    fn capture<'m>(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&'m mut Self::Memo>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let end = self.walk(from, memory, memo, frames);
        Captured { interned: stacks.intern(end.base(), frames), end, last_cell: None }
    }

    /// The last cell of the current stack, when the unwinder remembers that stack as complete, and has proven it unchanged; else
    /// [`LastCell::NONE`]. It must be the same stack that [`capture`](Self::capture) would find.
    ///
    /// # Safety
    /// `room` bytes above `from.sp`, which is aligned to words, must be readable.
    #[inline(always)]
    unsafe fn recall(from: Registers, room: usize, memo: &mut Self::Memo, stacks: Stacks<'_>) -> LastCell {
        let _ = (from, room, memo, stacks);
        LastCell::NONE
    }

    /// Forgets what may have changed since the last call: code that was unloaded. The tracker calls this before the first
    /// [`recall`](Self::recall) after such a change.
    #[inline(always)]
    fn renew(memo: &mut Self::Memo) {
        let _ = memo;
    }

    /// Whether it captures at all. If not, the tracker does not even ask where the stack is.
    const CAPTURES: bool = true;
}
