//! A free: counted before the inner allocator runs, so that no thread sees the block again before its free is counted.

use super::Tracker;
use super::claim::Refusal;
use super::fast_guard::FastGuard;
use crate::platform::Platform;
use crate::table::account::{Account, Booker};
use crate::table::peak::Epoch;
use crate::table::pending::QUIET;
use crate::table::region::Tables;
use crate::table::threads::FIRST;
use crate::trailer;
use crate::unwind::{Unwind, stack_pointer};
use core::alloc::{GlobalAlloc, Layout};

impl<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Counts the free on the cell that the trailer names, and gives the block back to the inner allocator.
    ///
    /// # Safety
    /// The block must be alive and have this layout.
    #[inline(always)]
    pub(super) unsafe fn deallocate(&self, block: *mut u8, layout: Layout) {
        let cell = if trailer::meets_page(block, layout.size()) {
            None
        } else {
            // SAFETY: the block is alive and has this layout; its trailer is in the page of its last byte.
            unsafe { trailer::read_there(block, layout.size(), self.salt()) }
        };
        // In a firmware every block is the tracker's, and flash is scarcer than time for a damaged trailer.
        if cfg!(feature = "std") && cell.is_none() {
            // SAFETY: the caller upholds it.
            return unsafe { self.deallocate_unproven(block, layout) };
        }
        self.count_free(cell, block as usize, layout.size());
        // SAFETY: it was allocated with this layout, padded.
        unsafe { self.inner.dealloc(block, trailer::padded_again(layout)) }
    }

    /// Frees a block whose trailer is in another page than its last byte, or missing.
    ///
    /// # Safety
    /// As for [`deallocate`](Self::deallocate).
    #[cold]
    #[inline(never)]
    unsafe fn deallocate_unproven(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds it.
        let cell = unsafe { trailer::read(block, layout.size(), self.salt()) };
        self.free_full(stack_pointer(), cell, block as usize, layout.size());
        // SAFETY: it was allocated with this layout, padded.
        unsafe { self.inner.dealloc(block, trailer::padded_again(layout)) }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Counts a free on the cell that the block's trailer or token names.
    #[inline(always)]
    pub(crate) fn count_free(&self, cell: Option<u32>, block: usize, size: usize) {
        let sp = stack_pointer();
        if self.free_fast::<false>(sp, cell, block, size).is_none() {
            self.free_slow(sp, cell, block, size);
        }
    }

    /// The fast path. Prepares counters that have not changed in this epoch, or leaves them to [`free_slow`](Self::free_slow).
    #[inline(always)]
    fn free_fast<const PREPARE: bool>(
        &self,
        sp: usize,
        cell: Option<u32>,
        block: usize,
        size: usize,
    ) -> Option<()> {
        let loaded = self.region.load();
        if loaded.flags() != QUIET {
            return None;
        }
        let (guard, local, region) = self.fast_guard(&loaded, sp)?;
        let epoch = guard.falling::<PREPARE, R>(region, || self.elapsed())?;
        let owned @ (cell, owner) = region.cells().owned(cell?)?;
        if !guard.owns(owner) {
            // A cell without a thread is unattributed or unused; the name of an unused one comes from a damaged trailer. A
            // firmware takes the full path, because flash is scarcer than time.
            if !cfg!(feature = "std") || owner < FIRST {
                return None;
            }
            self.free_fast_remote(guard, owned, size, epoch);
            return Some(());
        }
        let slot = guard.slot_in::<PREPARE, U>(epoch, local)?;
        guard.ready::<PREPARE>(cell, epoch)?;
        cell.subtract(size);
        if slot.subtract(block, size) {
            slot.account.count_temporary(Booker::Owner);
            cell.count_temporary(Booker::Owner);
        }
        guard.give_credit(size);
        Some(())
    }

    /// The end of the fast path for another thread's block. Not inlined: so the free of an own block saves no registers
    /// for it.
    #[inline(never)]
    fn free_fast_remote(&self, guard: FastGuard<'_>, owned: (&Account, u16), size: usize, epoch: Epoch<'_>) {
        self.count_remote_free(owned, size, epoch);
        guard.other_event();
        guard.give_credit(size);
    }

    /// The fast path with preparation, then the full path.
    #[cold]
    #[inline(never)]
    fn free_slow(&self, sp: usize, cell: Option<u32>, block: usize, size: usize) {
        if !cfg!(feature = "std") || self.free_fast::<true>(sp, cell, block, size).is_none() {
            self.free_full(sp, cell, block, size);
        }
    }

    /// The full path. A free without a guard is counted like that of another thread's block: nothing of it is lost.
    #[cold]
    #[inline(never)]
    fn free_full(&self, sp: usize, cell: Option<u32>, block: usize, size: usize) {
        let guard = match self.guard(sp) {
            Ok(guard) => Some(guard),
            Err(Refusal::Lost(_)) => None,
            Err(Refusal::NoRegion) => return,
        };
        #[cfg(feature = "std")]
        self.copy_stage_cell_before_free(guard.as_ref(), cell);
        let Some(owned @ (cell, owner)) = self.owned_cell(cell) else {
            if let Some(guard) = &guard {
                guard.slot.other_event();
            }
            return;
        };
        let marks = &self.region().head().marks;
        let share = guard.as_ref().and_then(|guard| guard.share());
        let epoch = marks.falling(share, self.region().threads(), || self.elapsed());
        match &guard {
            Some(guard) if guard.owns(owner) => {
                guard.begin_epoch::<U>(&marks.epochs, epoch);
                cell.free(size, epoch, Booker::Owner);
                if guard.slot.free(block, size, &marks.epochs, epoch) {
                    guard.slot.account.count_temporary(Booker::Owner);
                    cell.count_temporary(Booker::Owner);
                }
            }
            guard => {
                self.count_remote_free(owned, size, epoch);
                if let Some(guard) = guard {
                    guard.slot.other_event();
                }
            }
        }
        marks.drop(size, share);
    }
}
