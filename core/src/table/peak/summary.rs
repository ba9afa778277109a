//! The summary of a stage: the sums of all runs of one name, with the peak of the run with the highest peak.

use crate::limits::TOP_THREADS;
use crate::table::image::assert_layout;
use crate::table::list::List;
use crate::table::name::Name;
use core::mem::offset_of;
use memtrack_format::image::records;

/// Totals of the program at one moment.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub(crate) time_ns: u64,
    pub(crate) allocs: u64,
    pub(crate) bytes: u64,
    pub(crate) live: usize,
    pub(crate) lost: u64,
}

/// A peak: its bytes, the blocks at that moment, and the time.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    pub(crate) bytes: usize,
    pub(crate) blocks: usize,
    pub(crate) time_ns: u64,
}

/// A thread's peak.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadPeak {
    pub(crate) thread: u16,
    pub(crate) bytes: usize,
}

/// All runs of one name; for a stage of one thread, all runs of that thread.
#[repr(C)]
#[derive(Clone)]
pub struct Summary {
    pub(crate) name: Name,
    /// For a stage of one thread, its number plus one; 0 for a stage of the process.
    pub(crate) scope: u32,
    pub(crate) depth: u32,
    pub(crate) running: bool,
    pub(crate) runs: u64,
    pub(crate) duration_ns: u64,
    pub(crate) begin_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) allocs: u64,
    pub(crate) bytes: u64,
    pub(crate) lost: u64,
    pub(crate) live_before: usize,
    pub(crate) live_after: usize,
    pub(crate) peak: Peak,
    pub(crate) threads: List<ThreadPeak, TOP_THREADS>,
}

assert_layout!(
    records::Moment as Moment;
    offset_of!(Moment, time_ns),
    offset_of!(Moment, allocs),
    offset_of!(Moment, bytes),
    offset_of!(Moment, live),
    offset_of!(Moment, lost),
);
assert_layout!(
    records::Peak as Peak;
    offset_of!(Peak, bytes),
    offset_of!(Peak, blocks),
    offset_of!(Peak, time_ns),
);
assert_layout!(records::ThreadPeak as ThreadPeak; offset_of!(ThreadPeak, thread), offset_of!(ThreadPeak, bytes));
assert_layout!(
    records::Stage as Summary;
    offset_of!(Summary, name),
    offset_of!(Summary, scope),
    offset_of!(Summary, depth),
    offset_of!(Summary, running),
    offset_of!(Summary, runs),
    offset_of!(Summary, duration_ns),
    offset_of!(Summary, begin_ns),
    offset_of!(Summary, end_ns),
    offset_of!(Summary, allocs),
    offset_of!(Summary, bytes),
    offset_of!(Summary, lost),
    offset_of!(Summary, live_before),
    offset_of!(Summary, live_after),
    offset_of!(Summary, peak),
    offset_of!(Summary, threads),
    offset_of!(Summary, threads) + List::<ThreadPeak, TOP_THREADS>::ITEMS,
);

impl Summary {
    /// One run, which may still be active.
    pub(super) fn of(name: Name, depth: u32, begin: Moment, now: Moment, peak: Peak) -> Summary {
        Summary {
            name,
            scope: 0,
            depth,
            running: true,
            runs: 1,
            duration_ns: now.time_ns.saturating_sub(begin.time_ns),
            begin_ns: begin.time_ns,
            end_ns: now.time_ns,
            allocs: now.allocs.saturating_sub(begin.allocs),
            bytes: now.bytes.saturating_sub(begin.bytes),
            lost: now.lost.saturating_sub(begin.lost),
            live_before: begin.live,
            live_after: now.live,
            peak,
            threads: List::new(),
        }
    }

    /// A run of a stage of one thread, which has ended.
    pub(crate) fn of_thread(
        name: Name,
        thread: u16,
        depth: u32,
        begin: Moment,
        now: Moment,
        peak: Peak,
    ) -> Summary {
        let mut threads = List::new();
        // The empty list has room for one.
        let _ = threads.push(ThreadPeak { thread, bytes: peak.bytes });
        Summary {
            scope: u32::from(thread) + 1,
            running: false,
            threads,
            ..Summary::of(name, depth, begin, now, peak)
        }
    }

    pub(super) fn is_of(&self, other: &Summary) -> bool {
        self.scope == other.scope && self.name.as_bytes() == other.name.as_bytes()
    }

    /// Adds a later run of the same name.
    pub(super) fn merge(&mut self, run: &Summary) {
        self.runs = self.runs.wrapping_add(run.runs);
        self.duration_ns = self.duration_ns.wrapping_add(run.duration_ns);
        self.begin_ns = self.begin_ns.min(run.begin_ns);
        self.end_ns = self.end_ns.max(run.end_ns);
        self.allocs = self.allocs.wrapping_add(run.allocs);
        self.bytes = self.bytes.wrapping_add(run.bytes);
        self.lost = self.lost.wrapping_add(run.lost);
        self.running |= run.running;
        if run.peak.bytes > self.peak.bytes {
            self.live_before = run.live_before;
            self.live_after = run.live_after;
            self.peak = run.peak;
            self.depth = run.depth;
            self.threads = run.threads.clone();
        }
    }
}
