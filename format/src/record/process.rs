//! The process of a snapshot: its identity, and the figures that a forked process inherited.

use super::code::LossCause;
use super::fields;
use super::figures::Figures;
use crate::field::List;

fields! {
    /// The identity of the process and the tracker of a snapshot, together with [`Target`](crate::Target).
    record Process; {
        /// When the process began, in a unit of its system that survives `exec` (Linux: clock ticks since boot); 0 when
        /// unknown.
        started: u64,
        /// A number that changes at each `exec`: trackers of one number were in the process together. 0 when unknown.
        image: u32,
        /// The address of the tracker, which is unique in the process; 0 in the mark that begins a file.
        tracker: u64,
    }
}

fields! {
    /// Events lost to one cause before the fork.
    Lost; {
        /// The cause.
        cause: LossCause,
        /// How often.
        events: u64,
    }
}

fields! {
    /// The figures that a forked process has from its parent, whose own dump has them, too. Threads of
    /// [`ThreadState::Inherited`](crate::ThreadState::Inherited) are inherited as a whole.
    record Fork<'a>; {
        /// The parent's process id.
        parent: u32,
        /// The time of the fork, in nanoseconds since the tracker started.
        time_ns: u64,
        /// Failed allocations before the fork.
        failed_allocs: u64,
        /// Figures of the unattributed thread before the fork.
        unattributed: Figures,
        /// Figures of the threads without a slot before the fork.
        overflow: Figures,
        /// Events lost before the fork.
        losses: List<'a, Lost>,
    }
}
