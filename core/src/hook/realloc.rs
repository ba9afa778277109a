//! A reallocation: one event, from the cell that the old block names to that of the stack here.

use super::alloc::here;
use super::guard::{Entered, Entry};
use crate::LossCause;
use crate::platform::Platform;
use crate::table::account::Booker;
use crate::table::cells;
use crate::table::region::Tables;
use crate::table::threads::{self, booker};
use crate::tracker::Tracker;
use crate::trailer;
use crate::unwind::{Registers, Unwind};

/// A block that was resized: where, from what, to what.
pub(crate) struct Resize {
    pub(crate) here: Registers,
    /// The cell that the old block's trailer names.
    pub(crate) old: Option<u32>,
    pub(crate) old_size: usize,
    pub(crate) heap: u8,
    pub(crate) new: usize,
    pub(crate) new_size: usize,
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Books a reallocation as one event, and writes the new block's trailer. When it failed nothing changes.
    ///
    /// # Safety
    /// `new` must be null or have the padded layout of one of `new_size` bytes.
    #[inline(never)]
    pub(crate) unsafe fn reallocated(
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
        unsafe { trailer::write(new, new_size, cell, self.salt()) };
        new
    }

    /// Books a reallocation: from the cell that the old block names to that of the stack here, which it returns.
    #[inline(always)]
    pub(crate) fn book_realloc(&self, resize: Resize) -> u32 {
        match self.book_realloc_quickly(&resize) {
            Some(booked) => self.attend_peak(booked),
            None => self.book_realloc_slowly(&resize),
        }
    }

    #[cold]
    #[inline(never)]
    fn book_realloc_slowly(&self, resize: &Resize) -> u32 {
        let cell = match self.enter(resize.here.sp) {
            Entry::Refused => cells::UNATTRIBUTED,
            #[cfg(feature = "std")]
            Entry::Kept(entry) => self.book_realloc_kept(entry, resize),
            entry => self.book_realloc_as(&entry, resize),
        };
        self.attend_raised();
        cell
    }

    /// Books a reallocation by who makes it.
    #[inline(always)]
    pub(crate) fn book_realloc_as(&self, entry: &Entry<Entered<'_>>, resize: &Resize) -> u32 {
        let &Resize { here, old, heap, new, new_size, .. } = resize;
        let marks = &self.region().head().marks;
        let from = self.cell_of(old);
        // A block that was never booked here only adds.
        let old_size = if from.is_some() { resize.old_size } else { 0 };
        let epoch = if new_size < old_size { marks.falling(|| self.elapsed()) } else { marks.epochs.epoch() };
        let (by, place) = match entry {
            Entry::Ready(entered) => {
                let place = self.place(entered, here, heap);
                if place.is_none() {
                    self.region().threads().get(entered.slot).other_event();
                    self.region().head().losses.count(LossCause::CellsFull);
                }
                (booker(entered.slot), place)
            }
            Entry::Lost(cause) => {
                self.region().head().losses.count(*cause);
                (Booker::Anyone, None)
            }
            _ => (Booker::Anyone, None),
        };
        if let Some((from, owner)) = from {
            let own = matches!(entry, Entry::Ready(entered) if entered.slot == owner) && by == Booker::Owner;
            if own {
                from.free(old_size, epoch, Booker::Owner);
                self.region().threads().get(owner).free(0, old_size, &marks.epochs, epoch);
            } else {
                self.free_remotely((from, owner), old_size, epoch);
            }
        }
        let (id, cell, slot, by) = match place {
            Some((id, cell, slot)) => (id, cell, slot, by),
            None => {
                let slot = self.region().threads().get(threads::UNATTRIBUTED);
                (cells::UNATTRIBUTED, self.region().cells().unattributed(), slot, Booker::Anyone)
            }
        };
        cell.alloc(new_size, epoch, by);
        cell.count_realloc(by);
        slot.alloc(new, new_size, &marks.epochs, epoch, by);
        slot.account.count_realloc(by);
        match new_size.checked_sub(old_size) {
            Some(0) => {}
            Some(more) => marks.rise(
                more,
                self.own_share(entry),
                self.region().threads(),
                &self.region().head().pending,
            ),
            None => marks.drop(old_size - new_size, self.own_share(entry)),
        }
        id
    }
}
