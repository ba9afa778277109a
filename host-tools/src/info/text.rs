//! `info` for people: losses and damage first.

use std::io::{self, Write};

use super::{Info, entry_words, lists, module_of, tables};
use crate::table::Table;
use crate::units::{bytes, count, duration, hex, percent, things};
use crate::{loss, warnings};

/// Writes the contents.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(info: &Info<'_>, out: &mut dyn Write) -> io::Result<()> {
    alarms(info, out)?;
    program(info, out)?;
    figures(info, out)?;
    for (title, table) in [
        ("table use", capacities(info)),
        ("threads by peak", lists::threads(info.profile)),
        ("stages by peak", lists::stages(info.profile, info.dump)),
        ("tags by bytes", lists::tags(info.profile)),
        ("heaps by bytes", lists::heaps(info.profile)),
        ("sizes of blocks", lists::sizes(info.profile)),
        ("modules", modules(info)),
        ("trackers", trackers(info)),
        ("snapshots", snapshots(info)),
    ] {
        if !table.is_empty() {
            write!(out, "\n{title}\n{table}")?;
        }
    }
    Ok(())
}

fn alarms(info: &Info<'_>, out: &mut dyn Write) -> io::Result<()> {
    for loss in info.profile.losses.iter().filter(|loss| loss.events > 0) {
        writeln!(out, "LOST     {}", loss::text(loss))?;
        let remedy = loss::remedy(loss.cause, info.profile.is_preloaded());
        if !remedy.is_empty() {
            writeln!(out, "         {remedy}")?;
        }
    }
    for warning in &info.warnings {
        writeln!(out, "WARNING  {warning}")?;
    }
    Ok(())
}

fn program(info: &Info<'_>, out: &mut dyn Write) -> io::Result<()> {
    let program = &info.profile.program;
    let process = if program.pid == 0 { String::new() } else { format!(" (process {})", program.pid) };
    let order = if program.big_endian { "big-endian" } else { "little-endian" };
    writeln!(out, "program    {}{process}", program.name)?;
    if !program.command.is_empty() {
        writeln!(out, "command    {}", program.command)?;
    }
    let bits = u32::from(program.pointer_width) * 8;
    writeln!(out, "target     {} {}, {bits}-bit {order}", program.os.as_str(), program.arch.as_str())?;
    if !program.unwinder.is_empty() {
        writeln!(out, "unwinder   {}", program.unwinder)?;
    }
    let entries = info.dump.entries();
    let entry = &entries[info.selected.index];
    let (kind, cause, stage) = entry_words(entry);
    let time = entry.about.map_or(0, |about| about.time_ns);
    writeln!(
        out,
        "shown      {kind}{}, taken on {cause} after {}; snapshot {} of {} in the file",
        stage.map_or_else(String::new, |name| format!(" {name}")),
        duration(time),
        info.selected.index + 1,
        entries.len()
    )
}

fn figures(info: &Info<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(marks) = &info.profile.marks else { return Ok(()) };
    let figures = &marks.figures;
    writeln!(
        out,
        "allocated  {} in {}: {} reallocated, {} temporary, {} freed, {} failed",
        bytes(figures.bytes),
        things(figures.allocs, "allocation"),
        count(figures.reallocs),
        count(figures.temporary),
        count(marks.frees),
        count(marks.failed_allocs)
    )?;
    writeln!(out, "live       {} in {}", bytes(figures.live), things(figures.live_blocks, "block"))?;
    let error = match marks.peak_error {
        0 => String::new(),
        error => format!(", at most {} too high", bytes(error)),
    };
    writeln!(
        out,
        "peak       {} in {} after {}{error}",
        bytes(figures.peak),
        things(figures.peak_blocks, "block"),
        duration(marks.peak_time_ns)
    )?;
    if let Some(parent) = info.profile.forked_from {
        let of = info.profile.inherited();
        let (live, blocks) = (bytes(of.live), things(of.live_blocks, "block"));
        let allocations = things(of.allocs, "allocation");
        writeln!(out, "inherited  from process {parent}: {live} live in {blocks}, of {allocations}")?;
    }
    over_time(info, out)
}

