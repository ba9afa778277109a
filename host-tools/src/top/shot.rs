//! The content of a recording at one time.

use std::collections::HashMap;

use memtrack_format::{Figures, Kind, Marks, TimePoint};

use super::names::Names;
use crate::profile::{Metric, Profile, Program, Stage, Thread};
use crate::reader::Dump;
use crate::symbolize::Options;
use crate::{Error, loss};

/// The number of stacks in a shot: the tallest terminal shows fewer.
const STACKS: usize = 100;
/// The most causes of losses on a line.
const LOSSES: usize = 2;

/// A stack and its value, summed over all threads.
pub struct Stack {
    /// Its functions, innermost first.
    pub names: Vec<String>,
    /// The metric's value.
    pub value: u64,
}

/// All data that the screen shows.
pub struct Shot {
    /// The program.
    pub program: Program,
    /// Whether the program runs.
    pub running: bool,
    /// Nanoseconds since the tracker started.
    pub time_ns: u64,
    /// Figures of the whole program.
    pub marks: Marks,
    /// The metric of the values below.
    pub metric: Metric,
    /// Threads.
    pub threads: Vec<Thread>,
    /// Stages.
    pub stages: Vec<Stage>,
    /// The stacks with the largest values.
    pub stacks: Vec<Stack>,
    /// The number of all stacks.
    pub all_stacks: usize,
    /// The sum of the metric over all stacks.
    pub total: u64,
    /// Live bytes over time.
    pub timeline: Vec<TimePoint>,
    /// The losses, on one line.
    pub losses: Option<String>,
}

impl Shot {
    pub(super) fn new(
        dump: &Dump<'_>,
        running: bool,
        metric: Metric,
        names: &mut Names,
        options: &Options,
    ) -> Result<Shot, Error> {
        let snapshot = dump.snapshot(0);
        let mut sums: HashMap<u32, u64> = HashMap::new();
        for cell in &snapshot.cells {
            let sum = sums.entry(cell.stack).or_default();
            *sum = sum.saturating_add(metric.of(&cell.figures));
        }
        let total = sums.values().fold(0u64, |total, &value| total.saturating_add(value));
        let mut stacks: Vec<(u32, u64)> = sums.into_iter().filter(|&(_, value)| value > 0).collect();
        stacks.sort_by_key(|&(stack, value)| (std::cmp::Reverse(value), stack));
        let all_stacks = stacks.len();
        stacks.truncate(STACKS);
        let wanted: Vec<u32> = stacks.iter().map(|&(stack, _)| stack).collect();
        names.learn(dump.snapshot(0), &wanted, options)?;
        let stacks = stacks
            .into_iter()
            .map(|(stack, value)| Stack { names: names.of(stack).to_vec(), value })
            .collect();
        // The stacks have their names now, and the rest needs none.
        let profile = Profile::new(snapshot, Kind::Program, &Options { names: false, ..Options::default() })?;
        Ok(Shot {
            running,
            time_ns: profile.time_ns,
            marks: profile.marks.unwrap_or_default(),
            metric,
            stacks,
            all_stacks,
            total,
            losses: loss::summary(&profile.losses, LOSSES),
            program: profile.program,
            threads: profile.threads,
            stages: profile.stages,
            timeline: profile.timeline,
        })
    }

    /// Allocations and bytes per second since an earlier shot.
    pub(super) fn rates_since(&self, before: &Shot) -> Option<[f64; 2]> {
        let seconds = self.time_ns.checked_sub(before.time_ns).filter(|&ns| ns > 0)? as f64 / 1e9;
        let more =
            |of: fn(&Figures) -> u64| of(&self.marks.figures).saturating_sub(of(&before.marks.figures));
        Some([more(|of| of.allocs), more(|of| of.bytes)].map(|more| more as f64 / seconds))
    }
}
