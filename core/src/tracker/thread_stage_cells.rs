//! The cells at the peak of a stage of one thread: copied while a file collects snapshots, and appended to it when the
//! stage ends. The events make the copies: [`crate::hook::stage_cells`].

use crate::dump;
use crate::hook::Tracker;
use crate::hook::stage_cells::{of, update_flag};
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::session::snapshot_file;
use crate::sync::*;
use crate::table::peak::stage::Ended;
use crate::table::region::Tables;
use crate::unwind::Unwind;

/// One of a thread's places for copies; a stage has it while it runs.
#[derive(Clone, Copy)]
pub(super) struct Level {
    slot: u16,
    level: usize,
}

/// In a forked child, whose only thread has this slot: stages of the other threads end.
pub(super) fn forked<R: Tables>(region: &R, slot: Option<u16>) {
    let running = of(region).map_or(0, |copies| copies.forked(slot));
    region.head().stage_cells.running.store(running, Relaxed);
    update_flag(region);
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Begins the copies for a stage of the calling thread. `None` when no file collects snapshots, and when the thread has
    /// no level left.
    pub(super) fn begin_copies(&self, slot: u16) -> Option<Level> {
        if !snapshot_file::is_set() {
            return None;
        }
        // The guard keeps signal handlers from changing cells in the middle.
        let _guard = self.guard_without_triggers();
        let (region, lock) = (self.region(), try_lock(self.region().stages())?);
        let (threads, cells) = (region.threads().capacity(), region.cells().capacity());
        let copies = region.head().stage_cells.make(threads, cells, |n| self.platform.memory(n))?;
        drop(lock);
        region.head().stage_cells.running.fetch_add(1, SeqCst);
        update_flag(region);
        let level = copies.begin(slot, region.threads().get(slot).account.live());
        if level.is_none() {
            self.count_ended_copies();
        }
        Some(Level { slot, level: level? })
    }

    /// The time of the stage's peak.
    pub(super) fn time_of_copies(&self, level: Level, now: u64) -> u64 {
        of(self.region()).map_or(0, |copies| copies.peak_time(level.slot, level.level, now))
    }

    /// Ends the copies, and appends the stage's snapshot if no earlier run had a higher peak.
    pub(super) fn end_copies(&self, level: Level, ended: Option<&Ended>) {
        let Some(copies) = of(self.region()) else { return };
        if let Some(ended) = ended.filter(|ended| ended.is_highest) {
            let held = |id, cell: &_| copies.held(level.slot, level.level, id, cell);
            self.append_stage(|first_node, file| {
                let at = dump::At::Span(dump::Span { thread: level.slot, held: &held });
                dump::stage(self.region(), &self.platform, U::NAME, at, &ended.run, first_node, file)
            });
        }
        copies.end(level.slot, level.level);
        self.count_ended_copies();
    }

    fn count_ended_copies(&self) {
        self.region().head().stage_cells.running.fetch_sub(1, SeqCst);
        update_flag(self.region());
    }
}