/// Live bytes over time in one line: a bar for the maximum of each piece of time.
fn over_time(info: &Info<'_>, out: &mut dyn Write) -> io::Result<()> {
    const PIECES: u64 = 60;
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let timeline = &info.profile.timeline;
    let Some(last) = timeline.last() else { return Ok(()) };
    let mut pieces = [0; PIECES as usize];
    let mut before = (0, 0);
    for point in timeline {
        let place = |time: u64| {
            let place = u128::from(time) * u128::from(PIECES - 1) / u128::from(last.time_ns.max(1));
            place.min(u128::from(PIECES - 1)) as usize
        };
        // Between two points, live bytes are those of the first point. A damaged dump may have points in any order.
        let (from, to) = (place(before.0), place(point.time_ns));
        pieces.iter_mut().take(to).skip(from + 1).for_each(|piece| *piece = before.1.max(*piece));
        pieces[to] = point.high.max(pieces[to]);
        before = (point.time_ns, point.live);
    }
    // A damaged dump may have a point with more live bytes than the maximum.
    let top = pieces.into_iter().max().unwrap_or(0);
    let bar = |high: u64| BARS[(u128::from(high) * 8).div_ceil(u128::from(top.max(1))) as usize];
    let bars: String = pieces.into_iter().map(bar).collect();
    writeln!(out, "over time  {} in {}", bars.trim_end(), duration(last.time_ns))
}

fn capacities(info: &Info<'_>) -> Table {
    let mut table = Table::new(&["table", ">used", ">of", ">full"]);
    let Some(config) = &info.profile.config else { return table };
    for (name, used, capacity) in tables(config) {
        let share = percent(used.into(), capacity.into());
        table.row([name.into(), count(used.into()), count(capacity.into()), share]);
    }
    table
}

fn modules(info: &Info<'_>) -> Table {
    let mut table = Table::new(&["module", ">addresses", ">unnamed", "names from", "build id"]);
    let sources = info.profile.symbols.sources();
    for (module, source) in info.profile.modules.all().iter().zip(sources) {
        let names = match &source.path {
            _ if source.addresses == 0 => "not needed".into(),
            None => warnings::reason(source),
            Some(_) => {
                let kind = if source.debug_info { "debug information" } else { "symbol table" };
                let doubt = if source.doubt.is_some() { " (may be another file)" } else { "" };
                format!("{kind}{doubt}")
            }
        };
        let unloaded = if module.unloaded { " (unloaded)" } else { "" };
        table.row([
            format!("{}{unloaded}", module.shown_path()),
            count(source.addresses as u64),
            count(source.unnamed as u64),
            names,
            hex(&module.build_id),
        ]);
    }
    table
}

/// The trackers, if several wrote to the file.
fn trackers(info: &Info<'_>) -> Table {
    let mut table = Table::new(&[">tracker", "process", "in", ">snapshots"]);
    for tracker in info.dump.trackers().iter().filter(|_| info.dump.trackers().len() > 1) {
        let snapshots = info.dump.entries().iter().filter(|entry| entry.tracker() == *tracker).count();
        table.row([
            tracker.number().to_string(),
            tracker.pid.to_string(),
            module_of(info, tracker).unwrap_or_default(),
            count(snapshots as u64),
        ]);
    }
    table
}

fn snapshots(info: &Info<'_>) -> Table {
    let mut table = Table::new(&[">snapshot", "shows", "taken on", ">after", "state"]);
    for (i, entry) in info.dump.entries().iter().enumerate() {
        let (kind, cause, stage) = entry_words(entry);
        let of_tracker = match info.dump.trackers() {
            [_] => String::new(),
            _ => format!(" of tracker {}", entry.tracker().number()),
        };
        let time = entry.about.map_or(0, |about| about.time_ns);
        table.row([
            (i + 1).to_string(),
            stage.map_or_else(|| kind.into(), |name| format!("stage {name}")) + &of_tracker,
            cause.into(),
            duration(time),
            if entry.complete { "complete".into() } else { "incomplete".into() },
        ]);
    }
    table
}
