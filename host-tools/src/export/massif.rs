//! massif's format, for `ms_print` and massif-visualizer: the timeline, with trees of the memory that was alive at the peak
//! and at the end.

use std::io::{self, Write};

use crate::profile::stacks::Row;
use crate::profile::{Metric, Profile, Stacks, Step};

/// Smaller places are added up, as in massif itself.
const MIN_PERCENT: f64 = 1.0;

/// The largest depth of a tree. The default of valgrind is 30.
const MAX_DEPTH: usize = 100;

/// A moment of the run.
struct Moment {
    time_ns: u64,
    bytes: u64,
    /// The kind of its tree in massif, and the metric of that tree.
    tree: Option<(&'static str, Metric)>,
}

/// Writes the file. The innermost frames of `stacks` are at the root.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(
    stacks: &Stacks<'_>,
    profile: &Profile,
    min_percent: Option<f64>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let share = min_percent.unwrap_or(MIN_PERCENT);
    let program = &profile.program;
    writeln!(out, "desc: memtrack, frames below {share:.2}% summed up")?;
    writeln!(out, "cmd: {}", if program.command.is_empty() { &program.name } else { &program.command })?;
    writeln!(out, "time_unit: ms")?;
    let rows: Vec<Stack<'_>> = stacks.rows().iter().map(|row| (stacks.steps(row), row)).collect();
    for (index, moment) in moments(stacks, profile).iter().enumerate() {
        writeln!(out, "#-----------\nsnapshot={index}\n#-----------")?;
        writeln!(out, "time={}\nmem_heap_B={}", moment.time_ns / 1_000_000, moment.bytes)?;
        writeln!(out, "mem_heap_extra_B=0\nmem_stacks_B=0")?;
        let Some((kind, metric)) = moment.tree else {
            writeln!(out, "heap_tree=empty")?;
            continue;
        };
        writeln!(out, "heap_tree={kind}")?;
        let tree = Tree { stacks, metric, least: moment.bytes as f64 * share / 100.0, share };
        tree.write(&rows, "(heap allocations) tracked by memtrack", 0, out)?;
    }
    Ok(())
}

/// The points of the timeline, the peak and the end, by time.
fn moments(stacks: &Stacks<'_>, profile: &Profile) -> Vec<Moment> {
    let (peak, end) = (stacks.total(Metric::Peak), stacks.total(Metric::Live));
    let peak_time = profile.marks.map_or(0, |marks| marks.peak_time_ns);
    let end_time = profile.time_ns.max(peak_time);
    let start = Moment { time_ns: 0, bytes: 0, tree: None };
    let mut moments = vec![start];
    let points = profile.timeline.iter().filter(|point| point.time_ns <= end_time);
    // The timeline is of the whole program: it may be above the peak of a view that shows a part.
    moments.extend(points.map(|point| Moment {
        time_ns: point.time_ns,
        bytes: point.live.min(peak),
        tree: None,
    }));
    moments.push(Moment { time_ns: peak_time, bytes: peak, tree: Some(("peak", Metric::Peak)) });
    moments.sort_by_key(|moment| moment.time_ns);
    moments.push(Moment { time_ns: end_time, bytes: end, tree: Some(("detailed", Metric::Live)) });
    moments
}

/// A stack with its steps.
type Stack<'s> = (Vec<Step>, &'s Row);

/// The memory that was alive at a moment.
struct Tree<'s> {
    stacks: &'s Stacks<'s>,
    metric: Metric,
    /// Places with fewer bytes are added up.
    least: f64,
    /// The same, in percent.
    share: f64,
}

impl Tree<'_> {
    /// Writes a frame, then its callers, the largest first, and one line for all small ones. `rows` are the stacks that have
    /// the frame. They are sorted by names, so those of one caller are neighbours.
    fn write(&self, rows: &[Stack<'_>], name: &str, depth: usize, out: &mut dyn Write) -> io::Result<()> {
        let mut callers: Vec<(u64, &[Stack<'_>])> = Vec::new();
        if depth < MAX_DEPTH {
            let caller = |(steps, _): &Stack<'_>| steps.get(depth).map(|step| step.label);
            let groups = rows.chunk_by(|a, b| caller(a) == caller(b));
            let known = groups.filter(|group| group.first().is_some_and(|row| caller(row).is_some()));
            callers.extend(known.map(|group| (self.bytes(group), group)).filter(|(bytes, _)| *bytes > 0));
        }
        callers.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let shown = callers.partition_point(|(bytes, _)| *bytes as f64 >= self.least);
        let (large, small) = callers.split_at(shown);
        let lines = large.len() + usize::from(!small.is_empty());
        let indent = " ".repeat(depth);
        writeln!(out, "{indent}n{lines}: {} {name}", self.bytes(rows))?;
        for (_, group) in large {
            // A function has several addresses, so this line has only its name.
            let name = format!("0x0: {}", self.stacks.show(group[0].0[depth]).name);
            self.write(group, &name, depth + 1, out)?;
        }
        if !small.is_empty() {
            let bytes: u64 = small.iter().map(|(bytes, _)| bytes).sum();
            let (places, all) = if small.len() == 1 { ("place", "") } else { ("places", "all ") };
            let (count, share) = (small.len(), self.share);
            writeln!(
                out,
                "{indent} n0: {bytes} in {count} {places}, {all}below massif's threshold ({share:.2}%)"
            )?;
        }
        Ok(())
    }

    fn bytes(&self, rows: &[Stack<'_>]) -> u64 {
        rows.iter().map(|(_, row)| self.metric.of(&row.figures)).sum()
    }
}
