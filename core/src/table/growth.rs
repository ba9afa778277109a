//! How far the memory of a table reaches, when it does not have all of it from the start.
//!
//! Entries of a table are numbered in order, so its arrays are used from the front. A table that grows has memory for the
//! first entries of each of its arrays. An insertion that takes the next number has more memory mapped first. When the
//! system refuses, the table is full.

#[cfg(feature = "std")]
use super::space::{Space, SpaceOf};
#[cfg(feature = "std")]
use crate::limits::GROWTH_STEP;
#[cfg(feature = "std")]
use crate::lock::{Lock, try_lock};
use crate::sync::*;
use core::marker::PhantomData;
#[cfg(feature = "std")]
use core::ops::Range;

/// For which entries a table has memory.
#[derive(Clone, Copy)]
pub(crate) enum Growth<'t> {
    /// For all its entries, from the start.
    Whole(PhantomData<&'t ()>),
    /// For the first entries.
    #[cfg(feature = "std")]
    Stepwise(Steps<'t>),
}

/// A table that takes its memory step by step.
#[cfg(feature = "std")]
#[derive(Clone, Copy)]
pub(crate) struct Steps<'t> {
    pub(super) extent: &'t Extent,
    pub(super) space: &'t SpaceOf,
    /// The region's address, from which the plan counts.
    pub(super) base: usize,
    pub(super) plan: &'static Plan,
}

/// How far the memory of a table reaches. All-zero is no memory.
#[cfg(feature = "std")]
#[repr(C)]
#[derive(Default)]
pub(crate) struct Extent {
    /// Entries that have memory.
    entries: AtomicU32,
    /// The system has refused more.
    refused: AtomicBool,
    lock: Lock<()>,
}

/// The arrays of a table, which grow together.
#[cfg(feature = "std")]
pub(crate) struct Plan {
    pub(super) arrays: &'static [Array],
    /// Entries of each array.
    pub(super) capacity: usize,
}

/// How far the tables of a region reach, in its head. All-zero in a region that does not grow.
#[cfg(feature = "std")]
#[repr(C)]
pub(crate) struct Extents {
    pub(super) tables: [Extent; PARTS],
    pub(super) space: SpaceOf,
}

/// The parts of a region that grow: nodes, the heads of their index, cells, the heads of their index, threads.
#[cfg(feature = "std")]
pub(super) const PARTS: usize = 5;

/// An array of a table: its offset in the region, and the bytes from one entry to the next.
#[cfg(feature = "std")]
#[derive(Clone, Copy)]
pub(crate) struct Array {
    pub(super) offset: usize,
    pub(super) stride: usize,
}

impl Growth<'_> {
    pub(super) const WHOLE: Self = Growth::Whole(PhantomData);

    /// Takes the next free number, from 0, of a table of `capacity` entries, with memory for its entry. The first `before`
    /// entries have no number. `prepare` announces the entry of a number, and returns whether it may be used.
    pub(super) fn claim(
        self,
        used: &AtomicU32,
        capacity: usize,
        before: usize,
        prepare: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        match self {
            Growth::Whole(_) => claim(used, capacity - before, prepare),
            #[cfg(feature = "std")]
            Growth::Stepwise(steps) => {
                let number = claim(used, steps.room().saturating_sub(before), prepare)?;
                steps.reaches(number + before as u32).then_some(number)
            }
        }
    }

    /// Whether there is memory for the entry with that index. Maps it if there is none yet.
    #[cfg_attr(
        not(feature = "std"),
        allow(unused_variables, reason = "a firmware has all its memory from the start")
    )]
    pub(super) fn reaches(self, index: u32) -> bool {
        match self {
            Growth::Whole(_) => true,
            #[cfg(feature = "std")]
            Growth::Stepwise(steps) => steps.reaches(index),
        }
    }

    /// Entries that may be read, of `capacity`.
    #[inline(always)]
    pub(super) fn readable(self, capacity: usize) -> usize {
        match self {
            Growth::Whole(_) => capacity,
            #[cfg(feature = "std")]
            // A thread that has an entry's number has seen that there is memory for it.
            Growth::Stepwise(steps) => steps.extent.entries.load(Relaxed) as usize,
        }
    }

    /// How many numbers of a table of `capacity` entries are taken, and how many there are.
    pub(super) fn usage(self, used: &AtomicU32, capacity: usize, before: usize) -> (u32, u32) {
        let room = match self {
            Growth::Whole(_) => capacity,
            #[cfg(feature = "std")]
            Growth::Stepwise(steps) => steps.room(),
        };
        let numbers = |entries: usize| (entries as u32).saturating_sub(before as u32);
        // A number may have been taken whose memory is still to come.
        (used.load(Acquire).min(numbers(self.readable(capacity))), numbers(room))
    }
}

