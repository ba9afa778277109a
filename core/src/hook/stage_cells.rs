//! Copies of cells for stages of one thread.
//!
//! **Problem.** A stage of one thread has its peak at another moment than the program, so it cannot use the copies that
//! cells make at the program's peak.
//!
//! **Idea.** While such a stage runs and a file collects snapshots, each event of the thread copies the cell that it is
//! about to change into memory of the stage ([`StageCells`](crate::table::peak::stage_cells)). A flag is raised while one
//! of these stages runs, and takes every event off the fast path. A program without these stages pays nothing.

use super::Tracker;
use super::guard::Guard;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::cells;
use crate::table::peak::stage_cells::{Freer, StageCells};
use crate::table::pending;
use crate::table::region::Tables;
use crate::unwind::Unwind;

/// The copies of a region; `None` before a stage asked for their memory.
pub(crate) fn of<R: Tables>(region: &R) -> Option<StageCells<'_>> {
    region.head().stage_cells.get()
}

/// Raises the flag while a stage with copies runs, else lowers it.
pub(crate) fn update_flag<R: Tables>(region: &R) {
    let (copies, triggers) = (&region.head().stage_cells, &region.head().pending);
    if copies.running.load(SeqCst) == 0 {
        triggers.lower(pending::KEPT);
    }
    // Another stage may have begun since.
    if copies.running.load(SeqCst) != 0 {
        triggers.raise(pending::KEPT);
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    fn stage_cells(&self) -> Option<StageCells<'static>> {
        if self.flags() & pending::KEPT == 0 {
            return None;
        }
        of(self.region())
    }

    /// Copies the cell whose block is about to be freed or resized.
    #[inline(always)]
    pub(super) fn copy_stage_cell_before_free(&self, guard: Option<&Guard<'_>>, cell: Option<u32>) {
        if let Some(copies) = self.stage_cells() {
            self.before_free(copies, guard, cell)
        }
    }

    #[cold]
    #[inline(never)]
    fn before_free(&self, copies: StageCells<'_>, guard: Option<&Guard<'_>>, cell: Option<u32>) {
        let Some((id, (cell, owner))) = cell.and_then(|id| Some((id, self.region().cells().owned(id)?)))
        else {
            return;
        };
        let by = if guard.is_some_and(|guard| guard.owns(owner)) { Freer::Owner } else { Freer::Other };
        copies.before_free(owner, id, cell, by, || self.elapsed());
    }

    /// Copies the cell that has just counted an allocation, as it was before.
    #[inline(always)]
    pub(super) fn copy_stage_cell_after_alloc(&self, guard: &Guard<'_>, id: u32, size: usize) {
        if let Some(copies) = self.stage_cells() {
            self.after_alloc(copies, guard, id, size)
        }
    }

    #[cold]
    #[inline(never)]
    fn after_alloc(&self, copies: StageCells<'_>, guard: &Guard<'_>, id: u32, size: usize) {
        if id != cells::UNATTRIBUTED
            && let Some(cell) = self.region().cells().get(id)
        {
            copies.after_alloc(guard.thread(), id, cell, size, guard.slot.account.live());
        }
    }
}
