//! heaptrack's format, version 3: read by `heaptrack_print` and `heaptrack_gui`.
//!
//! heaptrack reads events, and a dump holds sums. They are replayed in three phases — what was gone before the peak,
//! the rise to the peak, the way to the end — so that calls, temporary blocks, peak and leaks are those of the dump,
//! of the whole and of each stack. When each thing happened is made up, and the command line says so.
//!
//! One thing cannot be had: a temporary block that was alive when the peak stood is replayed as one that was not
//! temporary. There is at most one for each thread.

mod replay;
mod tables;

use std::io::{self, Write};

use crate::profile::{Metric, Profile, Stacks};
use replay::{Blocks, Event, Replay};
use tables::Tables;

/// Most blocks that are replayed: `heaptrack_gui` reads a few million events a second.
const MAX_BLOCKS: u64 = 4_000_000;

/// Writes the file.
///
/// # Errors
/// When `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let program = &profile.program;
    let command = if program.command.is_empty() { &program.name } else { &program.command };
    let each = stacks.total(Metric::Allocs).div_ceil(MAX_BLOCKS).max(1);
    let fewer = if each > 1 { format!(", one of {each} calls") } else { String::new() };
    writeln!(out, "v 10400 3\nX {command} [memtrack: the order of events is made up{fewer}]\nI 1000 0")?;
    let mut tables = Tables::default();
    let mut replays = Vec::new();
    let peak = stacks.total(Metric::Peak);
    for row in stacks.rows() {
        let frames = row.steps.iter().map(|&step| stacks.show(step));
        let trace = tables.trace(frames, out)?;
        replays.push((trace, Replay::new(&row.figures, each, peak)));
    }
    // Block 0 is never allocated. Freeing its no bytes between two events keeps them from being taken for a
    // temporary block; and heaptrack counts it as one when nothing was allocated since the last free.
    writeln!(out, "a 0 1")?;
    let mut infos = Infos { next: 1 };
    let mut begun: Vec<[Vec<(u64, u64)>; 4]> = Vec::new();
    for (trace, replay) in &replays {
        let mut declare = |blocks: Blocks| infos.declare(blocks, *trace, out);
        begun.push([
            declare(replay.churn)?,
            declare(replay.kept)?,
            declare(replay.peak_only)?,
            declare(replay.end_only)?,
        ]);
    }
    writeln!(out, "c 0")?;
    for ([churn, ..], (_, replay)) in begun.iter().zip(&replays) {
        let mut temporary = replay.temporary;
        for &(info, count) in churn {
            for _ in 0..count {
                event(Event::Allocate, info, out)?;
                match temporary.checked_sub(1) {
                    Some(rest) => temporary = rest,
                    None => event(Event::Free, 0, out)?,
                }
                event(Event::Free, info, out)?;
            }
        }
    }
    let peak_ms = profile.marks.map_or(0, |marks| marks.peak_time_ns) / 1_000_000;
    let end_ms = (profile.time_ns / 1_000_000).max(peak_ms + 1);
    let all = |kind, which: usize, out: &mut dyn Write| {
        let blocks = begun.iter().flat_map(|of| &of[which]);
        blocks.copied().try_for_each(|(info, count)| (0..count).try_for_each(|_| event(kind, info, out)))
    };
    writeln!(out, "c {peak_ms:x}")?;
    all(Event::Allocate, 1, out)?;
    all(Event::Allocate, 2, out)?;
    writeln!(out, "c {end_ms:x}")?;
    if replays.iter().any(|(_, replay)| replay.peak_only.count > 0) {
        event(Event::Free, 0, out)?;
    }
    all(Event::Free, 2, out)?;
    all(Event::Allocate, 3, out)
}

fn event(kind: Event, info: u64, out: &mut dyn Write) -> io::Result<()> {
    match kind {
        Event::Allocate => writeln!(out, "+ {info:x}"),
        Event::Free => writeln!(out, "- {info:x}"),
    }
}

/// Numbers blocks of one size and trace.
struct Infos {
    next: u64,
}

impl Infos {
    /// Declares blocks, of two sizes when their bytes do not divide; gives number and count of each.
    fn declare(&mut self, blocks: Blocks, trace: u64, out: &mut dyn Write) -> io::Result<Vec<(u64, u64)>> {
        let mut declared = Vec::new();
        for (size, count) in blocks.sizes() {
            writeln!(out, "a {size:x} {trace:x}")?;
            declared.push((self.next, count));
            self.next += 1;
        }
        Ok(declared)
    }
}
