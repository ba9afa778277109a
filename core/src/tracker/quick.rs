//! The common event, in a straight line: the tracker runs, the thread has a slot of its own and is not inside the hook,
//! its stack and cell are known, no mark has to be kept, the head-room suffices. Whatever else comes is left to
//! [`super::hook`], with nothing booked yet.

use super::Tracker;
use crate::platform::{Local, Platform};
use crate::sync::*;
use crate::table::account::{Account, Booker};
use crate::table::cells::{self, thread_of};
use crate::table::marks::Epoch;
use crate::table::region::{Head, Tables};
use crate::table::threads::ThreadSlot;
use crate::unwind::{Memory, Note, Registers, Unwind};

/// Without it every event goes the whole way: in a firmware flash is dearer than time.
const IS_USED: bool = cfg!(feature = "std");

/// A thread that is inside the hook; leaving is `drop`. Others that want to touch its share wait for that.
struct Inside<'t> {
    head: &'t Head,
    local: &'t Local,
    state: usize,
    slot: &'t ThreadSlot,
}

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.share.leave();
        self.local.state.store(self.state, Relaxed);
    }
}

impl<'t> Inside<'t> {
    /// The thread's own slot when an allocation that adds `more` live bytes changes nothing but counters and shares.
    #[inline(always)]
    fn allocates(&self, more: usize, epoch: Epoch<'_>) -> Option<&'t ThreadSlot> {
        let (slot, marks) = (self.slot, &self.head.marks);
        (slot.is_common(more, marks, epoch) && slot.share.has(more)).then_some(slot)
    }

    /// The same for an event that adds none.
    #[inline(always)]
    fn frees(&self, epoch: Epoch<'_>) -> Option<&'t ThreadSlot> {
        self.slot.is_settled(&self.head.marks, epoch).then_some(self.slot)
    }

    /// The cell of that number when it is this thread's, and changes nothing but its counters.
    #[inline(always)]
    fn own(&self, cell: Option<&'t Account>, epoch: Epoch<'_>) -> Option<&'t Account> {
        cell.filter(|cell| usize::from(thread_of(cell)) + 1 == self.state && cell.is_current(epoch))
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    #[inline(always)]
    fn enter_quickly(&self) -> Option<Inside<'_>> {
        let head = self.region.head();
        if !IS_USED || head.marks.watch.flags() != 0 {
            return None;
        }
        let local = self.platform.local(self.working_number()?)?;
        let state = local.state.load(Relaxed);
        let slot = self.region.threads().own(state.wrapping_sub(1))?;
        local.state.store(state | Local::BUSY, Relaxed);
        slot.share.enter();
        Some(Inside { head, local, state, slot })
    }

    /// The cell of the stack here, when stack and cell are known.
    #[inline(always)]
    fn cell_quickly(&self, local: &Local, from: Registers, heap: u8) -> Option<u32> {
        let label = local.tag.load(Relaxed) | u32::from(heap) << 16;
        let note = if U::CAPTURES {
            // SAFETY: the platform gave the memory, zeroed and for this thread alone, and the memo's start is all-zero;
            // the guard keeps everything else on this thread out while the reference lives.
            let memo = unsafe { local.memory.load(Relaxed).cast::<U::Memo>().as_mut() }?;
            match U::recall(from, memo) {
                Some(note) => note,
                None => self.search(local, memo, from.pc, from.sp, from.fp)?,
            }
        } else {
            Note { cell: local.last_cell.load(Relaxed), label: local.last_label.load(Relaxed) }
        };
        (note.cell != cells::UNATTRIBUTED && note.label == label).then_some(note.cell)
    }

    /// Not in line, and its registers one by one: then they need no place in memory as long as it is not called.
    #[inline(never)]
    fn search(&self, local: &Local, memo: &mut U::Memo, pc: usize, sp: usize, fp: usize) -> Option<Note> {
        let prove = |sp| self.platform.stack(local, sp);
        U::search(Registers { pc, sp, fp }, Memory::at(sp, &prove, || local.bounds())?, memo)
    }

    /// Books an allocation: the cell.
    #[inline(always)]
    pub(super) fn book_quickly(&self, from: Registers, heap: u8, block: usize, size: usize) -> Option<u32> {
        let inside = self.enter_quickly()?;
        let marks = &inside.head.marks;
        let epoch = marks.epoch();
        let slot = inside.allocates(size, epoch)?;
        let id = self.cell_quickly(inside.local, from, heap)?;
        let cell = self.region.cells().get(id).filter(|cell| cell.is_current(epoch))?;
        // The last step that can fail: others may have taken the share meanwhile.
        if !slot.share.take_inside(size, &marks.room) {
            return None;
        }
        cell.add(size);
        slot.add(block, size);
        Some(id)
    }

    /// Books a free on the cell that a block names.
    #[inline(always)]
    pub(super) fn book_free_quickly(&self, cell: Option<u32>, block: usize, size: usize) -> Option<()> {
        let inside = self.enter_quickly()?;
        let marks = &inside.head.marks;
        let epoch = marks.fallen_epoch()?;
        let slot = inside.frees(epoch)?;
        let cell = inside.own(self.region.cells().get(cell?), epoch)?;
        cell.subtract(size);
        if slot.subtract(block, size) {
            slot.account.count_temporary(Booker::Owner);
            cell.count_temporary(Booker::Owner);
        }
        slot.share.give_inside(size, &marks.room);
        Some(())
    }

    /// Books a reallocation: the cell.
    #[inline(always)]
    pub(super) fn book_realloc_quickly(
        &self,
        from: Registers,
        old: Option<u32>,
        old_size: usize,
        heap: u8,
        block: usize,
        size: usize,
    ) -> Option<u32> {
        let inside = self.enter_quickly()?;
        let marks = &inside.head.marks;
        let more = size.saturating_sub(old_size);
        let epoch = if size < old_size { marks.fallen_epoch()? } else { marks.epoch() };
        let slot = inside.allocates(more, epoch)?;
        let cells = self.region.cells();
        let old = inside.own(cells.get(old?), epoch)?;
        let id = self.cell_quickly(inside.local, from, heap)?;
        let cell = cells.get(id).filter(|cell| cell.is_current(epoch))?;
        if !slot.share.take_inside(more, &marks.room) {
            return None;
        }
        old.subtract(old_size);
        cell.add(size);
        cell.count_realloc(Booker::Owner);
        slot.account.subtract(old_size);
        slot.add(block, size);
        slot.account.count_realloc(Booker::Owner);
        if size < old_size {
            slot.share.give_inside(old_size - size, &marks.room);
        }
        Some(id)
    }
}
