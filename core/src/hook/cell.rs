//! Where an event is booked when it goes the whole way: the cell of its stack, and the slot of its thread.

use super::guard::Entered;
use crate::LossCause;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::account::Account;
use crate::table::cells::{self, Key};
use crate::table::region::Tables;
use crate::table::threads::{self, ThreadSlot};
use crate::tracker::Tracker;
use crate::unwind::{End, Interned, Memory, Note, Registers, StackId, Unwind};

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The cell and thread slot for an event here and now; `None` when no cell is left. Once in a firmware, where
    /// flash is dearer than a call.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn place(
        &self,
        entered: &Entered<'_>,
        from: Registers,
        heap: u8,
    ) -> Option<(u32, &'static Account, &'static ThreadSlot)> {
        let local = entered.local;
        let label = local.tag.load(Relaxed) | u32::from(heap) << 16;
        if entered.slot == threads::OVERFLOW {
            self.region().head().losses.count(LossCause::ThreadsFull);
        }
        let id = if U::CAPTURES {
            self.capture(entered, from, label)?
        } else {
            self.find_cell(entered, Interned { stack: StackId::ROOT, cut: false }, label, None)?
        };
        Some((id, self.region().cells().get(id)?, self.region().threads().get(entered.slot)))
    }

    /// Captures the stack, interned as far as the table has room, and finds its cell.
    #[inline(never)]
    fn capture(&self, entered: &Entered<'_>, from: Registers, label: u32) -> Option<u32> {
        let prove = |sp| self.platform.stack(entered.local, sp);
        let Some(memory) = Memory::at(from.sp, &prove, || entered.local.bounds()) else {
            self.count_incomplete(End::Stopped, false);
            return self.find_cell(entered, Interned { stack: StackId::CUT, cut: false }, label, None);
        };
        // SAFETY: the platform gave the memory, zeroed and for this thread alone, and the memo's start is all-zero;
        // the guard keeps everything else on this thread out while the reference lives.
        let memo = unsafe { entered.local.memory.load(Relaxed).cast::<U::Memo>().as_mut() };
        let mut frames = R::Frames::default();
        let captured = self.unwind.capture(from, memory, memo, self.region().stacks(), frames.as_mut());
        if captured.end != End::Complete || captured.interned.cut {
            self.count_incomplete(captured.end, captured.interned.cut);
        }
        match captured.note.as_deref().and_then(|note| note.cell(label)) {
            Some(cell) => Some(cell),
            None => self.find_cell(entered, captured.interned, label, captured.note),
        }
    }

    /// The cell of a stack by look-up, unless it is the one that was looked up last.
    #[inline(always)]
    fn find_cell(
        &self,
        entered: &Entered<'_>,
        stack: Interned,
        label: u32,
        note: Option<&mut Note>,
    ) -> Option<u32> {
        let local = entered.local;
        let word = stack.stack.0 << 1 | u32::from(stack.cut);
        let last = local.last_cell.load(Relaxed);
        let is_last = last != cells::UNATTRIBUTED
            && local.last_stack.load(Relaxed) == word
            && local.last_label.load(Relaxed) == label;
        let id = if is_last { last } else { self.look_cell_up(entered, stack, label)? };
        if let Some(note) = note {
            *note = Note { cell: id, label };
        }
        Some(id)
    }

    #[inline(never)]
    fn look_cell_up(&self, entered: &Entered<'_>, stack: Interned, label: u32) -> Option<u32> {
        let (local, thread) = (entered.local, entered.slot);
        let (tag, heap) = (label as u16, (label >> 16) as u8);
        let id = self.region().cells().find_or_insert(Key {
            thread,
            tag,
            heap,
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
}
