//! Stages: named parts of a program's run that may be nested, with peaks of their own.
//!
//! **Problem.** Each active stage has a peak of its own, and an event has time to raise one.
//!
//! **Idea.** One mark serves all stages. It restarts when a stage begins. Before that, and before a stage ends, its peak is folded
//! into every active stage. So an outer stage's peak is the larger of its own and of the stages' inside it. Stages that end
//! out of order, on different threads, are folded in the same way.
//!
//! # Run
//! A stage from its begin to its end. Runs of one name are summed.
//!
//! # Summary
//! The sums of a name, with the peak of the run with the highest peak.

use crate::table::image::{lies_as, place};
use crate::table::list::List;
use crate::table::name::Name;
use core::mem::offset_of;
use memtrack_format::image::header::Place;
use memtrack_format::image::records;

/// The most active stages at a time.
pub(crate) const MAX_ACTIVE: usize = if cfg!(any(feature = "std", test)) { 16 } else { 4 };
/// The most threads in a summary: those with the highest peaks.
pub(crate) const TOP_THREADS: usize = if cfg!(any(feature = "std", test)) { 8 } else { 4 };

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

/// A stage that is running.
#[repr(C)]
#[derive(Clone)]
pub struct Active<const THREADS: usize> {
    serial: u64,
    name: Name,
    depth: u32,
    begin: Moment,
    peak: Peak,
    threads: [usize; THREADS],
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

lies_as!(
    records::Moment as Moment;
    offset_of!(Moment, time_ns),
    offset_of!(Moment, allocs),
    offset_of!(Moment, bytes),
    offset_of!(Moment, live),
    offset_of!(Moment, lost),
);
lies_as!(
    records::Peak as Peak;
    offset_of!(Peak, bytes),
    offset_of!(Peak, blocks),
    offset_of!(Peak, time_ns),
);
lies_as!(records::ThreadPeak as ThreadPeak; offset_of!(ThreadPeak, thread), offset_of!(ThreadPeak, bytes));
lies_as!(
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

/// Active stages and up to `STAGES` finished names.
#[repr(C)]
pub struct StageTable<const STAGES: usize, const THREADS: usize> {
    serial: u64,
    active: List<Active<THREADS>, MAX_ACTIVE>,
    finished: List<Summary, STAGES>,
}

impl<const THREADS: usize> Active<THREADS> {
    fn summary(&self, now: Moment) -> Summary {
        let mut threads: List<ThreadPeak, TOP_THREADS> = List::new();
        for (thread, &bytes) in self.threads.iter().enumerate().filter(|(_, bytes)| **bytes > 0) {
            let place = threads.iter().position(|other| other.bytes < bytes).unwrap_or(threads.len());
            if threads.is_full() && place < threads.len() {
                threads.pop();
            }
            // A full list has higher peaks.
            let _ = threads.insert(place, ThreadPeak { thread: thread as u16, bytes });
        }
        Summary { threads, ..Summary::of(self.name, self.depth, self.begin, now, self.peak) }
    }
}

impl Summary {
    /// One run, which may still be active.
    fn of(name: Name, depth: u32, begin: Moment, now: Moment, peak: Peak) -> Summary {
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

    fn is_of(&self, other: &Summary) -> bool {
        self.scope == other.scope && self.name.as_bytes() == other.name.as_bytes()
    }

    /// Adds a later run of the same name.
    fn merge(&mut self, run: &Summary) {
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

/// The result of a run that ended.
pub struct Ended {
    /// This run.
    pub(crate) run: Summary,
    /// No earlier run of this name had so high a peak.
    pub(crate) is_highest: bool,
    /// The table was full: a name with a lower peak was dropped, or this one.
    pub(crate) dropped: bool,
}

/// A [`StageTable`] of any size.
pub trait Stages {
    /// Folds the peaks of the mark and of the threads, since its last restart, into every active stage.
    fn fold(&mut self, peak: Peak, threads: impl Fn(usize) -> usize);
    /// A stage begins, after [`fold`](Self::fold) and after the mark has restarted. Returns its serial number; `None` when too
    /// many stages are active.
    fn begin(&mut self, name: &str, now: Moment) -> Option<u64>;
    /// The stage `serial` ends, after [`fold`](Self::fold).
    fn end(&mut self, serial: u64, now: Moment) -> Option<Ended>;
    /// Adds a run that has ended.
    fn add(&mut self, run: Summary) -> Ended;
    /// The active stage that began last.
    fn innermost(&self) -> Option<u64>;
    /// How many finished names there are, and how many fit.
    fn usage(&self) -> (u32, u32);
    /// The stage at `place`, from 0: finished names first, then active runs up to `now`. An active run of a finished name is an
    /// entry of its own.
    fn get(&self, place: usize, now: Moment) -> Option<Summary>;
    /// The same, with all active runs of that name added; `Some(None)` where an earlier place has the name.
    fn by_name(&self, place: usize, now: Moment) -> Option<Option<Summary>>;
}

impl<const STAGES: usize, const THREADS: usize> StageTable<STAGES, THREADS> {
    pub(in crate::table) const FINISHED: Place =
        place(offset_of!(Self, finished), size_of::<Summary>(), STAGES);
    pub(in crate::table) const ACTIVE: Place = {
        lies_as!(
            records::Active, slots THREADS, base 0;
            offset_of!(Active<THREADS>, serial),
            offset_of!(Active<THREADS>, name),
            offset_of!(Active<THREADS>, depth),
            offset_of!(Active<THREADS>, begin),
            offset_of!(Active<THREADS>, peak),
            offset_of!(Active<THREADS>, threads),
        );
        place(offset_of!(Self, active), size_of::<Active<THREADS>>(), MAX_ACTIVE)
    };

    pub(crate) const fn new() -> Self {
        StageTable { serial: 0, active: List::new(), finished: List::new() }
    }

    /// Inserts the first finished run of a name. Returns whether it has a place, and whether a name was dropped.
    fn insert(&mut self, run: &Summary) -> (bool, bool) {
        let Err(run) = self.finished.push(run.clone()) else { return (true, false) };
        match self.finished.iter_mut().min_by_key(|stage| stage.peak.bytes) {
            Some(lowest) if lowest.peak.bytes < run.peak.bytes => {
                *lowest = run;
                (true, true)
            }
            _ => (false, true),
        }
    }
}

impl<const STAGES: usize, const THREADS: usize> Stages for StageTable<STAGES, THREADS> {
    fn fold(&mut self, peak: Peak, threads: impl Fn(usize) -> usize) {
        for stage in self.active.iter_mut() {
            if peak.bytes > stage.peak.bytes {
                stage.peak = peak;
            }
            for (thread, bytes) in stage.threads.iter_mut().enumerate() {
                *bytes = (*bytes).max(threads(thread));
            }
        }
    }

    fn begin(&mut self, name: &str, now: Moment) -> Option<u64> {
        let serial = self.serial + 1;
        let stage = Active {
            serial,
            name: Name::new(name),
            depth: self.active.len() as u32,
            begin: now,
            // The mark has it until the next fold.
            peak: Peak::default(),
            threads: [0; THREADS],
        };
        self.active.push(stage).ok()?;
        self.serial = serial;
        Some(serial)
    }

    fn end(&mut self, serial: u64, now: Moment) -> Option<Ended> {
        let place = self.active.iter().position(|stage| stage.serial == serial)?;
        let mut run = self.active.remove(place).summary(now);
        run.running = false;
        Some(self.add(run))
    }

    fn add(&mut self, run: Summary) -> Ended {
        let (is_highest, dropped) = match self.finished.iter_mut().find(|stage| stage.is_of(&run)) {
            Some(known) => {
                let is_highest = run.peak.bytes > known.peak.bytes;
                known.merge(&run);
                (is_highest, false)
            }
            None => self.insert(&run),
        };
        Ended { run, is_highest, dropped }
    }

    fn usage(&self) -> (u32, u32) {
        (self.finished.len() as u32, STAGES as u32)
    }

    fn innermost(&self) -> Option<u64> {
        self.active.last().map(|stage| stage.serial)
    }

    fn get(&self, place: usize, now: Moment) -> Option<Summary> {
        match self.finished.get(place) {
            Some(finished) => Some(finished.clone()),
            None => self.active.get(place - self.finished.len()).map(|stage| stage.summary(now)),
        }
    }

    fn by_name(&self, place: usize, now: Moment) -> Option<Option<Summary>> {
        let mut stage = self.get(place, now)?;
        let finished = self.finished.len();
        // A finished name is there once; of an active one there may be several runs.
        let earlier = self.finished.iter().take(place).any(|other| other.is_of(&stage))
            || (finished..place).filter_map(|other| self.get(other, now)).any(|other| other.is_of(&stage));
        if earlier {
            return Some(None);
        }
        for run in finished.max(place + 1)..finished + self.active.len() {
            if let Some(run) = self.get(run, now).filter(|run| run.is_of(&stage)) {
                stage.merge(&run);
            }
        }
        Some(Some(stage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Table = StageTable<2, 4>;

    fn at(time_ns: u64, live: usize) -> Moment {
        Moment { time_ns, live, ..Moment::default() }
    }

    fn peak(bytes: usize) -> Peak {
        Peak { bytes, blocks: 1, time_ns: 0 }
    }

    #[test]
    fn an_outer_stage_has_the_larger_of_its_own_peak_and_the_inner_ones() {
        let mut table = Table::new();
        let outer = table.begin("outer", at(0, 10)).unwrap();
        table.fold(peak(50), |_| 5);
        let inner = table.begin("inner", at(1, 20)).unwrap();
        table.fold(peak(30), |_| 7);
        let inner = table.end(inner, at(2, 20)).unwrap().run;
        table.fold(peak(40), |_| 6);
        let outer = table.end(outer, at(4, 0)).unwrap().run;
        assert_eq!((inner.peak.bytes, outer.peak.bytes), (30, 50));
        assert_eq!((inner.depth, outer.depth), (1, 0));
        assert_eq!((inner.duration_ns, outer.duration_ns), (1, 4));
        assert_eq!(outer.threads[0].bytes, 7);
    }

    #[test]
    fn runs_of_one_name_are_summed_and_the_highest_kept() {
        let mut table = Table::new();
        for (run, high) in [5, 9, 7].into_iter().enumerate() {
            let serial = table.begin("s", at(run as u64 * 10, run)).unwrap();
            table.fold(peak(high), |_| 0);
            let ended = table.end(serial, at(run as u64 * 10 + 3, 0)).unwrap();
            assert_eq!(ended.is_highest, run < 2);
        }
        let stage = table.get(0, at(99, 0)).unwrap();
        assert_eq!((stage.runs, stage.duration_ns, stage.peak.bytes, stage.live_before), (3, 9, 9, 1));
        assert!(table.get(1, at(99, 0)).is_none());
    }

    #[test]
    fn runs_that_go_on_are_told_with_their_name() {
        let mut table = Table::new();
        let first = table.begin("s", at(0, 1)).unwrap();
        table.fold(peak(5), |_| 0);
        table.end(first, at(10, 2)).unwrap();
        for name in ["s", "other", "s"] {
            table.begin(name, at(20, 3)).unwrap();
        }
        table.fold(peak(9), |_| 0);
        let names: std::vec::Vec<_> = (0..)
            .map_while(|place| table.by_name(place, at(30, 4)))
            .map(|stage| {
                stage
                    .map(|stage| (stage.name.as_str().len(), stage.runs, stage.duration_ns, stage.peak.bytes))
            })
            .collect();
        assert_eq!(names, [Some((1, 3, 30, 9)), None, Some((5, 1, 10, 9)), None]);
    }

    #[test]
    fn the_lowest_peak_makes_room() {
        let mut table = Table::new();
        let dropped: std::vec::Vec<bool> = [("a", 5), ("b", 9), ("c", 7), ("d", 1)]
            .map(|(name, high)| {
                let serial = table.begin(name, at(0, 0)).unwrap();
                table.fold(peak(high), |_| 0);
                table.end(serial, at(1, 0)).unwrap().dropped
            })
            .into();
        assert_eq!(dropped, [false, false, true, true]);
        let kept: std::vec::Vec<_> = (0..2).map(|i| table.get(i, at(1, 0)).unwrap().peak.bytes).collect();
        assert_eq!(kept, [7, 9]);
    }
}
