//! The hook: what runs at every allocation and free.
//!
//! An allocation is booked after the inner allocator succeeded, a free before the inner allocator runs: live never
//! exceeds what the program really holds, and no block is seen freed before it was seen allocated.

use super::quick::Booked;
use super::{Entered, Entry, Tracker};
use crate::LossCause;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::account::{Account, Booker};
use crate::table::cells::{self, Key, thread_of};
use crate::table::region::Tables;
use crate::table::share::Share;
use crate::table::threads::{self, ThreadSlot, booker};
use crate::table::timeline::Timeline;
use crate::trailer;
use crate::unwind::{End, Interned, Memory, Note, Registers, StackId, Unwind, registers};
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
        // SAFETY: the block is alive and was allocated here with this layout.
        unsafe { self.freed(block, layout.size()) };
        // SAFETY: it was allocated with this layout, padded; padding it succeeded then.
        unsafe { self.inner.dealloc(block, padded_again(layout)) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(padded_size) = trailer::padded_size(new_size, layout.align()) else { return self.refused() };
        // SAFETY: the block is alive and was allocated here with this layout.
        let old = unsafe { trailer::read(block, layout.size()) };
        // SAFETY: it was allocated with this layout, padded; the new size is not zero and fits a layout.
        let new = unsafe { self.inner.realloc(block, padded_again(layout), padded_size) };
        // SAFETY: the new block has the padded new size.
        unsafe { self.reallocated(old, layout.size(), new, new_size) }
    }
}

/// A block that was resized: where, from what, to what.
pub(super) struct Resize {
    pub(super) here: Registers,
    /// The cell that the old block's trailer names.
    pub(super) old: Option<u32>,
    pub(super) old_size: usize,
    pub(super) heap: u8,
    pub(super) new: usize,
    pub(super) new_size: usize,
}

/// The padded layout of a block that exists: computing it did not fail when it was made.
#[inline]
fn padded_again(layout: Layout) -> Layout {
    trailer::padded(layout).unwrap_or(layout)
}

/// Where the calling function's walk begins: in it, not in what it calls, which would be a frame more of every stack.
#[inline(always)]
pub(super) fn here<U: Unwind>() -> Registers {
    if U::CAPTURES { registers() } else { Registers { pc: 0, sp: 0, fp: 0 } }
}

