//! The cell of an event: for an allocation by the call stack here, for a free by the block's trailer.
//!
//! - **Label**: the thread's tag and the block's heap, packed into one word. A cell is found by thread, label and stack.
//! - **Cached cell**: the unwinder remembers stacks, and beside each the last cell of that stack with its label. The fast
//!   path knows no other cells.
//! - **Owner**: the thread that allocated a block. Its cell counts the free, whichever thread frees.

use super::Tracker;
use super::guard::Guard;
use crate::platform::{Local, Platform};
use crate::sync::*;
use crate::table::account::{Account, Booker};
use crate::table::cells::{self, Key};
use crate::table::peak::Epoch;
use crate::table::region::Tables;
use crate::unwind::{End, Interned, LastCell, Memory, Registers, StackId, Unwind, registers, stack_pointer};
use memtrack_format::LossCause;

/// The registers from which the stack is walked: those of the calling function. This is inlined, because a call would add
/// a frame to every stack.
#[inline(always)]
pub(crate) fn walk_start<U: Unwind>() -> Registers {
    if U::CAPTURES { registers() } else { Registers { pc: 0, sp: stack_pointer(), fp: 0 } }
}

#[inline(always)]
fn label(local: &Local, heap: u8) -> u32 {
    local.tag.load(Relaxed) | u32::from(heap) << 16
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The cached cell of the stack here. `None` when the stack is not remembered, or has no cell with the current label.
    #[inline(always)]
    pub(super) fn cached_cell(
        &self,
        local: &Local,
        from: Registers,
        heap: u8,
        region: &'static R,
    ) -> Option<u32> {
        let last = if U::CAPTURES {
            // SAFETY: the platform gave the memory, zeroed and for this thread alone, and the memo's start is all-zero;
            // the guard keeps everything else on this thread out while the reference lives.
            let memo = unsafe { local.memory.load(Relaxed).cast::<U::Memo>().as_mut() }?;
            // SAFETY: all of the context's own stack that is above its stack pointer is in use, so it is readable.
            unsafe { U::recall(from, local.room(from.sp), memo, region.stacks()) }
        } else {
            LastCell { cell: local.last_cell.load(Relaxed), label: local.last_label.load(Relaxed) }
        };
        last.cell(label(local, heap))
    }

    /// The cell of the stack here. `None` when the stack has none and the table is full. Not inlined in a firmware, where
    /// flash is scarcer than time.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn find_cell(
        &self,
        guard: &Guard<'_>,
        from: Registers,
        heap: u8,
    ) -> Option<(u32, &'static Account)> {
        let label = label(guard.local, heap);
        if guard.is_shared() {
            self.region().head().losses.count(LossCause::ThreadsFull);
        }
        let id = if U::CAPTURES {
            self.capture(guard, from, label)?
        } else {
            self.cell_of_stack(guard, Interned { stack: StackId::ROOT, cut: false }, label, None)?
        };
        Some((id, self.region().cells().get(id)?))
    }

    /// Walks the stack, interns it as far as the table has space, and returns its cell.
    #[inline(never)]
    fn capture(&self, guard: &Guard<'_>, from: Registers, label: u32) -> Option<u32> {
        let prove = |sp| self.platform.stack(guard.local, sp);
        let Some(memory) = Memory::at(from.sp, &prove) else {
            self.count_incomplete(End::Stopped, false);
            return self.cell_of_stack(guard, Interned { stack: StackId::CUT, cut: false }, label, None);
        };
        // SAFETY: the platform gave the memory, zeroed and for this thread alone, and the memo's start is all-zero;
        // the guard keeps everything else on this thread out while the reference lives.
        let memo = unsafe { guard.local.memory.load(Relaxed).cast::<U::Memo>().as_mut() };
        let mut frames = R::Frames::default();
        let captured = self.unwind.capture(from, memory, memo, self.region().stacks(), frames.as_mut());
        if captured.end != End::Complete || captured.interned.cut {
            self.count_incomplete(captured.end, captured.interned.cut);
        }
        match captured.last_cell.as_deref().and_then(|last| last.cell(label)) {
            Some(cell) => Some(cell),
            None => self.cell_of_stack(guard, captured.interned, label, captured.last_cell),
        }
    }

    /// The cell of an interned stack. It is looked up, unless it is the thread's last cell.
    #[inline(always)]
    fn cell_of_stack(
        &self,
        guard: &Guard<'_>,
        stack: Interned,
        label: u32,
        last_cell: Option<&mut LastCell>,
    ) -> Option<u32> {
        let local = guard.local;
        let word = stack.stack.0 << 1 | u32::from(stack.cut);
        let last = local.last_cell.load(Relaxed);
        let is_last = last != cells::UNATTRIBUTED
            && local.last_stack.load(Relaxed) == word
            && local.last_label.load(Relaxed) == label;
        let id = if is_last { last } else { self.look_up_cell(guard, stack, label)? };
        if let Some(last_cell) = last_cell {
            *last_cell = LastCell { cell: id, label };
        }
        Some(id)
    }

    #[inline(never)]
    fn look_up_cell(&self, guard: &Guard<'_>, stack: Interned, label: u32) -> Option<u32> {
        let local = guard.local;
        let id = self.region().cells().find_or_insert(Key {
            thread: guard.thread(),
            tag: label as u16,
            heap: (label >> 16) as u8,
            stack: stack.stack,
            cut: stack.cut,
        })?;
        local.last_cell.store(id, Relaxed);
        local.last_stack.store(stack.stack.0 << 1 | u32::from(stack.cut), Relaxed);
        local.last_label.store(label, Relaxed);
        Some(id)
    }

    #[cold]
    fn count_incomplete(&self, end: End, cut: bool) {
        let losses = &self.region().head().losses;
        match end {
            End::Complete => {}
            End::TooDeep => losses.count(LossCause::TooDeep),
            End::Stopped => losses.count(LossCause::Unwind),
        }
        if cut {
            losses.count(LossCause::StacksFull);
        }
    }

    /// The cell that a trailer names, and its owner. `None` for a trailer that was overwritten or is another allocator's:
    /// the loss is counted and nothing is subtracted, because the block may never have been added here. So live is never
    /// too low.
    #[inline]
    pub(super) fn owned_cell(&self, trailer: Option<u32>) -> Option<(&'static Account, u16)> {
        let cells = self.region().cells();
        // A cell that is not used yet has no blocks.
        let owned = trailer.filter(|&id| id <= cells.usage().0).and_then(|id| cells.owned(id));
        if owned.is_none() {
            self.region().head().losses.count(LossCause::CorruptTrailer);
        }
        owned
    }

    /// Counts the free of a block that another thread owns: on the remote parts of the cell and of that thread. Not
    /// inlined in a firmware, where flash is scarcer than time.
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn count_remote_free(&self, (cell, owner): (&Account, u16), size: usize, epoch: Epoch<'_>) {
        cell.free(size, epoch, Booker::Anyone);
        self.region().threads().get(owner).free_remote(size, &self.region().head().marks.epochs, epoch);
    }
}