/// Takes the next free number, from 0, of a table of `capacity` entries. Readers read all entries that have numbers, so an
/// entry that must not be used gets none.
fn claim(used: &AtomicU32, capacity: usize, prepare: impl Fn(u32) -> bool) -> Option<u32> {
    let mut entry = used.load(Relaxed);
    while (entry as usize) < capacity && prepare(entry) {
        match used.compare_exchange(entry, entry + 1, AcqRel, Relaxed) {
            Ok(_) => return Some(entry),
            Err(now) => entry = now,
        }
    }
    None
}

#[cfg(feature = "std")]
impl Steps<'_> {
    /// How many entries there can be: all, until the system refuses memory for more.
    fn room(self) -> usize {
        match self.extent.refused.load(Acquire) {
            true => self.extent.entries.load(Acquire) as usize,
            false => self.plan.capacity,
        }
    }

    /// Whether there is memory for the entry with that index. Maps it if there is none yet.
    fn reaches(self, index: u32) -> bool {
        index < self.extent.entries.load(Acquire) || !self.extent.refused.load(Acquire) && self.grow(index)
    }

    #[cold]
    #[inline(never)]
    fn grow(self, index: u32) -> bool {
        let Some(_lock) = try_lock(&self.extent.lock) else { return false };
        loop {
            let before = self.extent.entries.load(Acquire) as usize;
            if (index as usize) < before {
                return true;
            }
            if self.extent.refused.load(Acquire) || !self.step(before) {
                self.extent.refused.store(true, Release);
                return false;
            }
        }
    }

    /// Maps memory for as many entries again, up to [`GROWTH_STEP`] bytes; for fewer when the system refuses that.
    fn step(self, before: usize) -> bool {
        let widest = self.plan.arrays.iter().map(|array| array.stride).max().unwrap_or(1);
        let mut more = before.min(GROWTH_STEP / widest).min(self.plan.capacity - before);
        while more > 0 {
            if self.extend(before, before + more) {
                return true;
            }
            more /= 2;
        }
        false
    }

    /// Maps memory for `entries`, of which the first `before` have it.
    fn extend(self, before: usize, entries: usize) -> bool {
        let Some(Space { map, unmap, page_size, .. }) = self.space.get() else { return false };
        let pages = |array: &Array| array.pages(self.base, before..entries, self.plan.capacity, page_size());
        for (place, array) in self.plan.arrays.iter().enumerate() {
            let (start, len) = pages(array);
            if len > 0 && !map(start, len) {
                // The pages that were just mapped would be in the way of the next attempt.
                let mapped = self.plan.arrays[..place].iter().map(pages).filter(|&(_, len)| len > 0);
                mapped.for_each(|(start, len)| unmap(start, len));
                return false;
            }
        }
        // Release: a thread that reads the number finds the memory.
        self.extent.entries.store(entries as u32, Release);
        true
    }

    /// Maps memory for all entries. False when the system refuses it.
    pub(super) fn complete(self) -> bool {
        let Some(_lock) = try_lock(&self.extent.lock) else { return false };
        let before = self.extent.entries.load(Acquire) as usize;
        self.is_complete() || self.extend(before, self.plan.capacity)
    }

    pub(super) fn is_complete(self) -> bool {
        self.extent.entries.load(Acquire) as usize >= self.plan.capacity
    }
}

#[cfg(feature = "std")]
impl Array {
    /// The pages of the `new` entries, as address and length, without pages that earlier entries or the next array have in
    /// common with them.
    fn pages(self, base: usize, new: Range<usize>, capacity: usize, page: usize) -> (usize, usize) {
        let start = base + self.offset;
        let begin = (start + new.start * self.stride).next_multiple_of(page);
        let last = (start + capacity * self.stride) / page * page;
        let end = (start + new.end * self.stride).next_multiple_of(page).min(last);
        (begin, end.saturating_sub(begin))
    }
}

#[cfg(feature = "std")]
impl Extent {
    /// The first entries have memory.
    pub(super) fn begin(&self, entries: usize) {
        self.entries.store(entries as u32, Release);
    }
}

#[cfg(test)]
mod tests;
