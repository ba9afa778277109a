//! A reallocation: one event, counted after the inner allocator has succeeded. The block moves from the cell that its
//! trailer names to the cell of the stack here.

use super::Tracker;
use super::attend::Counted;
use super::cell::walk_start;
use super::claim::Refusal;
use super::guard::Guard;
use crate::platform::Platform;
use crate::table::account::Booker;
use crate::table::cells;
use crate::table::pending::QUIET;
use crate::table::region::Tables;
use crate::table::threads;
use crate::table::timeline::Timeline;
use crate::trailer;
use crate::unwind::{Registers, Unwind};
use core::alloc::{GlobalAlloc, Layout};
use memtrack_format::LossCause;

/// A block that was resized.
pub(crate) struct Resize {
    /// The registers of the function that resized it.
    pub(crate) from: Registers,
    /// The cell that the old trailer names.
    pub(crate) old: Option<u32>,
    pub(crate) old_size: usize,
    pub(crate) heap: u8,
    /// The block's new address.
    pub(crate) new: usize,
    pub(crate) new_size: usize,
}

impl<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Reads the old trailer, and resizes the block with its trailer.
    ///
    /// # Safety
    /// The block must be alive and have this layout; the new size must not be zero.
    #[inline(always)]
    pub(super) unsafe fn reallocate(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(padded) = trailer::padded_size(new_size, layout.align()) else {
            return self.count_failure();
        };
        // SAFETY: the block is alive and was allocated here with this layout.
        let old = unsafe { trailer::read(block, layout.size(), self.salt()) };
        // SAFETY: it was allocated with this layout, padded; the new size is not zero and fits a layout.
        let new = unsafe { self.inner.realloc(block, trailer::padded_again(layout), padded) };
        // SAFETY: the new block has the padded new size.
        unsafe { self.reallocated(old, layout.size(), new, new_size) }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Counts the resized block and writes its trailer. A failure changes nothing. Not inlined into the program: the walk
    /// starts in this frame.
    ///
    /// # Safety
    /// `new` must be null or have the padded layout of one of `new_size` bytes.
    #[inline(never)]
    unsafe fn reallocated(
        &self,
        old: Option<u32>,
        old_size: usize,
        new: *mut u8,
        new_size: usize,
    ) -> *mut u8 {
        if new.is_null() {
            return self.count_failure();
        }
        let (from, heap) = (walk_start::<U>(), cells::WRAPPED);
        let cell = self.count_realloc(Resize { from, old, old_size, heap, new: new as usize, new_size });
        // SAFETY: the caller upholds it.
        unsafe { trailer::write(new, new_size, cell, self.salt()) };
        new
    }

    /// Counts a reallocation. Returns the cell for the new trailer.
    #[inline(always)]
    pub(crate) fn count_realloc(&self, resize: Resize) -> u32 {
        match self.realloc_fast(&resize) {
            Some(counted) => self.run_triggers_of(counted),
            None => self.realloc_full(&resize),
        }
    }

    /// The fast path. A firmware has none, because flash is scarcer than time.
    #[inline(always)]
    fn realloc_fast(&self, resize: &Resize) -> Option<Counted> {
        let &Resize { from, old, old_size, heap, new, new_size } = resize;
        if !cfg!(feature = "std") {
            return None;
        }
        let loaded = self.region.load();
        if loaded.flags() != QUIET {
            return None;
        }
        let (guard, local, region) = self.fast_guard(&loaded, from.sp)?;
        let marks = guard.marks;
        let epoch = if new_size < old_size {
            guard.falling::<false, R>(region, || self.elapsed())?
        } else {
            marks.epochs.epoch()
        };
        let slot = guard.slot_in::<false, U>(epoch, local)?;
        if Timeline::IS_KEPT && slot.account.is_next_time_to_look() {
            return None;
        }
        let cells = region.cells();
        let (old, owner) = cells.owned(old?)?;
        if !guard.owns(owner) {
            return None;
        }
        let id = self.cached_cell(local, from, heap, region)?;
        // SAFETY: a cached id is one that this region's table of cells returned.
        let cell = unsafe { cells.known(id) };
        guard.ready::<false>(old, epoch)?;
        guard.ready::<false>(cell, epoch)?;
        old.subtract(old_size);
        cell.add(new_size);
        cell.count_realloc(Booker::Owner);
        slot.account.subtract(old_size);
        slot.add(new, new_size);
        slot.account.count_realloc(Booker::Owner);
        let is_peak = match new_size.checked_sub(old_size) {
            Some(more) => guard.take_credit(more, region),
            None => {
                guard.give_credit(old_size - new_size);
                false
            }
        };
        Some(Counted { cell: id, is_peak })
    }

    /// The full path.
    #[cold]
    #[inline(never)]
    fn realloc_full(&self, resize: &Resize) -> u32 {
        let cell = match self.guard(resize.from.sp) {
            Err(Refusal::NoRegion) => cells::UNATTRIBUTED,
            guard => self.realloc_guarded(guard, resize),
        };
        self.run_pending_triggers();
        cell
    }

    /// Counts a reallocation on both cells, on the threads and on the program's peak. Without a guard the new size is
    /// unattributed.
    #[inline(always)]
    fn realloc_guarded(&self, guard: Result<Guard<'_>, Refusal>, resize: &Resize) -> u32 {
        let &Resize { from, old, heap, new, new_size, .. } = resize;
        let region = self.region();
        let marks = &region.head().marks;
        if let Err(Refusal::Lost(cause)) = guard {
            region.head().losses.count(cause);
        }
        let guard = guard.as_ref().ok();
        #[cfg(feature = "std")]
        self.copy_stage_cell_before_free(guard, old);
        let owned = self.owned_cell(old);
        // A block that was never counted here only adds.
        let old_size = if owned.is_some() { resize.old_size } else { 0 };
        let share = guard.and_then(Guard::share);
        let epoch = if new_size < old_size {
            marks.falling(share, region.threads(), || self.elapsed())
        } else {
            marks.epochs.epoch()
        };
        if let Some(guard) = guard {
            guard.begin_epoch::<U>(&marks.epochs, epoch);
        }
        let found = guard.and_then(|guard| {
            let found = self.find_cell(guard, from, heap);
            if found.is_none() {
                guard.slot.other_event();
                region.head().losses.count(LossCause::CellsFull);
            }
            Some((found?, guard))
        });
        if let Some(owned @ (cell, owner)) = owned {
            match guard.filter(|guard| guard.owns(owner)) {
                Some(guard) => {
                    cell.free(old_size, epoch, Booker::Owner);
                    guard.slot.free(0, old_size, &marks.epochs, epoch);
                }
                None => self.count_remote_free(owned, old_size, epoch),
            }
        }
        let (id, cell, slot, by) = match found {
            Some(((id, cell), guard)) => (id, cell, guard.slot, guard.booker()),
            None => {
                let slot = region.threads().get(threads::UNATTRIBUTED);
                (cells::UNATTRIBUTED, region.cells().unattributed(), slot, Booker::Anyone)
            }
        };
        cell.alloc(new_size, epoch, by);
        cell.count_realloc(by);
        slot.alloc(new, new_size, &marks.epochs, epoch, by);
        slot.account.count_realloc(by);
        match new_size.checked_sub(old_size) {
            Some(0) => {}
            Some(more) => marks.rise(more, share, region.threads(), &region.head().pending),
            None => marks.drop(old_size - new_size, share),
        }
        #[cfg(feature = "std")]
        if let Some(guard) = guard {
            self.copy_stage_cell_after_alloc(guard, id, new_size);
        }
        id
    }
}
