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

use super::summary::{Moment, Peak, Summary, ThreadPeak};
use crate::limits::{MAX_ACTIVE, TOP_THREADS};
use crate::table::image::{assert_layout, place};
use crate::table::list::List;
use crate::table::name::Name;
use core::mem::offset_of;
use memtrack_format::image::header::Place;
use memtrack_format::image::records;

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
        assert_layout!(
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
mod tests;
