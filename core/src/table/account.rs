//! An account: the counters of a cell or a thread, and copies of its live figures at the two marks.
//!
//! # Own part
//! The owning thread alone writes it, with plain loads and stores. An account without an owner (events that belong to no
//! known thread) uses atomic additions instead.
//!
//! # Remote part
//! The frees that other threads make of the owner's blocks, by atomic additions. Live is own minus remote, modulo the word's
//! width. The two parts are on two cache lines.
//!
//! # Copies
//! Before its first change in an epoch, each part copies its live figures (see [`epoch`](super::peak::epoch)), so neither
//! side writes the other's line. Where several threads write a part, the first one copies and the others wait for it: the
//! figures must not change in between.

use super::image::assert_layout;
use super::peak::epoch::{Epoch, Epochs, LastCopy, Mark};
use crate::counter::{Counter, add_owned, add_owned32};
use crate::limits::CLOCK_LOOK;
use crate::sync::*;
use core::mem::offset_of;
use memtrack_format::Figures;
use memtrack_format::image::records;
use memtrack_format::image::rules::{self, Totals};

/// Live figures of one part and its copies at the two marks.
#[repr(C)]
#[derive(Default)]
struct Part {
    /// The epoch of its last change, before which it was copied.
    epoch: LastCopy,
    bytes: AtomicUsize,
    held: [AtomicUsize; 2],
    blocks: AtomicU32,
    held_blocks: [AtomicU32; 2],
    /// A label of the account. Its meaning is the table's.
    label: AtomicU32,
}

assert_layout!(
    records::Part as Part;
    offset_of!(Part, epoch),
    offset_of!(Part, bytes),
    offset_of!(Part, held),
    offset_of!(Part, blocks),
    offset_of!(Part, held_blocks),
    offset_of!(Part, label),
);

/// Bytes and blocks, modulo the widths of their counters.
pub(crate) type Held = rules::Held<usize>;

impl Part {
    /// Before a change in an epoch: copies the live figures if this is the first one.
    #[inline]
    fn touch(&self, epoch: Epoch<'_>, by: Booker) {
        match by {
            Booker::Owner if self.epoch.is(epoch.number()) => {}
            Booker::Owner => self.touch_first(epoch),
            Booker::Anyone => self.epoch.once(epoch.number(), |last| self.copy(epoch, last)),
        }
    }

    #[cold]
    fn touch_first(&self, epoch: Epoch<'_>) {
        self.copy(epoch, self.epoch.epoch());
        self.epoch.set(epoch.number());
    }

    fn copy(&self, epoch: Epoch<'_>, last: usize) {
        for mark in [Mark::Program, Mark::Stage] {
            if epoch.precedes(last, mark) {
                self.held[mark as usize].store(self.bytes.load(Relaxed), Relaxed);
                self.held_blocks[mark as usize].store(self.blocks.load(Relaxed), Relaxed);
            }
        }
    }

    #[inline]
    fn live(&self) -> Held {
        Held { bytes: self.bytes.load(Relaxed), blocks: self.blocks.load(Relaxed) }
    }

    fn held(&self, epochs: &Epochs, mark: Mark) -> Held {
        let is_unchanged = || epochs.epoch().precedes(self.epoch.epoch(), mark);
        let copy = || Held {
            bytes: self.held[mark as usize].load(Relaxed),
            blocks: self.held_blocks[mark as usize].load(Relaxed),
        };
        rules::at_mark(epochs.is_at_peak(mark), is_unchanged, || self.live(), copy)
    }
}

/// All-zero is an account without events.
#[repr(C)]
#[cfg_attr(target_pointer_width = "64", repr(align(64)))]
#[derive(Default)]
pub struct Account {
    own: Part,
    allocs: Counter,
    bytes: Counter,
    remote: Part,
    temporary: Counter,
    reallocs: Counter,
}

assert_layout!(
    records::Account as Account;
    offset_of!(Account, own),
    offset_of!(Account, allocs),
    offset_of!(Account, bytes),
    offset_of!(Account, remote),
    offset_of!(Account, temporary),
    offset_of!(Account, reallocs),
);
#[cfg(all(target_pointer_width = "64", not(models)))]
const _: () = assert!(size_of::<Account>() == 128, "own and remote part fill one cache line each");
#[cfg(all(target_pointer_width = "64", not(models)))]
const _: () = assert!(offset_of!(Account, remote) == 64, "the parts don't share a line");

