//! Tables of threads, stages, tags, heaps and sizes.

use std::collections::{HashMap, HashSet};

use memtrack_format::Figures;

use crate::clean::clean_bytes;
use crate::profile::{Profile, Size, Stage, Thread};
use crate::reader::Dump;
use crate::table::Table;
use crate::units::{bytes, count, duration, percent};

/// The threads, the highest peak first.
#[must_use]
pub fn threads(profile: &Profile) -> Table {
    let mut sorted: Vec<&Thread> = profile.threads.iter().collect();
    sorted.sort_by_key(|thread| (std::cmp::Reverse(thread.own_peak), thread.id));
    let mut table = Table::new(&[
        ">id",
        "thread",
        "state",
        ">own peak",
        ">at peak",
        ">live",
        ">allocated",
        ">allocations",
        ">temporary",
    ]);
    for thread in sorted {
        table.row([
            thread.id.to_string(),
            thread.label.clone(),
            thread.state.as_str().into(),
            bytes(thread.own_peak),
            bytes(thread.figures.peak),
            bytes(thread.figures.live),
            bytes(thread.figures.bytes),
            count(thread.figures.allocs),
            count(thread.figures.temporary),
        ]);
    }
    table
}

/// The tags with the tags around them, and the figures under each itself.
pub(super) fn tags(profile: &Profile) -> Table {
    let name = |id| {
        let names = profile.tag_path(id).into_iter().filter_map(|tag| profile.tags.get(&tag));
        names.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" › ")
    };
    figures("tag", profile.tags.keys().map(|&id| (name(id), profile.sum(|sample| sample.tag == id))))
}

/// The heaps other than that of the wrapped allocator.
pub(super) fn heaps(profile: &Profile) -> Table {
    let of = |id| profile.sum(|sample| sample.heap == id);
    figures("heap", profile.heaps.iter().map(|(&id, name)| (name.clone(), of(id))))
}

fn figures(what: &'static str, rows: impl Iterator<Item = (String, Figures)>) -> Table {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| (std::cmp::Reverse(a.1.bytes), &a.0).cmp(&(std::cmp::Reverse(b.1.bytes), &b.0)));
    let mut table = Table::new(&[what, ">at peak", ">live", ">allocated", ">allocations", ">temporary"]);
    for (name, of) in rows {
        let [peak, live, all] = [of.peak, of.live, of.bytes].map(bytes);
        table.row([name, peak, live, all, count(of.allocs), count(of.temporary)]);
    }
    table
}

/// The sizes of blocks, the smallest first.
#[must_use]
pub fn sizes(profile: &Profile) -> Table {
    let sum = |of: fn(&Size) -> u64| profile.sizes.iter().map(of).fold(0, u64::saturating_add);
    let (allocs, all) = (sum(|size| size.allocs), sum(|size| size.bytes));
    let mut table = Table::new(&[">size", ">allocations", ">", ">bytes", ">"]);
    for size in &profile.sizes {
        table.row([
            size.range(),
            count(size.allocs),
            percent(size.allocs, allocs),
            bytes(size.bytes),
            percent(size.bytes, all),
        ]);
    }
    table
}

/// The stages, the highest peak first.
#[must_use]
pub fn stages(profile: &Profile, dump: &Dump<'_>) -> Table {
    let mut sorted: Vec<&Stage> = profile.stages.iter().collect();
    sorted.sort_by_key(|stage| std::cmp::Reverse(stage.figures.peak));
    let with_cells = with_cells(dump);
    let threads: HashMap<u32, &str> =
        profile.threads.iter().map(|thread| (thread.id, thread.label.as_str())).collect();
    let thread = |id| threads.get(&id).map_or_else(|| format!("thread #{id}"), |&label| label.into());
    let scope = |scope: u32| scope.checked_sub(1).map_or_else(|| "process".into(), thread);
    let mut table = Table::new(&[
        "stage",
        ">peak",
        ">before",
        ">after",
        ">allocated",
        ">allocations",
        ">runs",
        ">time",
        ">peak at",
        ">lost",
        "of",
        "cells",
        "highest threads",
    ]);
    for stage in sorted {
        let figures = &stage.figures;
        let mut name = stage.name.clone();
        if figures.running {
            name.push_str(" (running)");
        }
        table.row([
            name,
            bytes(figures.peak),
            bytes(figures.live_before),
            bytes(figures.live_after),
            bytes(figures.bytes),
            count(figures.allocs),
            count(figures.runs),
            duration(figures.duration_ns),
            // The time of this peak is unknown: without a file that collects cells, nobody read the clock.
            if figures.peak_time_ns == 0 { "-".into() } else { duration(figures.peak_time_ns) },
            count(figures.lost),
            scope(figures.scope),
            if has_cells(stage, &with_cells) { "yes".into() } else { "no".into() },
            if figures.scope == 0 { highest_threads(stage, thread) } else { String::new() },
        ]);
    }
    table
}

/// The threads with the highest peaks while the stage ran: `main 1.00 MiB, worker 512 KiB`.
fn highest_threads(stage: &Stage, label: impl Fn(u32) -> String) -> String {
    /// With more, the table would be too wide for a terminal.
    const SHOWN: usize = 3;
    let shown = stage.threads.iter().take(SHOWN).map(|of| format!("{} {}", label(of.thread), bytes(of.peak)));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    match stage.threads.len().saturating_sub(SHOWN) {
        0 => {}
        more => text.push_str(&format!(" … and {more} more")),
    }
    text
}

/// The names and scopes of the stages that have snapshots of their own.
pub(super) fn with_cells(dump: &Dump<'_>) -> HashSet<(String, u32)> {
    let stages = dump.entries().iter().filter(|entry| entry.is_stage());
    stages.filter_map(|entry| entry.stage.map(|head| (clean_bytes(head.name), head.scope))).collect()
}

/// Whether a stage is one of those.
pub(super) fn has_cells(stage: &Stage, with_cells: &HashSet<(String, u32)>) -> bool {
    with_cells.contains(&(stage.name.clone(), stage.figures.scope))
}
