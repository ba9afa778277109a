//! The common event, in a straight line: the tracker runs, the thread has a slot of its own and is not inside the hook,
//! its stack and cell are known, no mark has to be kept, the credit suffices. Whatever else comes is left to
//! [`super::alloc`], with nothing booked yet.

use super::realloc::Resize;
use crate::platform::{Local, Platform};
use crate::sync::*;
use crate::table::account::{Account, Booker};
use crate::table::peak::{Epoch, Marks};
use crate::table::pending::QUIET;
use crate::table::region::{Head, Tables};
use crate::table::threads::{FIRST, ThreadSlot};
use crate::table::timeline::Timeline;
use crate::tracker::Tracker;
use crate::unwind::{Memory, Note, Registers, Unwind};

/// Whether reallocations and frees of other threads' blocks have a straight line too: in a firmware flash is dearer than
/// their time.
const ALL: bool = cfg!(feature = "std");

/// A thread that is inside the hook; leaving is `drop`.
struct Inside<'t> {
    marks: &'t Marks,
    slot: &'static ThreadSlot,
}

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.share.leave();
    }
}

impl Inside<'_> {
    /// Whether that slot is this thread's.
    #[inline(always)]
    fn is_own(&self, slot: u16) -> bool {
        u32::from(slot) == self.slot.number()
    }

    /// The thread's slot when its marks are those of its last event, and its account's copies too.
    #[inline(always)]
    fn settled(&self, epoch: Epoch<'_>) -> Option<&'static ThreadSlot> {
        self.slot.is_settled(&self.marks.epochs, epoch).then_some(self.slot)
    }

    /// Live has risen by `more`: whether that made a new peak, of the thread or the program.
    #[inline(always)]
    fn rise<R: Tables>(&self, more: usize, region: &'static R) -> bool {
        let new = [self.slot.is_high(), !self.marks.credit.take(more, &self.slot.share)];
        let any = new[0] | new[1];
        if any {
            rise_above(self.slot, new[1].then_some(more), region);
        }
        any
    }
}

/// Whether the clock is looked at with the thread's next allocation.
#[inline(always)]
fn is_time_to_look(slot: &ThreadSlot) -> bool {
    Timeline::IS_KEPT && slot.account.is_next_time_to_look()
}

/// New peaks: of the thread, and, when its share was too small for `more`, perhaps of the program.
#[inline(never)]
fn rise_above<R: Tables>(slot: &ThreadSlot, more: Option<usize>, region: &'static R) {
    slot.raise_high();
    if let Some(more) = more {
        let head = region.head();
        head.marks.rise(more, Some(&slot.share), region.threads(), &head.pending);
    }
}

/// A booked allocation.
pub(crate) struct Booked {
    pub(crate) cell: u32,
    /// It made a new peak: somebody may wait for that.
    pub(crate) is_peak: bool,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    #[inline(always)]
    fn enter_quickly(&self, sp: usize) -> Option<(Inside<'_>, &Local, &'static R)> {
        let at = self.site.at();
        let Head { marks, pending, .. } = at.head();
        if pending.flags() != QUIET {
            return None;
        }
        let local = self.platform.local(self.working_number()?)?;
        let slot = local.slot()?;
        // Not `then_some`: what is made and dropped again leaves the hook that a signal has interrupted.
        slot.share.enter(sp).then(|| (Inside { marks, slot }, local, at.region()))
    }

    /// The cell of the stack here, when stack and cell are known.
    #[inline(always)]
    fn cell_quickly(&self, local: &Local, from: Registers, heap: u8) -> Option<u32> {
        let label = local.tag.load(Relaxed) | u32::from(heap) << 16;
        let note = if U::CAPTURES {
            // SAFETY: the platform gave the memory, zeroed and for this thread alone, and the memo's start is all-zero;
            // the guard keeps everything else on this thread out while the reference lives.
            let memo = unsafe { local.memory.load(Relaxed).cast::<U::Memo>().as_mut() }?;
            match U::recall(from, memo).cell(label) {
                Some(cell) => return Some(cell),
                None => self.search(local, memo, from.pc, from.sp, from.fp),
            }
        } else {
            Note { cell: local.last_cell.load(Relaxed), label: local.last_label.load(Relaxed) }
        };
        note.cell(label)
    }

