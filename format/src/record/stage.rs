//! Stages, and the peaks of threads in them.

use super::fields;
use crate::field::List;

fields! {
    /// The high-water mark of one thread within a stage.
    ThreadPeak; {
        /// The thread.
        thread: u32,
        /// Its highest live bytes while the stage ran.
        peak: u64,
    }
}

fields! {
    /// A stage: all runs of one name. Sums are over all runs; live, peak and threads are those of the run with
    /// the highest peak.
    record Stage<'a>; {
        /// Its name.
        name: &'a [u8],
        /// How many stages it ran inside of; 0 is outermost.
        depth: u32,
        /// Thread id plus one for a stage of one thread only; 0 for a stage of the whole process.
        scope: u32,
        /// Whether it is still running.
        running: bool,
        /// How many runs have begun.
        runs: u64,
        /// The time of all runs together, in nanoseconds.
        duration_ns: u64,
        /// The begin of the first run, in nanoseconds since the tracker started.
        begin_ns: u64,
        /// The end of the last run, or the time of the snapshot while it runs.
        end_ns: u64,
        /// Allocations while it ran.
        allocs: u64,
        /// Their bytes.
        bytes: u64,
        /// Live bytes when the run began.
        live_before: u64,
        /// Live bytes when it ended.
        live_after: u64,
        /// Highest live bytes of the program while it ran (of the thread, for a stage of one thread).
        peak: u64,
        /// Blocks alive at that moment.
        peak_blocks: u64,
        /// The time of that peak.
        peak_time_ns: u64,
        /// Events lost while it ran.
        lost: u64,
        /// The threads with the highest peaks in the run, highest first. The list is bounded.
        threads: List<'a, ThreadPeak>,
    }
}
