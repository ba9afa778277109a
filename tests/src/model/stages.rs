//! The stages of the reference model.

use super::Peak;
use crate::script::THREADS;

/// Totals of the program at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    pub allocs: u64,
    pub bytes: u64,
    pub live: Peak,
}

/// A stage: the sum of its finished runs, or one run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The number of its name.
    pub name: u8,
    /// The number of stages that it is nested in.
    pub depth: u32,
    /// Whether it is running.
    pub running: bool,
    /// Runs.
    pub runs: u64,
    /// Allocations of all runs.
    pub allocs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Live bytes at the start of the run with the highest peak.
    pub before: u64,
    /// Live bytes at the end of that run.
    pub after: u64,
    /// The peak of that run.
    pub peak: Peak,
    /// The peak of each thread in that run.
    pub threads: [u64; THREADS],
}

struct Running {
    name: u8,
    depth: u32,
    begin: Moment,
    peak: Peak,
    threads: [u64; THREADS],
}

impl Running {
    fn stage(&self, now: Moment, running: bool) -> Stage {
        Stage {
            name: self.name,
            depth: self.depth,
            running,
            runs: 1,
            allocs: now.allocs - self.begin.allocs,
            bytes: now.bytes - self.begin.bytes,
            before: self.begin.live.bytes,
            after: now.live.bytes,
            peak: self.peak,
            threads: self.threads,
        }
    }
}

#[derive(Default)]
pub(super) struct Stages {
    finished: Vec<Stage>,
    running: Vec<Running>,
}

impl Stages {
    pub(super) fn begin(&mut self, name: u8, now: Moment, lives: [Peak; THREADS]) {
        let depth = self.running.len() as u32;
        let threads = lives.map(|live| live.bytes);
        self.running.push(Running { name, depth, begin: now, peak: now.live, threads });
    }

    pub(super) fn end_last(&mut self, now: Moment) {
        self.end(self.running.len().saturating_sub(1), now);
    }

    pub(super) fn end(&mut self, stage: usize, now: Moment) {
        if self.running.is_empty() {
            return;
        }
        let run = self.running.remove(stage % self.running.len()).stage(now, false);
        match self.finished.iter_mut().find(|known| known.name == run.name) {
            Some(known) => {
                let highest = if run.peak.bytes > known.peak.bytes { run.clone() } else { known.clone() };
                let (runs, allocs, bytes) =
                    (known.runs + 1, known.allocs + run.allocs, known.bytes + run.bytes);
                *known = Stage { runs, allocs, bytes, ..highest };
            }
            None => self.finished.push(run),
        }
    }

    pub(super) fn rise(&mut self, live: Peak, lives: [Peak; THREADS]) {
        for stage in &mut self.running {
            stage.peak.rise(live);
            for (peak, live) in stage.threads.iter_mut().zip(lives) {
                *peak = live.bytes.max(*peak);
            }
        }
    }

    pub(super) fn all(&self, now: Moment) -> Vec<Stage> {
        let running = self.running.iter().map(|stage| stage.stage(now, true));
        self.finished.iter().cloned().chain(running).collect()
    }
}