    /// Not in line, and its registers one by one: then they need no place in memory as long as it is not called.
    #[inline(never)]
    fn search(&self, local: &Local, memo: &mut U::Memo, pc: usize, sp: usize, fp: usize) -> Note {
        let prove = |sp| self.platform.stack(local, sp);
        let memory = Memory::at(sp, &prove, || local.bounds());
        memory.map_or(Note::NONE, |memory| {
            U::search(Registers { pc, sp, fp }, memory, memo, self.region().stacks())
        })
    }

    /// Books an allocation.
    #[inline(always)]
    pub(crate) fn book_quickly(
        &self,
        from: Registers,
        heap: u8,
        block: usize,
        size: usize,
    ) -> Option<Booked> {
        let (inside, local, region) = self.enter_quickly(from.sp)?;
        let epoch = inside.marks.epochs.epoch();
        let slot = inside.settled(epoch).filter(|slot| !is_time_to_look(slot))?;
        let id = self.cell_quickly(local, from, heap)?;
        // SAFETY: what is remembered beside stacks are ids that this region's cells gave.
        let cell = unsafe { region.cells().known(id) };
        if !cell.is_current(epoch) {
            return None;
        }
        cell.add(size);
        slot.add(block, size);
        Some(Booked { cell: id, is_peak: inside.rise(size, region) })
    }

    /// Books a free on the cell that a block names.
    #[inline(always)]
    pub(crate) fn book_free_quickly(
        &self,
        sp: usize,
        cell: Option<u32>,
        block: usize,
        size: usize,
    ) -> Option<()> {
        let (inside, _, region) = self.enter_quickly(sp)?;
        let marks = inside.marks;
        let epoch = marks.epochs.fallen_epoch()?;
        let owned @ (cell, owner) = region.cells().owned(cell?)?;
        if !inside.is_own(owner) {
            // A cell without a thread is nobody's, or not used yet: then the trailer was made up.
            if !ALL || owner < FIRST {
                return None;
            }
            self.book_free_remotely(inside, owned, size, epoch);
            return Some(());
        }
        let slot = inside.settled(epoch)?;
        if !cell.is_current(epoch) {
            return None;
        }
        cell.subtract(size);
        if slot.subtract(block, size) {
            slot.account.count_temporary(Booker::Owner);
            cell.count_temporary(Booker::Owner);
        }
        marks.credit.give_to(size, &slot.share);
        Some(())
    }

    /// Books a free of another thread's block. Not in line, with all that comes after it: so the common event keeps nothing
    /// for it.
    #[inline(never)]
    fn book_free_remotely(&self, inside: Inside<'_>, owned: (&Account, u16), size: usize, epoch: Epoch<'_>) {
        self.free_remotely(owned, size, epoch);
        inside.slot.other_event();
        inside.marks.credit.give_to(size, &inside.slot.share);
    }

    /// Books a reallocation: the cell.
    #[inline(always)]
    pub(crate) fn book_realloc_quickly(&self, resize: &Resize) -> Option<Booked> {
        let &Resize { here, old, old_size, heap, new, new_size } = resize;
        if !ALL {
            return None;
        }
        let (inside, local, region) = self.enter_quickly(here.sp)?;
        let marks = inside.marks;
        let epoch = if new_size < old_size { marks.epochs.fallen_epoch()? } else { marks.epochs.epoch() };
        let slot = inside.settled(epoch).filter(|slot| !is_time_to_look(slot))?;
        let cells = region.cells();
        let (old, owner) = cells.owned(old?)?;
        if !inside.is_own(owner) || !old.is_current(epoch) {
            return None;
        }
        let id = self.cell_quickly(local, here, heap)?;
        // SAFETY: as in `book_quickly`.
        let cell = unsafe { cells.known(id) };
        if !cell.is_current(epoch) {
            return None;
        }
        old.subtract(old_size);
        cell.add(new_size);
        cell.count_realloc(Booker::Owner);
        slot.account.subtract(old_size);
        slot.add(new, new_size);
        slot.account.count_realloc(Booker::Owner);
        let is_peak = match new_size.checked_sub(old_size) {
            Some(more) => inside.rise(more, region),
            None => {
                marks.credit.give_to(old_size - new_size, &slot.share);
                false
            }
        };
        Some(Booked { cell: id, is_peak })
    }
}
