//! The hook: what runs at every allocation and free.
//!
//! An allocation is booked after the inner allocator succeeded, a free before the inner allocator runs: live never
//! exceeds what the program really holds, and no block is seen freed before it was seen allocated.

use super::guard::{Entered, Entry};
use super::quick::Booked;
use crate::LossCause;
use crate::platform::Platform;
use crate::table::account::{Account, Booker};
use crate::table::cells;
use crate::table::peak::Epoch;
use crate::table::peak::Share;
use crate::table::pending;
use crate::table::region::Tables;
use crate::table::threads::{self, ThreadSlot, booker};
use crate::table::timeline::Timeline;
use crate::tracker::Tracker;
use crate::trailer;
use crate::unwind::{Registers, Unwind, registers, stack_pointer};
use core::alloc::{GlobalAlloc, Layout};

// SAFETY: every block comes from the inner allocator with the padded layout and goes back with the same one; the
// padding lies behind the user's bytes and keeps the alignment.
unsafe impl<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables> GlobalAlloc for Tracker<A, U, P, R> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(padded) = trailer::padded(layout) else { return self.refused() };
        // SAFETY: the padded layout is larger than the caller's, which is not of size zero.
        let block = unsafe { self.inner.alloc(padded) };
        // SAFETY: the block was just allocated with the padded layout.
        unsafe { self.allocated(block, layout.size()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(padded) = trailer::padded(layout) else { return self.refused() };
        // SAFETY: as in `alloc`.
        let block = unsafe { self.inner.alloc_zeroed(padded) };
        // SAFETY: as in `alloc`.
        unsafe { self.allocated(block, layout.size()) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let cell = if trailer::meets_page(block, layout.size()) {
            None
        } else {
            // SAFETY: the block is alive and has this layout; its trailer is in the page of its last byte.
            unsafe { trailer::read_there(block, layout.size(), self.salt()) }
        };
        // In a firmware every block is the tracker's, and flash is dearer than a step for a damaged one.
        if cfg!(feature = "std") && cell.is_none() {
            // SAFETY: as here.
            return unsafe { self.dealloc_unusual(block, layout) };
        }
        self.book_free(cell, block as usize, layout.size());
        // SAFETY: it was allocated with this layout, padded; padding it succeeded then.
        unsafe { self.inner.dealloc(block, padded_again(layout)) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(padded_size) = trailer::padded_size(new_size, layout.align()) else { return self.refused() };
        // SAFETY: the block is alive and was allocated here with this layout.
        let old = unsafe { trailer::read(block, layout.size(), self.salt()) };
        // SAFETY: it was allocated with this layout, padded; the new size is not zero and fits a layout.
        let new = unsafe { self.inner.realloc(block, padded_again(layout), padded_size) };
        // SAFETY: the new block has the padded new size.
        unsafe { self.reallocated(old, layout.size(), new, new_size) }
    }
}

/// The padded layout of a block that exists: computing it did not fail when it was made.
#[inline]
fn padded_again(layout: Layout) -> Layout {
    trailer::padded(layout).unwrap_or(layout)
}

/// Where the calling function's walk begins: in it, not in what it calls, which would be a frame more of every stack.
#[inline(always)]
pub(crate) fn here<U: Unwind>() -> Registers {
    if U::CAPTURES { registers() } else { Registers { pc: 0, sp: stack_pointer(), fp: 0 } }
}

/// The share of a thread that has a slot to itself.
#[inline]
pub(crate) fn share(slot: &'static ThreadSlot, by: Booker) -> Option<&'static Share> {
    (by == Booker::Owner).then_some(&slot.share)
}

impl<A: GlobalAlloc, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Frees a block whose trailer is in another page than its last byte, or not there.
    ///
    /// # Safety
    /// As for `dealloc`.
    #[cold]
    #[inline(never)]
    unsafe fn dealloc_unusual(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds it.
        let cell = unsafe { trailer::read(block, layout.size(), self.salt()) };
        self.book_free_slowly(stack_pointer(), cell, block as usize, layout.size());
        // SAFETY: the caller upholds it.
        unsafe { self.inner.dealloc(block, padded_again(layout)) }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// What tells its blocks from another tracker's.
    #[inline(always)]
    pub(crate) fn salt(&self) -> trailer::Salt {
        trailer::Salt::of(self)
    }

    /// The inner allocator could not, or cannot be asked.
    #[cold]
    pub(crate) fn refused(&self) -> *mut u8 {
        if let Some(region) = self.site.known() {
            region.head().failed.add_shared(1);
        }
        #[cfg(feature = "std")]
        crate::session::triggers::failed();
        core::ptr::null_mut()
    }

    /// Books a new block and writes its trailer.
    ///
    /// # Safety
    /// `block` must be null or have the padded layout of one of `size` bytes.
    #[inline(never)]
    unsafe fn allocated(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.refused();
        }
        let cell = self.book(here::<U>(), cells::WRAPPED, block as usize, size);
        // SAFETY: the caller upholds it; the block is not the program's yet.
        unsafe { trailer::write(block, size, cell, self.salt()) };
        block
    }

    /// Books an allocation. The cell for its trailer.
    #[inline(always)]
    pub(crate) fn book(&self, from: Registers, heap: u8, block: usize, size: usize) -> u32 {
        match self.book_quickly(from, heap, block, size) {
            Some(booked) => self.attend_peak(booked),
            None => self.book_slowly(from.pc, from.sp, from.fp, heap, block, size),
        }
    }

    /// Does what is to be done when a peak passed a limit. The cell that was booked.
    #[inline(always)]
    pub(crate) fn attend_peak(&self, booked: Booked) -> u32 {
        if booked.is_peak {
            self.attend_raised();
        }
        booked.cell
    }

    #[inline(never)]
    pub(crate) fn attend_raised(&self) {
        let flags = self.flags();
        if flags != pending::QUIET {
            self.attend(flags);
        }
    }

    /// Books an allocation whatever comes, and then does what is to be done besides. (The registers one by one: so they
    /// need no place in memory as long as it is not called.)
    #[cold]
    #[inline(never)]
    fn book_slowly(&self, pc: usize, sp: usize, fp: usize, heap: u8, block: usize, size: usize) -> u32 {
        let from = Registers { pc, sp, fp };
        let cell = match self.enter(sp) {
            Entry::Ready(entered) => self.book_on(&entered, from, heap, block, size),
            Entry::Lost(cause) => self.book_unattributed(size, cause),
            Entry::Refused => cells::UNATTRIBUTED,
            #[cfg(feature = "std")]
            Entry::Kept(entry) => self.book_kept(entry, from, heap, block, size),
        };
        self.attend_raised();
        cell
    }

    /// Books an allocation: on the cell of its stack, on its thread, on the marks.
    #[inline(always)]
    pub(crate) fn book_on(
        &self,
        entered: &Entered<'_>,
        from: Registers,
        heap: u8,
        block: usize,
        size: usize,
    ) -> u32 {
        let Some((id, cell, slot)) = self.place(entered, from, heap) else {
            self.region().threads().get(entered.slot).other_event();
            return self.book_unattributed(size, LossCause::CellsFull);
        };
        let (marks, by) = (&self.region().head().marks, booker(entered.slot));
        let epoch = marks.epochs.epoch();
        cell.alloc(size, epoch, by);
        slot.alloc(block, size, &marks.epochs, epoch, by);
        marks.rise(size, share(slot, by), self.region().threads(), &self.region().head().pending);
        if Timeline::IS_KEPT && slot.account.is_time_to_look() {
            self.look_at_the_clock();
        }
        id
    }

    /// Books an allocation of which neither thread nor stack is known.
    #[cold]
    #[inline(never)]
    pub(crate) fn book_unattributed(&self, size: usize, cause: LossCause) -> u32 {
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

    /// Books a free on the cell that a block names.
    #[inline(always)]
    pub(crate) fn book_free(&self, cell: Option<u32>, block: usize, size: usize) {
        let sp = stack_pointer();
        if self.book_free_quickly(sp, cell, block, size).is_none() {
            self.book_free_slowly(sp, cell, block, size);
        }
    }

    #[cold]
    #[inline(never)]
    fn book_free_slowly(&self, sp: usize, cell: Option<u32>, block: usize, size: usize) {
        match self.enter(sp) {
            Entry::Refused => {}
            #[cfg(feature = "std")]
            Entry::Kept(entry) => self.book_free_kept(entry, cell, block, size),
            entry => self.book_free_as(&entry, cell, block, size),
        }
    }

    /// Books a free by who makes it.
    #[inline(always)]
    pub(crate) fn book_free_as(
        &self,
        entry: &Entry<Entered<'_>>,
        cell: Option<u32>,
        block: usize,
        size: usize,
    ) {
        let marks = &self.region().head().marks;
        let Some((cell, owner)) = self.cell_of(cell) else {
            if let Entry::Ready(entered) = entry {
                self.region().threads().get(entered.slot).other_event();
            }
            return;
        };
        let epoch = marks.falling(|| self.elapsed());
        match entry {
            Entry::Ready(entered) if entered.slot == owner && booker(owner) == Booker::Owner => {
                let slot = self.region().threads().get(owner);
                cell.free(size, epoch, Booker::Owner);
                if slot.free(block, size, &marks.epochs, epoch) {
                    slot.account.count_temporary(Booker::Owner);
                    cell.count_temporary(Booker::Owner);
                }
            }
            other => {
                self.free_remotely((cell, owner), size, epoch);
                if let Entry::Ready(entered) = other {
                    self.region().threads().get(entered.slot).other_event();
                }
            }
        }
        marks.drop(size, self.own_share(entry));
    }

    /// Books a free of a block that is not the calling thread's: on the cell and on the thread that owns it. Once in a
    /// firmware, where flash is dearer than a call.
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn free_remotely(&self, (cell, owner): (&Account, u16), size: usize, epoch: Epoch<'_>) {
        cell.free(size, epoch, Booker::Anyone);
        self.region().threads().get(owner).free_remote(size, &self.region().head().marks.epochs, epoch);
    }

    /// The calling thread's share of the credit, when it has one.
    #[inline]
    pub(crate) fn own_share(&self, entry: &Entry<Entered<'_>>) -> Option<&'static Share> {
        match entry {
            Entry::Ready(entered) => share(self.region().threads().get(entered.slot), booker(entered.slot)),
            _ => None,
        }
    }

    /// The cell that a trailer names, and its thread. `None` when it is overwritten or another allocator's: that is counted
    /// and nothing is booked, for who knows whether the block was ever booked here. What is live is never told too low.
    #[inline]
    pub(crate) fn cell_of(&self, trailer: Option<u32>) -> Option<(&'static Account, u16)> {
        let cells = self.region().cells();
        // Cells that are not used yet have no blocks.
        let owned = trailer.filter(|&id| id <= cells.usage().0).and_then(|id| cells.owned(id));
        if owned.is_none() {
            self.region().head().losses.count(LossCause::CorruptTrailer);
        }
        owned
    }
}