/// Who counts an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Booker {
    /// The only thread that writes the account's own part.
    Owner,
    /// One of any number.
    Anyone,
}

impl Account {
    /// Sets both labels, before the account is published.
    pub(crate) fn set_label(&self, label: u32, sublabel: u32) {
        self.own.label.store(label, Relaxed);
        self.remote.label.store(sublabel, Relaxed);
    }

    /// The label, on the line that the owner writes.
    #[inline]
    pub(crate) fn label(&self) -> u32 {
        self.own.label.load(Relaxed)
    }

    /// The second label.
    pub(crate) fn sublabel(&self) -> u32 {
        self.remote.label.load(Relaxed)
    }

    /// The allocations of its thread less that thread's own frees, modulo the widths.
    #[inline]
    pub(crate) fn own(&self) -> Held {
        self.own.live()
    }

    /// The frees by other threads, modulo the widths.
    #[inline]
    pub(crate) fn remote(&self) -> Held {
        self.remote.live()
    }

    /// Counts an allocation. Not inlined in firmware, where flash is dearer than a call.
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn alloc(&self, size: usize, epoch: Epoch<'_>, by: Booker) {
        self.own.touch(epoch, by);
        match by {
            Booker::Owner => self.add(size),
            Booker::Anyone => {
                self.allocs.add_shared(1);
                self.bytes.add_shared(size);
                self.own.bytes.fetch_add(size, Relaxed);
                self.own.blocks.fetch_add(1, Relaxed);
            }
        }
    }

    /// Whether its last change was in this epoch: then the next one changes counters alone.
    #[inline(always)]
    pub(crate) fn is_current(&self, epoch: Epoch<'_>) -> bool {
        self.own.epoch.is(epoch.number())
    }

