//! Records about the snapshot and the program as a whole.

use super::code::{Cause, Kind, LossCause};
use super::fields;
use super::figures::Figures;

fields! {
    /// The first record of a snapshot.
    record Snapshot; {
        /// Its subject.
        kind: Kind,
        /// The reason for it.
        cause: Cause,
        /// Counts the snapshots of one process from 0.
        sequence: u32,
        /// Nanoseconds since the tracker started.
        time_ns: u64,
    }
}

fields! {
    /// The capacity of each table, and how much of it is used.
    record Config; {
        /// Stack nodes used.
        nodes: u32,
        /// Stack nodes that fit.
        nodes_capacity: u32,
        /// Cells used.
        cells: u32,
        /// Cells that fit.
        cells_capacity: u32,
        /// Thread slots used.
        threads: u32,
        /// Thread slots that fit.
        threads_capacity: u32,
        /// The most frames of a captured stack.
        max_depth: u32,
        /// Finished stages kept.
        stages: u32,
        /// Finished stages that fit.
        stages_capacity: u32,
        /// Tags used.
        tags: u32,
        /// Tags that fit.
        tags_capacity: u32,
    }
}

fields! {
    /// Figures of the whole program, and its peak.
    record Marks; {
        /// Sums over all cells; `peak` is the program's high-water mark since the last reset.
        figures: Figures,
        /// Blocks freed, by a reallocation included: `allocs` less `live_blocks`.
        frees: u64,
        /// Allocations and reallocations that the inner allocator refused.
        failed_allocs: u64,
        /// The time of the peak, in nanoseconds since the tracker started.
        peak_time_ns: u64,
        /// The most bytes by which the peak may be above the true one: 0 when it is exact.
        peak_error: u64,
        /// The difference between the peak and the sum of `peak` over the cells, in bytes, without a sign.
        mark_error: u64,
    }
}

impl Marks {
    /// The sum of both, with the time of this one's peak.
    #[must_use]
    pub fn plus(self, other: &Marks) -> Marks {
        Marks {
            figures: self.figures.plus(other.figures),
            frees: self.frees.saturating_add(other.frees),
            failed_allocs: self.failed_allocs.saturating_add(other.failed_allocs),
            peak_time_ns: self.peak_time_ns,
            peak_error: self.peak_error.saturating_add(other.peak_error),
            mark_error: self.mark_error.saturating_add(other.mark_error),
        }
    }
}

fields! {
    /// The name of a tag.
    record TagName<'a>; {
        /// Its id, from 1.
        id: u32,
        /// The tag that it was pushed under, 0 for none.
        parent: u32,
        /// Its name.
        name: &'a [u8],
    }
}

fields! {
    /// The name of a heap whose blocks the program reports by calls (an arena, device memory).
    record Heap<'a>; {
        /// Its id, from 1; 0 is the wrapped allocator.
        id: u32,
        /// Its name.
        name: &'a [u8],
    }
}

fields! {
    /// Live bytes at one moment.
    record TimePoint; {
        /// Nanoseconds since the tracker started.
        time_ns: u64,
        /// The highest live bytes since the point before.
        high: u64,
        /// Live bytes at that time.
        live: u64,
    }
}

fields! {
    /// Events that could not be attributed in full, by cause.
    record Loss; {
        /// The cause.
        cause: LossCause,
        /// How often.
        events: u64,
    }
}

fields! {
    /// The last record of a complete snapshot.
    record Done; {
        /// Sections before this one.
        sections: u64,
    }
}
