//! The peak that a snapshot shows, and the threads in it.

use crate::table::account::{Account, Held};
use crate::table::peak::{Mark, Marks};
use memtrack_format::Figures;

/// The peak that a snapshot shows.
#[derive(Clone, Copy)]
pub(crate) enum At<'r> {
    Mark(Mark),
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "it keeps no cells for threads"))]
    Span(Span<'r>),
}

/// A single thread, with the figures that its cells had at a peak of its own.
#[derive(Clone, Copy)]
pub(crate) struct Span<'r> {
    pub(crate) thread: u16,
    pub(crate) held: &'r dyn Fn(u32, &Account) -> Held,
    /// Without `std` no value of this type exists, so a firmware has no code for it.
    #[cfg(not(feature = "std"))]
    pub(crate) _never: core::convert::Infallible,
}

impl At<'_> {
    /// A mark for the figures apart from the peak: these are the same at both marks.
    pub(super) fn mark(self) -> Mark {
        match self {
            At::Mark(mark) => mark,
            At::Span(_) => Mark::Stage,
        }
    }

    /// Whether the snapshot has a thread.
    pub(super) fn shows(self, thread: u16) -> bool {
        match self {
            At::Mark(_) => true,
            At::Span(span) => span.thread == thread,
        }
    }

    /// The figures of a cell at the peak.
    pub(super) fn held(self, id: u32, cell: &Account, marks: &Marks) -> Held {
        match self {
            At::Mark(mark) => cell.held(&marks.epochs, mark).settled(),
            At::Span(span) => (span.held)(id, cell),
        }
    }
}

pub(super) fn with_peak(figures: Figures, held: Held) -> Figures {
    Figures { peak: held.bytes as u64, peak_blocks: u64::from(held.blocks), ..figures }
}
