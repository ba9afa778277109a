//! The process that a snapshot is of: what tells its trackers apart, and what it inherited when it was forked.

use super::code::LossCause;
use super::fields;
use super::figures::Figures;
use crate::field::List;

fields! {
    /// What identifies the process and the tracker of a snapshot, besides [`Target`](crate::Target).
    record Process; {
        /// When the process began, in a unit of its system that survives `exec` (Linux: clock ticks since boot); 0 when
        /// unknown.
        started: u64,
        /// A number that a process gets anew at each `exec`: trackers with the same one were there together. 0 when
        /// unknown.
        image: u32,
        /// The address of the tracker, which is unique in the process; 0 in the mark that a program leaves when it
        /// begins a file.
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
    /// What a forked process has from its parent, whose own dump has it too. Threads of
    /// [`ThreadState::Inherited`](crate::ThreadState::Inherited) are inherited as a whole.
    record Fork<'a>; {
        /// The process that was forked.
        parent: u32,
        /// When, in nanoseconds since the tracker started.
        time_ns: u64,
        /// Allocations that had failed.
        failed_allocs: u64,
        /// Figures of the unattributed thread then.
        unattributed: Figures,
        /// Figures of the threads without a slot then.
        overflow: Figures,
        /// Events that had been lost.
        losses: List<'a, Lost>,
    }
}
