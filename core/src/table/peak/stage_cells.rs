//! What the cells of a thread held when a stage of that thread had its peak.
//!
//! Kept where a file collects snapshots, in memory that the first such stage asks for. The stage takes one of its
//! thread's few *levels*. An allocation that makes a new peak of the level moves the level's epoch on: what the cells
//! hold now is what they held at the peak. Before a cell changes for the first time in an epoch, what it holds is kept
//! here. So a reader takes what is kept in the present epoch, and for all other cells what is live.
//!
//! Only the thread moves the epoch, and only the thread's own cells matter: other threads come in where they free its
//! blocks. As in [`crate::table::account`] they have a part of their own, so that neither side writes the other's.

use super::epoch::Stamp;
use crate::counter::Counter;
use crate::sync::*;
use crate::table::account::{Account, Held};
use crate::table::cells::Cells;
use crate::table::threads::Threads;

/// Stages of one thread that keep their cells at a time. Those inside of them have figures alone.
pub(crate) const LEVELS: usize = 4;
/// One epoch of a level: even, as a [stamp](super::epoch) wants it.
const EPOCH: usize = 2;

/// One of a thread's levels.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Level {
    /// Goes on by [`EPOCH`] at every new peak; 0 before the first stage.
    epoch: AtomicUsize,
    /// Highest live bytes of the thread since the stage began.
    peak: AtomicUsize,
    /// The epoch in which a block was freed first, and when: until then the thread stood at the peak.
    fallen: AtomicUsize,
    fallen_at: Counter,
    /// A stage has it.
    taken: AtomicU32,
}

/// A thread's levels: on lines of their own, for the thread writes them at every peak.
#[repr(C, align(64))]
#[derive(Default)]
pub(crate) struct Levels([Level; LEVELS]);

/// What one side of a cell held before it changed in an epoch.
#[repr(C)]
#[derive(Default)]
struct Side {
    epoch: Stamp,
    bytes: AtomicUsize,
    blocks: AtomicU32,
}

/// What a cell held, by the sides that change it: its thread, and everybody else.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Kept {
    own: Side,
    remote: Side,
}

impl Side {
    /// By the thread.
    fn keep(&self, epoch: usize, held: Held) {
        if !self.epoch.is(epoch) {
            self.set(held);
            self.epoch.set(epoch);
        }
    }

    /// By one of the others.
    fn keep_once(&self, epoch: usize, held: impl Fn() -> Held) {
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

/// Where the memory is. All-zero before there is any.
#[repr(C)]
#[derive(Default)]
pub(crate) struct SpanMemory {
    memory: AtomicPtr<u8>,
    /// Stages that keep their cells.
    pub(crate) running: AtomicU32,
}

impl SpanMemory {
    /// What is kept for these threads and cells; `None` when there is no memory yet.
    pub(crate) fn get<'t>(&self, threads: Threads<'t>, cells: Cells<'t>) -> Option<Spans<'t>> {
        let memory = self.memory.load(Acquire);
        // SAFETY: it is null, or `make` put it there, which asked for as much.
        (!memory.is_null()).then(|| unsafe { Spans::at(memory, threads.slots.len(), cells.cells.len()) })
    }

    /// The same, with memory of `map`, which is zeroed, aligned to a cache line, and stays. Called by one thread at a time.
    pub(crate) fn make<'t>(
        &self,
        threads: Threads<'t>,
        cells: Cells<'t>,
        map: impl FnOnce(usize) -> *mut u8,
    ) -> Option<Spans<'t>> {
        if self.memory.load(Acquire).is_null() {
            self.memory.store(map(Spans::size(threads.slots.len(), cells.cells.len())), Release);
        }
        self.get(threads, cells)
    }
}

/// The levels of all threads, and what is kept of all cells: of one level behind the other.
#[derive(Clone, Copy)]
pub(crate) struct Spans<'t> {
    pub(in crate::table) levels: &'t [Levels],
    pub(in crate::table) kept: &'t [Kept],
}

impl<'t> Spans<'t> {
    /// Bytes of memory for that many threads and cells.
    pub(super) const fn size(threads: usize, cells: usize) -> usize {
        threads * size_of::<Levels>() + LEVELS * cells * size_of::<Kept>()
    }

