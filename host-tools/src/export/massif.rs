//! massif.out: read by `ms_print` and massif-visualizer. The timeline, with the tree of what was alive at the peak
//! and at the end.

use std::io::{self, Write};

use crate::Error;
use crate::profile::{Flame, FlameNode, Metric, Profile, View};

/// Smaller places are summed up, as massif itself does.
const MIN_PERCENT: f64 = 1.0;

/// Callers further away are left out: valgrind shows 30 unless told otherwise.
const MAX_DEPTH: usize = 100;

/// A moment of the run.
struct Moment<'f> {
    time_ns: u64,
    bytes: u64,
    tree: Option<(&'static str, &'f Flame)>,
}

/// The trees at the peak and at the end, innermost frames at the root.
///
/// # Errors
/// When the sum is beyond 64 bits, or a tree beyond what can be shown.
pub fn trees(profile: &Profile, view: &View) -> Result<[Flame; 2], Error> {
    let tree = |metric| View { metric, reverse: true, ..view.clone() }.flame(profile);
    Ok([tree(Metric::Peak)?, tree(Metric::Live)?])
}

/// Writes the file.
///
/// # Errors
/// When `out` fails.
pub fn write(
    trees: &[Flame; 2],
    profile: &Profile,
    min_percent: Option<f64>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let share = min_percent.unwrap_or(MIN_PERCENT);
    let program = &profile.program;
    writeln!(out, "desc: memtrack, frames below {share:.2}% summed up")?;
    writeln!(out, "cmd: {}", if program.command.is_empty() { &program.name } else { &program.command })?;
    writeln!(out, "time_unit: ms")?;
    for (index, moment) in moments(trees, profile).iter().enumerate() {
        writeln!(out, "#-----------\nsnapshot={index}\n#-----------")?;
        writeln!(out, "time={}\nmem_heap_B={}", moment.time_ns / 1_000_000, moment.bytes)?;
        writeln!(out, "mem_heap_extra_B=0\nmem_stacks_B=0")?;
        let Some((kind, flame)) = moment.tree else {
            writeln!(out, "heap_tree=empty")?;
            continue;
        };
        writeln!(out, "heap_tree={kind}")?;
        let root = flame.root();
        let least = root.total as f64 * share / 100.0;
        let what = "(heap allocations) tracked by memtrack";
        tree(flame, root, what, 0, least, out)?;
    }
    Ok(())
}

/// The timeline up to the peak, the peak, the rest, the end.
fn moments<'f>(trees: &'f [Flame; 2], profile: &Profile) -> Vec<Moment<'f>> {
    let [peak, end] = trees;
    let peak_time = profile.marks.map_or(0, |marks| marks.peak_time_ns);
    let end_time = profile.time_ns.max(peak_time);
    let start = Moment { time_ns: 0, bytes: 0, tree: None };
    let mut moments = vec![start];
    let points = profile.timeline.iter().filter(|point| point.time_ns <= end_time);
    // What the timeline saw between two points may be above the peak only where the view shows a part.
    moments.extend(points.map(|point| Moment {
        time_ns: point.time_ns,
        bytes: point.live.min(peak.root().total),
        tree: None,
    }));
    moments.push(Moment { time_ns: peak_time, bytes: peak.root().total, tree: Some(("peak", peak)) });
    moments.sort_by_key(|moment| moment.time_ns);
    moments.push(Moment { time_ns: end_time, bytes: end.root().total, tree: Some(("detailed", end)) });
    moments
}

/// A frame, then its callers, the largest first, and what is too small in one line.
fn tree(
    flame: &Flame,
    node: &FlameNode,
    name: &str,
    depth: usize,
    least: f64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let callers = if depth < MAX_DEPTH { &node.children[..] } else { &[] };
    let mut children: Vec<&FlameNode> = callers.iter().map(|&child| flame.node(child)).collect();
    children.sort_by_key(|child| std::cmp::Reverse(child.total));
    let shown = children.partition_point(|child| child.total as f64 >= least);
    let (large, small) = children.split_at(shown);
    let lines = large.len() + usize::from(!small.is_empty());
    let indent = " ".repeat(depth);
    writeln!(out, "{indent}n{lines}: {} {name}", node.total)?;
    for child in large {
        // Only a function's name is known here: it has several addresses.
        tree(flame, child, &format!("0x0: {}", flame.label(child)), depth + 1, least, out)?;
    }
    if !small.is_empty() {
        let bytes: u64 = small.iter().map(|child| child.total).sum();
        let (places, all) = if small.len() == 1 { ("place", "") } else { ("places", "all ") };
        let share = format!("{:.2}%", 100.0 * least / flame.root().total.max(1) as f64);
        writeln!(
            out,
            "{indent} n0: {bytes} in {} {places}, {all}below massif's threshold ({share})",
            small.len()
        )?;
    }
    Ok(())
}
