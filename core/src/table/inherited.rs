//! What a forked process has from its parent.
//!
//! The child begins with a copy of the parent's tables. Its thread takes a new slot; those that were there are
//! *inherited*. What belongs to no thread of its own (events of nobody, losses) goes on in the child, so what it was at
//! the fork is kept here.

use super::account::Account;
use super::losses::Losses;
use super::peak::{Epochs, Mark};
use super::region::Tables;
use super::threads::{OVERFLOW, UNATTRIBUTED};
use crate::counter::Counter;
use crate::sync::*;
use memtrack_format::{Figures, Fork, List, LossCause, Lost};

/// All-zero in a process that was not forked since its tracker started.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Inherited {
    /// The process that was forked.
    parent: AtomicU32,
    time: Counter,
    failed: Counter,
    /// Of the threads that have no slot to themselves.
    shared: [[Counter; FIGURES]; 2],
    losses: [Counter; LossCause::ALL.len()],
}

const FIGURES: usize = 8;

/// When the tables were copied that a child begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    AtFork,
    /// At the child's first event: the parent has gone on.
    Later,
}

impl Inherited {
    /// The record for a dump, given to `with`; nothing in a process that was not forked.
    pub(crate) fn record<T>(&self, with: impl FnOnce(&Fork<'_>) -> T) -> Option<T> {
        let parent = self.parent.load(Acquire);
        if parent == 0 {
            return None;
        }
        let mut lost = [Lost::default(); LossCause::ALL.len()];
        let known = LossCause::ALL.iter().zip(&self.losses).filter(|(_, events)| events.get() > 0);
        let count = lost
            .iter_mut()
            .zip(known)
            .map(|(to, (&cause, events))| *to = Lost { cause, events: events.get() })
            .count();
        let [unattributed, overflow] = self.shared.each_ref().map(figures);
        Some(with(&Fork {
            parent,
            time_ns: self.time.get(),
            failed_allocs: self.failed.get(),
            unattributed,
            overflow,
            losses: List::Items(&lost[..count]),
        }))
    }
}

fn figures(from: &[Counter; FIGURES]) -> Figures {
    let [allocs, bytes, live, live_blocks, peak, peak_blocks, temporary, reallocs] =
        from.each_ref().map(Counter::get);
    Figures { allocs, bytes, live, live_blocks, peak, peak_blocks, temporary, reallocs }
}

fn keep(to: &[Counter; FIGURES], of: &Account, epochs: &Epochs) {
    let of = of.figures(epochs, Mark::Program);
    let values =
        [of.allocs, of.bytes, of.live, of.live_blocks, of.peak, of.peak_blocks, of.temporary, of.reallocs];
    to.iter().zip(values).for_each(|(to, value)| to.set(value));
}

/// In a forked child, whose one thread is in no event: settles what other threads were in the middle of, or the parent when
/// the tables were copied while it ran on, and marks everything as inherited from `parent`, `time` nanoseconds after the
/// tracker's start.
pub(crate) fn fork<R: Tables>(region: &R, parent: u32, time: u64, copied: Copied) {
    let (head, threads) = (region.head(), region.threads());
    let is_whole = copied == Copied::AtFork && head.marks.credit.is_alone();
    threads.forked();
    if !is_whole {
        settle(region);
    }
    head.marks.forked((threads.live_bytes() as isize).max(0) as usize, threads);
    let inherited = &head.inherited;
    for (to, slot) in inherited.shared.iter().zip([UNATTRIBUTED, OVERFLOW]) {
        keep(to, &threads.get(slot).account, &head.marks.epochs);
    }
    inherited.losses.iter().for_each(|counter| counter.set(0));
    for (cause, events) in head.losses.iter() {
        if let Some(counter) = inherited.losses.get(usize::from(cause.code())) {
            counter.set(events);
        }
    }
    inherited.failed.set(head.failed.get());
    inherited.time.set(time);
    inherited.parent.store(parent, Release);
}

/// A cell is changed before its thread. What a thread of the parent had booked on the first alone, it books on the
/// second in the parent only: here a thread has what its cells have.
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

/// Events that were counted as lost to causes which leave them to nobody.
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
    use crate::tracker::Heap;
    use crate::{NoUnwind, Region, Tracker};

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
        cells.find(|cell| cell.live().bytes == 1000).expect("it is booked").add(300);
        fork(&REGION, 1, 0, Copied::AtFork);
        let live: usize = threads.iter().map(|(_, slot)| slot.account.live().bytes).sum();
        assert_eq!(live, 1300);
    }
}