    /// # Safety
    /// `memory` must be of [`size`](Self::size) bytes for these numbers, zeroed before its first use, aligned to a cache
    /// line, used for nothing else, and never given back.
    unsafe fn at(memory: *const u8, threads: usize, cells: usize) -> Self {
        // SAFETY: the caller upholds it; both types are atomic integers, for which all-zero is a value, and the size of the
        // first is a multiple of the second's alignment.
        unsafe {
            let levels = core::slice::from_raw_parts(memory.cast(), threads);
            let behind = memory.add(size_of_val(levels));
            Spans { levels, kept: core::slice::from_raw_parts(behind.cast(), LEVELS * cells) }
        }
    }

    /// A stage of `thread`, the calling one, begins, which holds `live`. Its level; `None` when all are taken.
    pub(crate) fn begin(&self, thread: u16, live: Held) -> Option<usize> {
        let levels = self.levels(thread);
        let place = levels.iter().position(|level| level.taken.load(Relaxed) == 0)?;
        let level = &levels[place];
        level.peak.store(live.bytes, Relaxed);
        level.go_on();
        level.taken.store(1, Release);
        Some(place)
    }

    /// The stage that has the level ends.
    pub(crate) fn end(&self, thread: u16, level: usize) {
        if let Some(level) = self.levels(thread).get(level) {
            level.taken.store(0, Release);
        }
    }

    /// In a forked child, which has one thread, that of `slot`: what the others began goes on no more. How many go on.
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

    /// Before a block of `thread` is freed, which `cell` counts.
    pub(crate) fn before_free(
        &self,
        thread: u16,
        id: u32,
        cell: &Account,
        by: Freer,
        time: impl Fn() -> u64,
    ) {
        for (level, kept) in self.of(thread, id) {
            let epoch = level.epoch.load(Acquire);
            if level.fallen.load(Relaxed) != epoch {
                level.fallen_at.set(time());
                level.fallen.store(epoch, Relaxed);
            }
            match by {
                Freer::Owner => kept.own.keep(epoch, cell.own()),
                Freer::Other => kept.remote.keep_once(epoch, || cell.remote()),
            }
        }
    }

    /// After `thread`, the calling one, has allocated `size` bytes, which `cell` counts: now it holds `live`.
    pub(crate) fn after_alloc(&self, thread: u16, id: u32, cell: &Account, size: usize, live: Held) {
        for (level, kept) in self.of(thread, id) {
            if live.bytes as isize > level.peak.load(Relaxed) as isize {
                level.peak.store(live.bytes, Relaxed);
                level.go_on();
            } else {
                let before = cell.own().minus(Held { bytes: size, blocks: 1 });
                kept.own.keep(level.epoch.load(Relaxed), before);
            }
        }
    }

    /// What `cell` held at the level's peak.
    pub(crate) fn held(&self, thread: u16, level: usize, id: u32, cell: &Account) -> Held {
        let (Some(of), Some(kept)) = (self.levels(thread).get(level), self.kept_at(level, id)) else {
            return Held::default();
        };
        let epoch = of.epoch.load(Relaxed);
        kept.own.at(epoch, cell.own()).minus(kept.remote.at(epoch, cell.remote())).settled()
    }

    /// When the thread fell from the level's peak; `now` while it stands there.
    pub(crate) fn peak_time(&self, thread: u16, level: usize, now: u64) -> u64 {
        let fallen = |level: &&Level| level.fallen.load(Relaxed) == level.epoch.load(Relaxed);
        self.levels(thread).get(level).filter(fallen).map_or(now, |level| level.fallen_at.get())
    }

    fn levels(&self, thread: u16) -> &'t [Level] {
        self.levels.get(usize::from(thread)).map_or(&[], |levels| &levels.0)
    }

    fn kept_at(&self, level: usize, id: u32) -> Option<&'t Kept> {
        let cells = self.kept.len() / LEVELS;
        self.kept.get(level * cells + id as usize)
    }

    /// The thread's levels that are taken, with what is kept of a cell.
    fn of(&self, thread: u16, id: u32) -> impl Iterator<Item = (&'t Level, &'t Kept)> {
        let levels = self.levels(thread).iter().enumerate();
        let taken = levels.filter(|(_, level)| level.taken.load(Acquire) != 0);
        taken.filter_map(move |(place, level)| Some((level, self.kept_at(place, id)?)))
    }
}

impl Level {
    /// What cells hold from here on is what they held at the peak, until they change.
    fn go_on(&self) {
        self.epoch.store(self.epoch.load(Relaxed).wrapping_add(EPOCH), Release);
    }
}