/// The share of a thread that has a slot to itself.
#[inline]
pub(super) fn share(slot: &'static ThreadSlot, by: Booker) -> Option<&'static Share> {
    (by == Booker::Owner).then_some(&slot.share)
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// The inner allocator could not, or cannot be asked.
    #[cold]
    pub(super) fn refused(&self) -> *mut u8 {
        self.region.head().failed.add_shared(1);
        #[cfg(feature = "std")]
        crate::platform::host::due::failed();
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
        unsafe { trailer::write(block, size, cell) };
        block
    }

    /// Books an allocation. The cell for its trailer.
    #[inline(always)]
    pub(super) fn book(&self, from: Registers, heap: u8, block: usize, size: usize) -> u32 {
        match self.book_quickly(from, heap, block, size) {
            Some(booked) => self.attend_peak(booked),
            None => self.book_slowly(from.pc, from.sp, from.fp, heap, block, size),
        }
    }

    /// Does what is to be done when a peak passed a limit. The cell that was booked.
    #[inline(always)]
    fn attend_peak(&self, booked: Booked) -> u32 {
        if booked.is_peak {
            self.attend_raised();
        }
        booked.cell
    }

    #[inline(never)]
    fn attend_raised(&self) {
        let flags = self.region.head().marks.watch.flags();
        if flags != 0 {
            self.attend(flags);
        }
    }

    /// Books an allocation whatever comes, and then does what is to be done besides. (The registers one by one: so they
    /// need no place in memory as long as it is not called.)
    #[cold]
    #[inline(never)]
    fn book_slowly(&self, pc: usize, sp: usize, fp: usize, heap: u8, block: usize, size: usize) -> u32 {
        let from = Registers { pc, sp, fp };
        let cell = match self.enter() {
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
    pub(super) fn book_on(
        &self,
        entered: &Entered<'_>,
        from: Registers,
        heap: u8,
        block: usize,
        size: usize,
    ) -> u32 {
        let Some((id, cell, slot)) = self.place(entered, from, heap) else {
            self.region.threads().get(entered.slot).other_event();
            return self.book_unattributed(size, LossCause::CellsFull);
        };
        let (marks, by) = (&self.region.head().marks, booker(entered.slot));
        let epoch = marks.epoch();
        cell.alloc(size, epoch, by);
        slot.alloc(block, size, marks, epoch, by);
        marks.rise(size, share(slot, by), self.region.threads());
        if Timeline::IS_KEPT && slot.account.is_time_to_look() {
            self.look_at_the_clock();
        }
        id
    }

    /// Books an allocation of which neither thread nor stack is known.
    #[cold]
    #[inline(never)]
    pub(super) fn book_unattributed(&self, size: usize, cause: LossCause) -> u32 {
        let head = self.region.head();
        head.losses.count(cause);
        let epoch = head.marks.epoch();
        self.region.cells().unattributed().alloc(size, epoch, Booker::Anyone);
        self.region.threads().get(threads::UNATTRIBUTED).alloc(0, size, &head.marks, epoch, Booker::Anyone);
        head.marks.rise(size, None, self.region.threads());
        cells::UNATTRIBUTED
    }

    /// Books a free.
    ///
    /// # Safety
    /// `block` must be alive and have the padded layout of one of `size` bytes.
    #[inline]
    unsafe fn freed(&self, block: *mut u8, size: usize) {
        // SAFETY: the caller upholds it.
        self.book_free(unsafe { trailer::read(block, size) }, block as usize, size);
    }

    /// Books a free on the cell that a block names.
    #[inline(always)]
    pub(super) fn book_free(&self, cell: Option<u32>, block: usize, size: usize) {
        if self.book_free_quickly(cell, block, size).is_none() {
            self.book_free_slowly(cell, block, size);
        }
    }

    #[cold]
    #[inline(never)]
    fn book_free_slowly(&self, cell: Option<u32>, block: usize, size: usize) {
        match self.enter() {
            Entry::Refused => {}
            #[cfg(feature = "std")]
            Entry::Kept(entry) => self.book_free_kept(entry, cell, block, size),
            entry => self.book_free_as(&entry, cell, block, size),
        }
    }

    /// Books a free by who makes it.
    #[inline(always)]
    pub(super) fn book_free_as(
        &self,
        entry: &Entry<Entered<'_>>,
        cell: Option<u32>,
        block: usize,
        size: usize,
    ) {
        let marks = &self.region.head().marks;
        let cell = self.cell_of(cell);
        let owner = thread_of(cell);
        let slot = self.region.threads().get(owner);
        let epoch = marks.falling(|| self.elapsed());
        match entry {
            Entry::Ready(entered) if entered.slot == owner && booker(owner) == Booker::Owner => {
                cell.free(size, epoch, Booker::Owner);
                if slot.free(block, size, marks, epoch) {
                    slot.account.count_temporary(Booker::Owner);
                    cell.count_temporary(Booker::Owner);
                }
            }
            other => {
                cell.free(size, epoch, Booker::Anyone);
                slot.free_remote(size, marks, epoch);
                if let Entry::Ready(entered) = other {
                    self.region.threads().get(entered.slot).other_event();
                }
            }
        }
        marks.drop(size, self.own_share(entry));
    }

    /// The calling thread's share of the head-room, when it has one.
    #[inline]
    pub(super) fn own_share(&self, entry: &Entry<Entered<'_>>) -> Option<&'static Share> {
        match entry {
            Entry::Ready(entered) => share(self.region.threads().get(entered.slot), booker(entered.slot)),
            _ => None,
        }
    }

    /// Books a reallocation as one event, and writes the new block's trailer. When it failed nothing changes.
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
            return self.refused();
        }
        let (here, heap) = (here::<U>(), cells::WRAPPED);
        let cell = self.book_realloc(Resize { here, old, old_size, heap, new: new as usize, new_size });
        // SAFETY: the caller upholds it.
        unsafe { trailer::write(new, new_size, cell) };
        new
    }

    /// Books a reallocation: from the cell that the old block names to that of the stack here, which it returns.
    #[inline(always)]
    pub(super) fn book_realloc(&self, resize: Resize) -> u32 {
        match self.book_realloc_quickly(&resize) {
            Some(booked) => self.attend_peak(booked),
            None => self.book_realloc_slowly(&resize),
        }
    }

    #[cold]
    #[inline(never)]
    fn book_realloc_slowly(&self, resize: &Resize) -> u32 {
        match self.enter() {
            Entry::Refused => cells::UNATTRIBUTED,
            #[cfg(feature = "std")]
            Entry::Kept(entry) => self.book_realloc_kept(entry, resize),
            entry => self.book_realloc_as(&entry, resize),
        }
    }

    /// Books a reallocation by who makes it.
    #[inline(always)]
    pub(super) fn book_realloc_as(&self, entry: &Entry<Entered<'_>>, resize: &Resize) -> u32 {
        let &Resize { here, old, old_size, heap, new, new_size } = resize;
        let marks = &self.region.head().marks;
        let epoch = if new_size < old_size { marks.falling(|| self.elapsed()) } else { marks.epoch() };
        let from = self.cell_of(old);
        let owner = thread_of(from);
        let (by, place) = match entry {
            Entry::Ready(entered) => {
                let place = self.place(entered, here, heap);
                if place.is_none() {
                    self.region.threads().get(entered.slot).other_event();
                    self.region.head().losses.count(LossCause::CellsFull);
                }
                (booker(entered.slot), place)
            }
            Entry::Lost(cause) => {
                self.region.head().losses.count(*cause);
                (Booker::Anyone, None)
            }
            _ => (Booker::Anyone, None),
        };
        let own = matches!(entry, Entry::Ready(entered) if entered.slot == owner) && by == Booker::Owner;
        if own {
            from.free(old_size, epoch, Booker::Owner);
            self.region.threads().get(owner).free(0, old_size, marks, epoch);
        } else {
            from.free(old_size, epoch, Booker::Anyone);
            self.region.threads().get(owner).free_remote(old_size, marks, epoch);
        }
        let (id, cell, slot, by) = match place {
            Some((id, cell, slot)) => (id, cell, slot, by),
            None => {
                let slot = self.region.threads().get(threads::UNATTRIBUTED);
                (cells::UNATTRIBUTED, self.region.cells().unattributed(), slot, Booker::Anyone)
            }
        };
        cell.alloc(new_size, epoch, by);
        cell.count_realloc(by);
        slot.alloc(new, new_size, marks, epoch, by);
        slot.account.count_realloc(by);
        match new_size.checked_sub(old_size) {
            Some(0) => {}
            Some(more) => marks.rise(more, self.own_share(entry), self.region.threads()),
            None => marks.drop(old_size - new_size, self.own_share(entry)),
        }
        id
    }

    /// The cell that a trailer names. A damaged one is counted, and its free booked on nobody's.
    #[inline]
    fn cell_of(&self, trailer: Option<u32>) -> &'static Account {
        match trailer.and_then(|id| self.region.cells().get(id)) {
            Some(cell) => cell,
            None => {
                self.region.head().losses.count(LossCause::CorruptTrailer);
                self.region.cells().unattributed()
            }
        }
    }

    /// The cell and thread slot for an event here and now; `None` when no cell is left. Once in a firmware, where
    /// flash is dearer than a call.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn place(
        &self,
        entered: &Entered<'_>,
        from: Registers,
        heap: u8,
    ) -> Option<(u32, &'static Account, &'static ThreadSlot)> {
        let local = entered.local;
        let label = local.tag.load(Relaxed) | u32::from(heap) << 16;
        if entered.slot == threads::OVERFLOW {
            self.region.head().losses.count(LossCause::ThreadsFull);
        }
        let id = if U::CAPTURES {
            self.capture(entered, from, label)?
        } else {
            self.find_cell(entered, Interned { stack: StackId::ROOT, cut: false }, label, None)?
        };
        Some((id, self.region.cells().get(id)?, self.region.threads().get(entered.slot)))
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
        let captured = self.unwind.capture(from, memory, memo, self.region.stacks(), frames.as_mut());
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
        let id = self.region.cells().find_or_insert(Key {
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
        let losses = &self.region.head().losses;
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