    /// Before the owner's first change in an epoch: copies the live figures.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin_epoch(&self, epoch: Epoch<'_>) {
        self.own.touch(epoch, Booker::Owner);
    }

    /// The bytes that the owner allocated, less the bytes that it freed.
    #[inline(always)]
    pub(crate) fn own_bytes(&self) -> usize {
        self.own.bytes.load(Relaxed)
    }

    /// Counts an allocation by the owner, in an account that [is current](Self::is_current).
    #[inline(always)]
    pub(crate) fn add(&self, size: usize) {
        self.allocs.add_owned(1);
        self.bytes.add_owned(size);
        add_owned(&self.own.bytes, size);
        add_owned32(&self.own.blocks, 1);
    }

    /// Counts a free by the owner, in an account that [is current](Self::is_current).
    #[inline(always)]
    pub(crate) fn subtract(&self, size: usize) {
        add_owned(&self.own.bytes, size.wrapping_neg());
        add_owned32(&self.own.blocks, u32::MAX);
    }

    /// Whether it is time to look at the clock.
    #[inline]
    pub(crate) fn is_time_to_look(&self) -> bool {
        self.allocs.get().is_multiple_of(CLOCK_LOOK)
    }

    /// Whether it will be time at the next allocation.
    #[inline(always)]
    pub(crate) fn is_next_time_to_look(&self) -> bool {
        self.allocs.get() % CLOCK_LOOK == CLOCK_LOOK - 1
    }

    /// Counts a free of one of its blocks: in the own part by the owner, else in the remote part. Not inlined in firmware.
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn free(&self, size: usize, epoch: Epoch<'_>, by: Booker) {
        match by {
            Booker::Owner => {
                self.own.touch(epoch, by);
                self.subtract(size);
            }
            Booker::Anyone => {
                self.remote.touch(epoch, by);
                self.remote.bytes.fetch_add(size, Relaxed);
                self.remote.blocks.fetch_add(1, Relaxed);
            }
        }
    }

    /// Makes the own part of a thread's account the sum of the cells' own parts. By that thread.
    #[cfg(feature = "std")]
    pub(crate) fn repair<'c>(&self, cells: impl Iterator<Item = &'c Account>) {
        let (mut live, mut totals) = (Held::default(), [0u64; 4]);
        for cell in cells {
            live = live.plus(cell.own.live());
            let counters = [&cell.allocs, &cell.bytes, &cell.temporary, &cell.reallocs];
            totals
                .iter_mut()
                .zip(counters)
                .for_each(|(total, counter)| *total = total.wrapping_add(counter.get()));
        }
        self.own.bytes.store(live.bytes, Relaxed);
        self.own.blocks.store(live.blocks, Relaxed);
        let counters = [&self.allocs, &self.bytes, &self.temporary, &self.reallocs];
        totals.iter().zip(counters).for_each(|(total, counter)| counter.set(*total));
    }

    /// Allocations and their bytes.
    #[cfg(feature = "std")]
    pub(crate) fn allocated(&self) -> (u64, u64) {
        (self.allocs.get(), self.bytes.get())
    }

    /// Counts a block that its thread freed as its very next event.
    #[inline]
    pub(crate) fn count_temporary(&self, by: Booker) {
        count(&self.temporary, by);
    }

    /// Counts a reallocation.
    #[inline]
    pub(crate) fn count_realloc(&self, by: Booker) {
        count(&self.reallocs, by);
    }

    /// Allocations so far.
    #[cfg(feature = "std")]
    pub(super) fn allocs(&self) -> u64 {
        self.allocs.get()
    }

    /// Counts allocations whose sizes are not known.
    #[cfg(feature = "std")]
    pub(super) fn count_without_size(&self, events: u64) {
        self.allocs.set(self.allocs.get().saturating_add(events));
    }

    /// Clears all counters, while no thread counts.
    #[cfg(feature = "std")]
    pub(super) fn clear(&self) {
        for part in [&self.own, &self.remote] {
            part.bytes.store(0, Relaxed);
            part.blocks.store(0, Relaxed);
        }
        [&self.allocs, &self.bytes, &self.temporary, &self.reallocs]
            .into_iter()
            .for_each(|counter| counter.set(0));
    }

    /// Adds all counters of a cell, while no thread counts.
    #[cfg(feature = "std")]
    pub(super) fn take_over(&self, cell: &Account) {
        for (to, from) in [(&self.own, &cell.own), (&self.remote, &cell.remote)] {
            add_owned(&to.bytes, from.bytes.load(Relaxed));
            add_owned32(&to.blocks, from.blocks.load(Relaxed));
        }
        for (to, from) in [
            (&self.allocs, &cell.allocs),
            (&self.bytes, &cell.bytes),
            (&self.temporary, &cell.temporary),
            (&self.reallocs, &cell.reallocs),
        ] {
            to.set(to.get().saturating_add(from.get()));
        }
    }

    /// The live figures.
    #[inline]
    pub(crate) fn live(&self) -> Held {
        self.own.live().minus(self.remote.live())
    }

    /// Whether its own thread has freed all of its blocks. Frees by other threads are no proof while they run: the two parts
    /// are read at different moments, and a live block must never be taken for a freed one.
    pub(crate) fn has_all_back(&self) -> bool {
        self.own.blocks.load(Relaxed) == 0 && self.remote.blocks.load(Relaxed) == 0
    }

    /// The live figures at the mark's peak.
    pub(crate) fn held(&self, epochs: &Epochs, mark: Mark) -> Held {
        self.own.held(epochs, mark).minus(self.remote.held(epochs, mark))
    }

    /// Whether no event was ever counted here.
    pub(crate) fn is_unused(&self) -> bool {
        self.allocs.get() == 0 && self.remote.blocks.load(Relaxed) == 0
    }

    /// All counters.
    pub(crate) fn figures(&self, epochs: &Epochs, mark: Mark) -> Figures {
        let (live, held) = (self.live(), self.held(epochs, mark));
        let totals = Totals {
            allocs: self.allocs.get(),
            bytes: self.bytes.get(),
            temporary: self.temporary.get(),
            reallocs: self.reallocs.get(),
        };
        rules::figures(totals, live, held)
    }
}

#[inline]
fn count(counter: &Counter, by: Booker) {
    match by {
        Booker::Owner => counter.add_owned(1),
        Booker::Anyone => counter.add_shared(1),
    }
}

#[cfg(all(test, feature = "std", not(models)))]
mod tests;
