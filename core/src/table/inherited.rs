//! The figures that a forked process has from its parent.
//!
//! The child begins with a copy of the parent's tables. Its thread takes a new slot; the slots that were in use are
//! *inherited*. Figures that belong to no thread of its own (unattributed events, losses) go on in the child, so their
//! values at the fork are copied here, and a reader of both processes counts them once.

use super::account::Account;
use super::losses::{CAUSES, Losses, events};
use super::peak::{Epochs, Mark};
use super::threads::{OVERFLOW, Threads, UNATTRIBUTED};
use crate::counter::Counter;
use crate::sync::*;
use memtrack_format::{Figures, Fork, List, LossCause, Lost};

/// All-zero in a process that was not forked since its tracker started.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Inherited {
    /// The parent's process id.
    parent: AtomicU32,
    time: Counter,
    failed: Counter,
    /// The figures of the two shared slots.
    shared: [[Counter; FIGURES]; 2],
    losses: [Counter; CAUSES],
}

const FIGURES: usize = 8;

impl Inherited {
    /// In a forked child: copies the parent's figures, `time` nanoseconds after the tracker's start.
    pub(super) fn begin(
        &self,
        parent: u32,
        time: u64,
        failed: u64,
        epochs: &Epochs,
        threads: Threads<'_>,
        losses: &Losses,
    ) {
        for (to, slot) in self.shared.iter().zip([UNATTRIBUTED, OVERFLOW]) {
            copy(to, &threads.get(slot).account, epochs);
        }
        self.losses.iter().for_each(|counter| counter.set(0));
        for (cause, events) in losses.iter() {
            if let Some(counter) = self.losses.get(usize::from(cause.code())) {
                counter.set(events);
            }
        }
        self.failed.set(failed);
        self.time.set(time);
        self.parent.store(parent, Release);
    }

    /// Calls `with` with the record for a dump, in a process that was forked.
    pub(crate) fn record<T>(&self, with: impl FnOnce(&Fork<'_>) -> T) -> Option<T> {
        let parent = self.parent.load(Acquire);
        if parent == 0 {
            return None;
        }
        let mut lost = [Lost::default(); LossCause::ALL.len()];
        let all = LossCause::ALL.iter().map(|&cause| Lost { cause, events: events(&self.losses, cause) });
        let known = all.filter(|lost| lost.events > 0);
        let count = lost.iter_mut().zip(known).map(|(to, lost)| *to = lost).count();
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

fn copy(to: &[Counter; FIGURES], of: &Account, epochs: &Epochs) {
    let of = of.figures(epochs, Mark::Program);
    let values =
        [of.allocs, of.bytes, of.live, of.live_blocks, of.peak, of.peak_blocks, of.temporary, of.reallocs];
    to.iter().zip(values).for_each(|(to, value)| to.set(value));
}
