//! The tables in a forked child.

use super::losses::Losses;
use super::region::Tables;
use super::threads::{OVERFLOW, UNATTRIBUTED};

/// When the tables that a child begins with were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    AtFork,
    /// At the child's first event: the parent has run on.
    Later,
}

/// In a forked child, whose one thread is in no event: finishes the events that other threads were in the middle of (or the
/// parent, when the tables were copied while it ran on), and marks everything as inherited from `parent`, `time` nanoseconds
/// after the tracker's start.
pub(crate) fn fork<R: Tables>(region: &R, parent: u32, time: u64, copied: Copied) {
    let (head, threads) = (region.head(), region.threads());
    let is_whole = copied == Copied::AtFork && head.marks.credit.is_alone();
    threads.forked();
    if !is_whole {
        settle(region);
    }
    head.marks.forked((threads.live_bytes() as isize).max(0) as usize, threads);
    head.inherited.begin(parent, time, head.failed.get(), &head.marks.epochs, threads, &head.losses);
}

/// An event changes its cell before its thread. A thread of the parent that had changed the cell alone changes its slot in
/// the parent only: here each thread gets the figures of its cells.
fn settle<R: Tables>(region: &R) {
    let nobody = region.cells().unattributed();
    nobody.count_without_size(unattributed(&region.head().losses).saturating_sub(nobody.allocs()));
    let threads = region.threads();
    for id in [UNATTRIBUTED, OVERFLOW] {
        threads.get(id).account.clear();
    }
    threads.iter().for_each(|(_, slot)| slot.account.clear());
    for (_, key, cell) in region.cells().iter() {
        threads.get(key.thread).account.take_over(cell);
    }
}

/// Lost events that belong to no thread.
fn unattributed(losses: &Losses) -> u64 {
    losses
        .iter()
        .filter(|(cause, _)| cause.is_unattributed())
        .map(|(_, events)| events)
        .fold(0, u64::wrapping_add)
}

#[cfg(all(test, not(models)))]
mod tests {
    use super::*;
    use crate::table::region::Parts;
    use crate::tracker::token::Heap;
    use crate::{NoUnwind, Region, Tracker};
    use memtrack_format::LossCause;

    #[test]
    fn what_a_thread_of_the_parent_had_booked_in_part_is_settled() {
        type Small = Region<64, 64, 4, 2, 2, 8>;
        static REGION: Small = Region::new();
        static TRACKER: Tracker<(), NoUnwind, crate::Host, Small> =
            Tracker::with((), NoUnwind, crate::Host, &REGION);
        let _kept = TRACKER.on_alloc(Heap::WRAPPED, 0, 1000);
        let (head, threads) = (REGION.head(), REGION.threads());
        head.marks.credit.open(threads, || ());
        let mut cells = REGION.cells().iter().map(|(_, _, cell)| cell);
        // An allocation that had its cell, and not yet its thread.
        cells.find(|cell| cell.live().bytes == 1000).expect("it is counted").add(300);
        fork(&REGION, 1, 0, Copied::AtFork);
        let live: usize = threads.iter().map(|(_, slot)| slot.account.live().bytes).sum();
        assert_eq!(live, 1300);
    }

    #[test]
    fn events_that_belong_to_no_thread_are_counted_as_often_as_they_were_lost() {
        type Small = Region<64, 64, 4, 2, 2, 8>;
        static REGION: Small = Region::new();
        static TRACKER: Tracker<(), NoUnwind, crate::Host, Small> =
            Tracker::with((), NoUnwind, crate::Host, &REGION);
        let _kept = TRACKER.on_alloc(Heap::WRAPPED, 0, 1000);
        let losses = &REGION.head().losses;
        // The parent was stopped between the loss and the cell. A full stack table belongs to a thread.
        for cause in [LossCause::Paused, LossCause::Paused, LossCause::NoThread, LossCause::StacksFull] {
            losses.count(cause);
        }
        fork(&REGION, 1, 0, Copied::Later);
        assert_eq!(REGION.cells().unattributed().allocs(), 3);
        fork(&REGION, 1, 0, Copied::Later);
        assert_eq!(REGION.cells().unattributed().allocs(), 3, "they are counted once");
    }
}
