//! The figures that a thread's cells had at the peak of a stage of that thread.
//!
//! **Problem.** A stage of one thread has its own flame graph at its peak, apart from the program's marks, and only where a
//! file collects snapshots.
//!
//! **Idea.** The same as in [`epoch`](super::epoch), for one thread. A stage takes one of the thread's levels. An allocation
//! that makes a new peak of the level begins a new epoch of the level: from then on, until a cell changes, its live figures
//! are its figures at the peak. Before its first change in the epoch the cell's figures are copied here. A reader takes the
//! copies of the current epoch, and the live figures of all other cells.
//!
//! # Level
//! The place for one stage of a thread at a time. A thread has few of them; further stages have figures and no cells.
//!
//! # Part
//! As in [`account`](crate::table::account), a cell has a part that its thread changes and a part that other threads
//! change when they free its blocks. Each part is copied by those who change it.
//!
//! The memory for all this is mapped when the first stage of a thread begins that has to keep its cells.

use super::epoch::LastCopy;
use crate::counter::Counter;
use crate::limits::STAGE_LEVELS;
use crate::sync::*;
use crate::table::account::{Account, Held};

/// The distance from one epoch of a level to the next: even, as [`LastCopy`] needs it.
const EPOCH: usize = 2;

/// A level of a thread. The thread writes it.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Level {
    /// Grows by [`EPOCH`] at every new peak; 0 before the first stage.
    epoch: AtomicUsize,
    /// The most live bytes of the thread since the stage began.
    peak: AtomicUsize,
    /// The epoch in which a block was freed first, and when: until then the thread is at the peak.
    fallen: AtomicUsize,
    fallen_at: Counter,
    /// Whether a stage has the level.
    taken: AtomicU32,
}

/// The levels of a thread. On cache lines of their own: the thread writes them at every peak.
#[repr(C, align(64))]
#[derive(Default)]
pub(crate) struct Levels([Level; STAGE_LEVELS]);

/// The copy of one part of a cell.
#[repr(C)]
#[derive(Default)]
struct PartCopy {
    epoch: LastCopy,
    bytes: AtomicUsize,
    blocks: AtomicU32,
}

/// The copies of a cell for one level.
#[repr(C)]
#[derive(Default)]
pub(crate) struct CellCopy {
    own: PartCopy,
    remote: PartCopy,
}

impl PartCopy {
    /// Copies, unless that was done in `epoch`. For the thread.
    fn copy(&self, epoch: usize, held: Held) {
        if !self.epoch.is(epoch) {
            self.set(held);
            self.epoch.set(epoch);
        }
    }

    /// The same for one of several other threads.
    fn copy_shared(&self, epoch: usize, held: impl Fn() -> Held) {
        self.epoch.once(epoch, |_| self.set(held()));
    }

    fn set(&self, held: Held) {
        self.bytes.store(held.bytes, Relaxed);
        self.blocks.store(held.blocks, Relaxed);
    }

    fn at(&self, epoch: usize, now: Held) -> Held {
        if self.epoch.epoch() == epoch {
            Held { bytes: self.bytes.load(Relaxed), blocks: self.blocks.load(Relaxed) }
        } else {
            now
        }
    }
}

/// Who frees a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freer {
    Owner,
    Other,
}

/// The memory of the levels and copies. All-zero before there is any.
#[repr(C)]
#[derive(Default)]
pub(crate) struct StageCellsMemory {
    memory: AtomicPtr<u8>,
    /// For how many threads and cells it is. Written before the memory.
    threads: AtomicUsize,
    cells: AtomicUsize,
    /// Stages that keep their cells.
    pub(crate) running: AtomicU32,
}

impl StageCellsMemory {
    /// The levels and copies; `None` when there is no memory yet.
    pub(crate) fn get(&self) -> Option<StageCells<'_>> {
        let memory = self.memory.load(Acquire);
        let (threads, cells) = (self.threads.load(Relaxed), self.cells.load(Relaxed));
        // SAFETY: it is null, or `make` has stored it, which asked for memory for these numbers and stored them before.
        (!memory.is_null()).then(|| unsafe { StageCells::at(memory, threads, cells) })
    }

    /// The same, with memory of `map` for that many threads and cells if there is none yet: zeroed, aligned to a cache line,
    /// and never unmapped. One thread at a time calls this.
    pub(crate) fn make(
        &self,
        threads: usize,
        cells: usize,
        map: impl FnOnce(usize) -> *mut u8,
    ) -> Option<StageCells<'_>> {
        if self.memory.load(Acquire).is_null() {
            self.threads.store(threads, Relaxed);
            self.cells.store(cells, Relaxed);
            self.memory.store(map(StageCells::size(threads, cells)), Release);
        }
        self.get()
    }
}

/// The levels of all threads, and the copies of all cells: those of one level behind those of another.
#[derive(Clone, Copy)]
pub(crate) struct StageCells<'t> {
    pub(in crate::table) levels: &'t [Levels],
    pub(in crate::table) copies: &'t [CellCopy],
}

impl<'t> StageCells<'t> {
    /// Bytes of memory for that many threads and cells.
    const fn size(threads: usize, cells: usize) -> usize {
        threads * size_of::<Levels>() + STAGE_LEVELS * cells * size_of::<CellCopy>()
    }

