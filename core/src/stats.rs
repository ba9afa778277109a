//! The figures that a program gets of itself. Bytes are the sizes that it asked for.

use crate::limits::TOP_THREADS;
use crate::table::list::List;
use crate::table::name::Name;
use crate::table::peak::summary::{Summary, ThreadPeak};
use memtrack_format::Figures;

/// The figures of the program, or of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes alive.
    pub live_bytes: u64,
    /// Blocks alive.
    pub live_blocks: u64,
    /// The highest live bytes since the last reset.
    pub peak_bytes: u64,
    /// Blocks alive at that peak.
    pub peak_blocks: u64,
    /// Bytes of all allocations so far, reallocations included.
    pub total_bytes: u64,
    /// Allocations so far, reallocations included.
    pub total_allocs: u64,
    /// Frees so far, reallocations included.
    pub total_frees: u64,
    /// Reallocations so far.
    pub reallocs: u64,
    /// Blocks that their thread freed as its very next heap event.
    pub temporary: u64,
    /// Allocations and reallocations that the inner allocator refused. 0 for a thread: only the program counts them.
    pub failed_allocs: u64,
}

impl Stats {
    pub(crate) fn new(figures: &Figures, peak_bytes: u64, peak_blocks: u64, failed_allocs: u64) -> Self {
        Stats {
            live_bytes: figures.live,
            live_blocks: figures.live_blocks,
            peak_bytes,
            peak_blocks,
            total_bytes: figures.bytes,
            total_allocs: figures.allocs,
            total_frees: figures.allocs.saturating_sub(figures.live_blocks),
            reallocs: figures.reallocs,
            temporary: figures.temporary,
            failed_allocs,
        }
    }
}

/// A thread, or several threads of one name that ran one after another.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ThreadStats {
    /// Its id in dumps. 0 has the events of no known thread, 1 those of threads that found no slot left.
    pub id: u32,
    /// The system's id; of several threads, that of the last one.
    pub os_id: u64,
    /// Whether it has ended.
    pub exited: bool,
    /// The number of threads with these figures.
    pub count: u32,
    /// Its figures; `peak_bytes` is its own peak.
    pub stats: Stats,
    /// Its live bytes at the program's peak.
    pub at_program_peak: u64,
    pub(crate) name: [u8; 16],
}

impl ThreadStats {
    /// Its name; empty when it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        let end = self.name.iter().position(|&byte| byte == 0).unwrap_or(self.name.len());
        match core::str::from_utf8(&self.name[..end]) {
            Ok(name) => name,
            // The system cuts names at a byte, which may be inside a character.
            Err(error) => core::str::from_utf8(&self.name[..error.valid_up_to()]).unwrap_or(""),
        }
    }
}

/// A stage: all its runs, or those of one thread for a stage of a thread. Sums are over all runs. Live and peak are those of
/// the run with the highest peak.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StageStats {
    /// The thread of a stage of one thread: its id in [`ThreadStats`].
    pub thread: Option<u32>,
    /// The number of stages around it.
    pub depth: u32,
    /// Whether it is still running.
    pub running: bool,
    /// The number of runs that have begun.
    pub runs: u64,
    /// The time of all runs together, in nanoseconds.
    pub duration_ns: u64,
    /// Allocations while it ran.
    pub allocs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Live bytes when the run began.
    pub live_before: u64,
    /// Live bytes when it ended, or now.
    pub live_after: u64,
    /// The highest live bytes of the program (or of its thread) while it ran.
    pub peak_bytes: u64,
    /// Blocks alive at that moment.
    pub peak_blocks: u64,
    /// The time of that peak, in nanoseconds since the tracker started. 0 without a clock, and for a stage of one thread when no
    /// file collects its cells.
    pub peak_time_ns: u64,
    /// Events lost while it ran.
    pub lost: u64,
    pub(crate) name: Name,
    pub(crate) threads: List<ThreadPeak, TOP_THREADS>,
}

impl StageStats {
    pub(crate) fn new(stage: Summary) -> Self {
        StageStats {
            thread: stage.scope.checked_sub(1),
            depth: stage.depth,
            running: stage.running,
            runs: stage.runs,
            duration_ns: stage.duration_ns,
            allocs: stage.allocs,
            bytes: stage.bytes,
            live_before: stage.live_before as u64,
            live_after: stage.live_after as u64,
            peak_bytes: stage.peak.bytes as u64,
            peak_blocks: stage.peak.blocks as u64,
            peak_time_ns: stage.peak.time_ns,
            lost: stage.lost,
            name: stage.name,
            threads: stage.threads,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The threads with the highest peaks while it ran, highest first: id and bytes.
    pub fn thread_peaks(&self) -> impl Iterator<Item = (u32, u64)> {
        self.threads.iter().map(|peak| (u32::from(peak.thread), peak.bytes as u64))
    }
}
