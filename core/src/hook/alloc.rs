//! An allocation: counted after the inner allocator has succeeded, so that live never exceeds what the program holds.

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
use crate::unwind::{FramePointers, Registers, Unwind};
use core::alloc::{GlobalAlloc, Layout};
use memtrack_format::LossCause;

impl<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Asks the inner allocator for the block and its trailer by `allocate`, one of its two methods.
    ///
    /// # Safety
    /// The layout's size must not be zero.
    #[inline(always)]
    pub(super) unsafe fn allocate(
        &self,
        layout: Layout,
        allocate: unsafe fn(&A, Layout) -> *mut u8,
    ) -> *mut u8 {
        let Some(padded) = trailer::padded(layout) else { return self.count_failure() };
        // SAFETY: the padded layout is larger than the caller's, which is not of size zero.
        let block = unsafe { allocate(&self.inner, padded) };
        // SAFETY: the block was just allocated with the padded layout.
        unsafe { self.allocated(block, layout.size()) }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Counts a new block and writes its trailer. Not inlined into the program: the walk starts in this frame.
    ///
    /// # Safety
    /// `block` must be null or have the padded layout of one of `size` bytes.
    #[inline(never)]
    unsafe fn allocated(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.count_failure();
        }
        let cell = self.count_alloc(walk_start::<U>(), cells::WRAPPED, block as usize, size);
        // SAFETY: the caller upholds it; the block is not the program's yet.
        unsafe { trailer::write(block, size, cell, self.salt()) };
        block
    }

    /// Counts an allocation. Returns the cell for the block's trailer.
    #[inline(always)]
    pub(crate) fn count_alloc(&self, from: Registers, heap: u8, block: usize, size: usize) -> u32 {
        match self.alloc_fast::<false>(from, heap, block, size) {
            Some(counted) => self.run_triggers_of(counted),
            None => self.alloc_slow(from.pc, from.sp, from.fp, heap, block, size),
        }
    }

    /// The fast path. Prepares counters that have not changed in this epoch, or leaves them to [`alloc_slow`](Self::alloc_slow).
    #[inline(always)]
    fn alloc_fast<const PREPARE: bool>(
        &self,
        from: Registers,
        heap: u8,
        block: usize,
        size: usize,
    ) -> Option<Counted> {
        let loaded = self.region.load();
        if loaded.flags() != QUIET {
            return None;
        }
        let (guard, local, region) = self.fast_guard(&loaded, from.sp)?;
        let epoch = guard.marks.epochs.epoch();
        let slot = guard.slot_in::<PREPARE, U>(epoch, local)?;
        if Timeline::IS_KEPT && slot.account.is_next_time_to_look() {
            return None;
        }
        let id = self.cached_cell(local, from, heap, region)?;
        // SAFETY: a cached id is one that this region's table of cells returned.
        let cell = unsafe { region.cells().known(id) };
        guard.ready::<PREPARE>(cell, epoch)?;
        cell.add(size);
        slot.add(block, size);
        Some(Counted { cell: id, is_peak: guard.take_credit(size, region) })
    }

    /// The fast path with preparation, then the full path. It takes the registers as separate arguments: so the fast path does not
    /// store them in memory.
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &self,
        pc: usize,
        sp: usize,
        fp: FramePointers,
        heap: u8,
        block: usize,
        size: usize,
    ) -> u32 {
        let from = Registers { pc, sp, fp };
        if cfg!(feature = "std")
            && let Some(counted) = self.alloc_fast::<true>(from, heap, block, size)
        {
            return self.run_triggers_of(counted);
        }
        let cell = match self.guard(sp) {
            Ok(guard) => self.alloc_guarded(&guard, from, heap, block, size),
            Err(Refusal::Lost(cause)) => self.alloc_unattributed(size, cause),
            Err(Refusal::NoRegion) => cells::UNATTRIBUTED,
        };
        self.run_pending_triggers();
        cell
    }

    /// Counts an allocation on the cell of its stack, on its thread and on the program's peak.
    #[inline(always)]
    fn alloc_guarded(&self, guard: &Guard<'_>, from: Registers, heap: u8, block: usize, size: usize) -> u32 {
        let Some((id, cell)) = self.find_cell(guard, from, heap) else {
            guard.slot.other_event();
            return self.alloc_unattributed(size, LossCause::CellsFull);
        };
        let (region, by) = (self.region(), guard.booker());
        let marks = &region.head().marks;
        let epoch = marks.epochs.epoch();
        guard.begin_epoch::<U>(&marks.epochs, epoch);
        cell.alloc(size, epoch, by);
        guard.slot.alloc(block, size, &marks.epochs, epoch, by);
        marks.rise(size, guard.share(), region.threads(), &region.head().pending);
        if Timeline::IS_KEPT && guard.slot.account.is_time_to_look() {
            self.check_clock();
        }
        #[cfg(feature = "std")]
        self.copy_stage_cell_after_alloc(guard, id, size);
        id
    }

    /// Counts an allocation whose thread or cell is unknown.
    #[cold]
    #[inline(never)]
    fn alloc_unattributed(&self, size: usize, cause: LossCause) -> u32 {
        let head = self.region().head();
        head.losses.count(cause);
        let epoch = head.marks.epochs.epoch();
        self.region().cells().unattributed().alloc(size, epoch, Booker::Anyone);
        self.region().threads().get(threads::UNATTRIBUTED).alloc(
            0,
            size,
            &head.marks.epochs,
            epoch,
            Booker::Anyone,
        );
        head.marks.rise(size, None, self.region().threads(), &head.pending);
        cells::UNATTRIBUTED
    }
}
