//! Stages of one thread that keep their cells: where a file collects snapshots, each appends its own when it ends.
//!
//! Events look out for such stages by a flag, which they read anyway. While it stands all events come here; a program
//! without such stages never does.

use super::guard::{Entered, Entry};
use super::realloc::Resize;
use crate::LossCause;
use crate::dump;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::session::snapshot_file;
use crate::sync::*;
use crate::table::account::{Booker, Held};
use crate::table::cells;
use crate::table::peak::stage::Ended;
use crate::table::peak::stage_cells::{Freer, StageCells};
use crate::table::pending;
use crate::table::region::Tables;
use crate::table::threads::booker;
use crate::tracker::Tracker;
use crate::unwind::{Registers, Unwind};

/// A level that a stage of a thread has.
#[derive(Clone, Copy)]
pub(crate) struct KeptLevel {
    slot: u16,
    level: usize,
}

type Inside<'l> = Result<Entered<'l>, LossCause>;

impl<'l> Entry<Entered<'l>> {
    pub(crate) fn kept(self) -> Self {
        match self {
            Entry::Ready(entered) => Entry::Kept(Ok(entered)),
            Entry::Lost(cause) => Entry::Kept(Err(cause)),
            other => other,
        }
    }

    fn of(inside: Inside<'l>) -> Self {
        match inside {
            Ok(entered) => Entry::Ready(entered),
            Err(cause) => Entry::Lost(cause),
        }
    }
}

fn stage_cells<R: Tables>(region: &R) -> Option<StageCells<'_>> {
    region.head().stage_cells.get()
}

/// In a forked child, whose one thread has the slot.
pub(crate) fn forked<R: Tables>(region: &R, slot: Option<u16>) {
    let running = stage_cells(region).map_or(0, |cells| cells.forked(slot));
    region.head().stage_cells.running.store(running, Relaxed);
    show(region);
}

/// The flag says whether any stage keeps its cells.
fn show<R: Tables>(region: &R) {
    let (cells, pending) = (&region.head().stage_cells, &region.head().pending);
    if cells.running.load(SeqCst) == 0 {
        pending.lower(pending::KEPT);
    }
    // Another may have begun meanwhile.
    if cells.running.load(SeqCst) != 0 {
        pending.raise(pending::KEPT);
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// A stage of the calling thread has begun. `None` when nobody wants its cells, or there is no level left.
    pub(crate) fn begin_keeping(&self, slot: u16) -> Option<KeptLevel> {
        if !snapshot_file::is_set() {
            return None;
        }
        // The hook is kept out, so that no signal handler books in the middle.
        let _entry = self.enter_always();
        let (region, lock) = (self.region(), try_lock(self.region().stages())?);
        let (threads, cells) = (region.threads().capacity(), region.cells().capacity());
        let levels = region.head().stage_cells.make(threads, cells, |n| self.platform.memory(n))?;
        drop(lock);
        region.head().stage_cells.running.fetch_add(1, SeqCst);
        show(region);
        let level = levels.begin(slot, region.threads().get(slot).account.live());
        if level.is_none() {
            self.keep_no_more();
        }
        Some(KeptLevel { slot, level: level? })
    }

    /// When the peak was that is kept.
    pub(crate) fn kept_time(&self, kept: KeptLevel, now: u64) -> u64 {
        stage_cells(self.region()).map_or(0, |cells| cells.peak_time(kept.slot, kept.level, now))
    }

    /// The stage has ended: it is written when no run before had a higher peak.
    pub(crate) fn end_keeping(&self, kept: KeptLevel, ended: Option<&Ended>) {
        let Some(cells) = stage_cells(self.region()) else { return };
        if let Some(ended) = ended.filter(|ended| ended.is_highest) {
            let held = |id, cell: &_| cells.held(kept.slot, kept.level, id, cell);
            self.append_stage(|first_node, file| {
                let at = dump::At::Span(dump::Span { thread: kept.slot, held: &held });
                dump::stage(self.region(), &self.platform, U::NAME, at, &ended.run, first_node, file)
            });
        }
        cells.end(kept.slot, kept.level);
        self.keep_no_more();
    }

    fn keep_no_more(&self) {
        self.region().head().stage_cells.running.fetch_sub(1, SeqCst);
        show(self.region());
    }

    /// Books an allocation while cells are kept.
    #[cold]
    #[inline(never)]
    pub(crate) fn book_kept(
        &self,
        inside: Inside<'_>,
        from: Registers,
        heap: u8,
        block: usize,
        size: usize,
    ) -> u32 {
        match inside {
            Ok(entered) => {
                let id = self.book_on(&entered, from, heap, block, size);
                self.kept_alloc(&entered, id, size);
                id
            }
            Err(cause) => self.book_unattributed(size, cause),
        }
    }

    /// Books a free while cells are kept.
    #[cold]
    #[inline(never)]
    pub(crate) fn book_free_kept(&self, inside: Inside<'_>, cell: Option<u32>, block: usize, size: usize) {
        self.keep_before_free(&inside, cell);
        self.book_free_as(&Entry::of(inside), cell, block, size);
    }

    /// Books a reallocation while cells are kept.
    #[cold]
    #[inline(never)]
    pub(crate) fn book_realloc_kept(&self, inside: Inside<'_>, resize: &Resize) -> u32 {
        self.keep_before_free(&inside, resize.old);
        let entry = Entry::of(inside);
        let id = self.book_realloc_as(&entry, resize);
        if let Entry::Ready(entered) = &entry {
            self.kept_alloc(entered, id, resize.new_size);
        }
        id
    }

    fn keep_before_free(&self, inside: &Inside<'_>, cell: Option<u32>) {
        let known = cell.and_then(|id| Some((id, self.region().cells().owned(id)?)));
        if let (Some(cells), Some((id, (cell, owner)))) = (stage_cells(self.region()), known) {
            let own = booker(owner) == Booker::Owner && inside.as_ref().is_ok_and(|by| by.slot == owner);
            let by = if own { Freer::Owner } else { Freer::Other };
            cells.before_free(owner, id, cell, by, || self.elapsed());
        }
    }

    fn kept_alloc(&self, entered: &Entered<'_>, id: u32, size: usize) {
        let slot = entered.slot;
        if id != cells::UNATTRIBUTED
            && let (Some(cells), Some(cell)) = (stage_cells(self.region()), self.region().cells().get(id))
        {
            let live: Held = self.region().threads().get(slot).account.live();
            cells.after_alloc(slot, id, cell, size, live);
        }
    }
}
