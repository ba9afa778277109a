//! Losses: events that could not be attributed in full, counted by cause.

use crate::counter::Counter;
use memtrack_format::LossCause;

/// The number of counters: a cause's number is the index of its counter.
pub(super) const CAUSES: usize = LossCause::END;

/// The events of a cause, of a counter for each.
pub(super) fn events(counts: &[Counter; CAUSES], cause: LossCause) -> u64 {
    counts.get(usize::from(cause.code())).map_or(0, Counter::get)
}

/// A counter for each cause. All-zero is the start.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Losses {
    counts: [Counter; CAUSES],
}

impl Losses {
    /// Counts one event.
    #[cold]
    pub(crate) fn count(&self, cause: LossCause) {
        if let Some(counter) = self.counts.get(usize::from(cause.code())) {
            counter.add_shared(1);
        }
    }

    /// All causes that occurred.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (LossCause, u64)> {
        LossCause::ALL.iter().map(|&cause| (cause, events(&self.counts, cause))).filter(|&(_, n)| n > 0)
    }

    /// All events together.
    pub(crate) fn total(&self) -> u64 {
        self.iter().map(|(_, n)| n).fold(0, u64::wrapping_add)
    }
}
