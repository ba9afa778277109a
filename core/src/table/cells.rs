//! The cells: the counters of each (thread, tag, heap, stack), found by key or, from a block's trailer, by id.

use super::account::Account;
use super::backing::prepare;
use super::growth::Growth;
use super::index::{Index, IndexRef, hash};
use super::stacks::StackId;
use crate::sync::*;
use memtrack_format::image::key::{CELL_BITS, CellKey};

/// The cell of events that belong to no known thread or stack.
pub(crate) const UNATTRIBUTED: u32 = 0;
/// The heap of the wrapped allocator.
pub(crate) const WRAPPED: u8 = 0;

/// `N` cells. All-zero is the empty table.
#[repr(C)]
pub(crate) struct CellTable<const N: usize> {
    pub(super) used: AtomicU32,
    pub(super) cells: [Account; N],
    pub(super) index: Index<N>,
    /// The thread of each cell, once more: a thread that frees another one's block must not read the line that this one
    /// writes.
    pub(super) threads: [AtomicU16; N],
}

impl<const N: usize> CellTable<N> {
    const SIZE: () = assert!(N <= 1 << CELL_BITS, "a block's trailer can name at most 2^24 cells");

    pub(crate) const fn new() -> Self {
        const { Self::SIZE };
        // SAFETY: an account consists of atomic integers, for which all-zero is a value.
        let cells = unsafe { core::mem::zeroed() };
        let threads = [const { AtomicU16::new(0) }; N];
        CellTable { used: AtomicU32::new(0), cells, index: Index::new(), threads }
    }

    #[inline]
    pub(crate) fn by_ref(&self) -> Cells<'_> {
        Cells {
            used: &self.used,
            cells: &self.cells,
            index: self.index.by_ref(),
            threads: &self.threads,
            growth: Growth::WHOLE,
        }
    }
}

/// The key of a cell, packed into the two labels of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) thread: u16,
    pub(crate) tag: u16,
    pub(crate) heap: u8,
    pub(crate) stack: StackId,
    pub(crate) cut: bool,
}

impl Key {
    #[inline]
    fn labels(self) -> (u32, u32) {
        let Key { thread, tag, heap, stack: StackId(stack), cut } = self;
        CellKey { thread, tag, heap, stack, cut }.labels()
    }

    fn from_labels(label: u32, sublabel: u32) -> Key {
        let CellKey { thread, tag, heap, stack, cut } = CellKey::from_labels(label, sublabel);
        Key { thread, tag, heap, stack: StackId(stack), cut }
    }
}

/// A view of a [`CellTable`] of any size.
#[derive(Clone, Copy)]
pub struct Cells<'t> {
    pub(super) used: &'t AtomicU32,
    pub(super) cells: &'t [Account],
    pub(super) index: IndexRef<'t>,
    pub(super) threads: &'t [AtomicU16],
    pub(super) growth: Growth<'t>,
}

impl<'t> Cells<'t> {
    /// The cell of `key`; `None` when the table is full.
    #[inline]
    pub(crate) fn find_or_insert(&self, key: Key) -> Option<u32> {
        let (label, sublabel) = key.labels();
        let cell = |id: u32| &self.cells[id as usize];
        let entry = self.index.find_or_insert(
            self.used.load(Relaxed),
            hash(u64::from(label) << 32 | u64::from(sublabel), 0),
            |id| cell(id).label() == label && cell(id).sublabel() == sublabel,
            || {
                // Cell 0 is the unattributed one.
                let prepare = |number| {
                    let id = number + 1;
                    prepare(cell(id)) && prepare(&self.threads[id as usize]) && self.index.prepare(id)
                };
                let id = self.growth.claim(self.used, self.cells.len(), 1, prepare)? + 1;
                cell(id).set_label(label, sublabel);
                self.threads[id as usize].store(key.thread, Relaxed);
                Some(id)
            },
        );
        entry.ok()
    }

    /// A cell by id. `None` for an id past the table, which only a damaged trailer has.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&'t Account> {
        self.cells[..self.readable()].get(id as usize)
    }

    /// The cell of an id, without a check.
    ///
    /// # Safety
    /// [`find_or_insert`](Self::find_or_insert) must have returned it.
    #[inline(always)]
    pub(crate) unsafe fn known(&self, id: u32) -> &'t Account {
        debug_assert!((id as usize) < self.cells.len());
        // SAFETY: the caller upholds it, and `find_or_insert` returns ids of the table.
        unsafe { self.cells.get_unchecked(id as usize) }
    }

    /// A cell by id, and the thread that allocated its blocks.
    #[inline(always)]
    pub(crate) fn owned(&self, id: u32) -> Option<(&'t Account, u16)> {
        let readable = self.readable();
        let cell = self.cells[..readable].get(id as usize)?;
        Some((cell, self.threads[..readable][id as usize].load(Relaxed)))
    }

    /// How many cells have memory.
    #[inline(always)]
    fn readable(&self) -> usize {
        let readable = self.growth.readable(self.cells.len());
        // SAFETY: a table has memory for no more cells than it has, and as many threads as cells.
        unsafe {
            core::hint::assert_unchecked(readable <= self.cells.len() && readable <= self.threads.len())
        };
        readable
    }

    /// The cell of unattributed events.
    pub(crate) fn unattributed(&self) -> &'t Account {
        &self.cells[UNATTRIBUTED as usize]
    }

    /// How many cells there can be.
    #[cfg(feature = "std")]
    pub(crate) fn capacity(&self) -> usize {
        self.cells.len()
    }

    /// How many cells are used, and how many fit.
    pub(crate) fn usage(&self) -> (u32, u32) {
        self.growth.usage(self.used, self.cells.len(), 1)
    }

    /// All cells that were ever used, the unattributed one first.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u32, Key, &'t Account)> {
        (0..=self.usage().0).filter_map(move |id| {
            let cell = &self.cells[id as usize];
            (!cell.is_unused()).then(|| (id, Key::from_labels(cell.label(), cell.sublabel()), cell))
        })
    }

    /// The cells of a thread. Reads no other thread's cells.
    pub(crate) fn of_thread(self, thread: u16) -> impl Iterator<Item = (u32, &'t Account)> {
        let cells = (0..=self.usage().0).zip(self.threads).zip(self.cells);
        let own = cells.filter(move |((_, owner), _)| owner.load(Relaxed) == thread);
        own.map(|((id, _), cell)| (id, cell)).filter(|(_, cell)| !cell.is_unused())
    }
}

/// The heap of a cell's blocks.
pub(crate) fn heap_of(cell: &Account) -> u8 {
    Key::from_labels(cell.label(), cell.sublabel()).heap
}
