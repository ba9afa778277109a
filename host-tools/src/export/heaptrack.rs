//! heaptrack's format, version 3, for `heaptrack_print` and `heaptrack_gui`.
//!
//! heaptrack reads events, and a dump has sums. This writer makes up events with the same sums, in three phases:
//!
//! - *churn*: blocks that were freed before the peak;
//! - *rise*: allocations up to the peak;
//! - *end*: frees and allocations up to the end.
//!
//! So calls, temporary blocks, peak and leaks equal those of the dump, for the whole program and for each stack. The order of
//! the events is made up, and the command line in the file says so.
//!
//! One difference remains: a temporary block that was alive at the peak is not temporary in the file. Each thread has at most
//! one.

mod replay;
mod tables;

use std::io::{self, Write};

use crate::profile::{Metric, Profile, Stacks};
use replay::{Blocks, Event, Replay};
use tables::Tables;

/// The largest number of blocks in a file: `heaptrack_gui` reads a few million events a second.
const MAX_BLOCKS: u64 = 4_000_000;

/// Writes the file.
///
/// # Errors
/// Returns an error if `out` fails.
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
        let steps = stacks.steps(row);
        let frames = steps.iter().map(|&step| stacks.show(step));
        let trace = tables.trace(frames, out)?;
        replays.push((trace, Replay::new(&row.figures, each, peak)));
    }
    let mut events = Events { next: 0, out };
    let apart = set_apart(&mut replays);
    if let Some((trace, is_temporary)) = apart {
        events.begin(Blocks { count: 1, bytes: 0 }, trace)?;
        if is_temporary {
            events.one(Event::Free, 0)?;
        }
    }
    writeln!(events.out, "c 0")?;
    for (trace, replay) in &replays {
        let mut temporary = replay.temporary;
        for (size, count) in replay.churn.sizes() {
            let info = events.declare(size, *trace)?;
            for _ in 0..count {
                events.one(Event::Allocate, info)?;
                match temporary.checked_sub(1) {
                    Some(rest) => temporary = rest,
                    None => events.one(Event::Free, 0)?,
                }
                events.one(Event::Free, info)?;
            }
        }
    }
    let peak_ms = profile.marks.map_or(0, |marks| marks.peak_time_ns) / 1_000_000;
    let end_ms = (profile.time_ns / 1_000_000).max(peak_ms + 1);
    writeln!(events.out, "c {peak_ms:x}")?;
    let mut peak_only = Vec::new();
    for (trace, replay) in &replays {
        peak_only.extend(events.begin(replay.peak_only, *trace)?);
    }
    for (trace, replay) in &replays {
        events.begin(replay.lasting, *trace)?;
    }
    writeln!(events.out, "c {end_ms:x}")?;
    if apart.is_some() && !peak_only.is_empty() {
        events.one(Event::Free, 0)?;
    }
    for &(info, count) in &peak_only {
        (0..count).try_for_each(|_| events.one(Event::Free, info))?;
    }
    replays.iter().try_for_each(|(trace, replay)| events.begin(replay.end_only, *trace).map(drop))
}

/// Takes one block out of a stack that has others, which keep its bytes. Returns its trace, and whether it was temporary.
///
/// heaptrack counts a block as temporary if its free directly follows its allocation. A free of this empty block between the
/// two events prevents that. heaptrack counts block 0 itself as temporary if there was no allocation since the last free.
/// If each stack has at most one block, the order of the events alone prevents it.
fn set_apart(replays: &mut [(u64, Replay)]) -> Option<(u64, bool)> {
    let stays = |(_, replay): &(u64, Replay)| replay.churn.count > replay.temporary;
    let churns = |(_, replay): &(u64, Replay)| replay.churn.count > 0;
    if let Some(at) = replays.iter().position(stays).or_else(|| replays.iter().position(churns)) {
        let (trace, replay) = &mut replays[at];
        let is_temporary = replay.temporary == replay.churn.count;
        replay.temporary -= u64::from(is_temporary);
        replay.churn.take_one();
        return Some((*trace, is_temporary));
    }
    replays.iter_mut().find_map(|(trace, replay)| {
        let blocks =
            [&mut replay.peak_only, &mut replay.lasting].into_iter().find(|blocks| blocks.count > 1)?;
        blocks.take_one();
        Some((*trace, false))
    })
}

/// Writes events. Blocks have numbers in the order of their first allocation: `heaptrack_gui` relies on that.
struct Events<'o> {
    next: u64,
    out: &'o mut dyn Write,
}

impl Events<'_> {
    /// Numbers the blocks of one size and trace. They must be allocated next.
    fn declare(&mut self, size: u64, trace: u64) -> io::Result<u64> {
        writeln!(self.out, "a {size:x} {trace:x}")?;
        self.next += 1;
        Ok(self.next - 1)
    }

    fn one(&mut self, event: Event, info: u64) -> io::Result<()> {
        match event {
            Event::Allocate => writeln!(self.out, "+ {info:x}"),
            Event::Free => writeln!(self.out, "- {info:x}"),
        }
    }

    /// Allocates blocks, of two sizes if the bytes are not a multiple of the count. Returns the number and the count of
    /// each size.
    fn begin(&mut self, blocks: Blocks, trace: u64) -> io::Result<Vec<(u64, u64)>> {
        let mut begun = Vec::new();
        for (size, count) in blocks.sizes() {
            let info = self.declare(size, trace)?;
            (0..count).try_for_each(|_| self.one(Event::Allocate, info))?;
            begun.push((info, count));
        }
        Ok(begun)
    }
}