    /// # Safety
    /// `memory` must have [`size`](Self::size) bytes for these numbers, zeroed before its first use, aligned to a cache
    /// line, used for nothing else, and never unmapped.
    unsafe fn at(memory: *const u8, threads: usize, cells: usize) -> Self {
        // SAFETY: the caller upholds it; both types are atomic integers, for which all-zero is a value, and the size of the
        // first is a multiple of the second's alignment.
        unsafe {
            let levels = core::slice::from_raw_parts(memory.cast(), threads);
            let behind = memory.add(size_of_val(levels));
            StageCells { levels, copies: core::slice::from_raw_parts(behind.cast(), STAGE_LEVELS * cells) }
        }
    }

    /// A stage of `thread`, the calling one, begins, which holds `live`. Its level; `None` when all are taken.
    pub(crate) fn begin(&self, thread: u16, live: Held) -> Option<usize> {
        let levels = self.levels(thread);
        let free = levels.iter().position(|level| level.taken.load(Relaxed) == 0)?;
        let level = &levels[free];
        level.peak.store(live.bytes, Relaxed);
        level.begin_epoch();
        level.taken.store(1, Release);
        Some(free)
    }

    /// The stage that has the level ends.
    pub(crate) fn end(&self, thread: u16, level: usize) {
        if let Some(level) = self.levels(thread).get(level) {
            level.taken.store(0, Release);
        }
    }

    /// In a forked child, which has one thread, that of `slot`: the stages of all others end. Returns how many go on.
    pub(crate) fn forked(&self, slot: Option<u16>) -> u32 {
        let mut taken = 0;
        for (thread, Levels(levels)) in self.levels.iter().enumerate() {
            if slot.map(usize::from) == Some(thread) {
                taken += levels.iter().map(|level| level.taken.load(Relaxed)).sum::<u32>();
            } else {
                levels.iter().for_each(|level| level.taken.store(0, Relaxed));
            }
        }
        taken
    }

    /// Before a block of `thread` is freed, whose cell is `cell`.
    pub(crate) fn before_free(
        &self,
        thread: u16,
        id: u32,
        cell: &Account,
        by: Freer,
        time: impl Fn() -> u64,
    ) {
        for (level, copy) in self.taken(thread, id) {
            let epoch = level.epoch.load(Acquire);
            if level.fallen.load(Relaxed) != epoch {
                level.fallen_at.set(time());
                level.fallen.store(epoch, Relaxed);
            }
            match by {
                Freer::Owner => copy.own.copy(epoch, cell.own()),
                Freer::Other => copy.remote.copy_shared(epoch, || cell.remote()),
            }
        }
    }

    /// After `thread`, the calling one, has allocated `size` bytes, which `cell` counts already: now it holds `live`.
    pub(crate) fn after_alloc(&self, thread: u16, id: u32, cell: &Account, size: usize, live: Held) {
        for (level, copy) in self.taken(thread, id) {
            if live.bytes as isize > level.peak.load(Relaxed) as isize {
                level.peak.store(live.bytes, Relaxed);
                level.begin_epoch();
            } else {
                let before = cell.own().minus(Held { bytes: size, blocks: 1 });
                copy.own.copy(level.epoch.load(Relaxed), before);
            }
        }
    }

    /// The live figures of `cell` at the level's peak.
    pub(crate) fn held(&self, thread: u16, level: usize, id: u32, cell: &Account) -> Held {
        let (Some(of), Some(copy)) = (self.levels(thread).get(level), self.copy(level, id)) else {
            return Held::default();
        };
        let epoch = of.epoch.load(Relaxed);
        copy.own.at(epoch, cell.own()).minus(copy.remote.at(epoch, cell.remote())).settled()
    }

    /// When the thread fell from the level's peak; `now` while it is at the peak.
    pub(crate) fn peak_time(&self, thread: u16, level: usize, now: u64) -> u64 {
        let fallen = |level: &&Level| level.fallen.load(Relaxed) == level.epoch.load(Relaxed);
        self.levels(thread).get(level).filter(fallen).map_or(now, |level| level.fallen_at.get())
    }

    fn levels(&self, thread: u16) -> &'t [Level] {
        self.levels.get(usize::from(thread)).map_or(&[], |levels| &levels.0)
    }

    fn copy(&self, level: usize, id: u32) -> Option<&'t CellCopy> {
        let cells = self.copies.len() / STAGE_LEVELS;
        self.copies.get(level * cells + id as usize)
    }

    /// The levels of a thread that stages have, each with its copy of a cell.
    fn taken(&self, thread: u16, id: u32) -> impl Iterator<Item = (&'t Level, &'t CellCopy)> {
        let levels = self.levels(thread).iter().enumerate();
        let taken = levels.filter(|(_, level)| level.taken.load(Acquire) != 0);
        taken.filter_map(move |(number, level)| Some((level, self.copy(number, id)?)))
    }
}

impl Level {
    /// From here on the live figures of a cell are its figures at the peak, until it changes.
    fn begin_epoch(&self) {
        self.epoch.store(self.epoch.load(Relaxed).wrapping_add(EPOCH), Release);
    }
}
