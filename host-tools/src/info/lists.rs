//! Tables of threads and of stages, the highest peak first.

use crate::clean::clean_bytes;
use crate::profile::{Profile, Stage, Thread};
use crate::reader::Dump;
use crate::table::Table;
use crate::units::{bytes, count, duration};

/// The threads.
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
        ]);
    }
    table
}

/// The stages.
#[must_use]
pub fn stages(profile: &Profile, dump: &Dump<'_>) -> Table {
    let mut sorted: Vec<&Stage> = profile.stages.iter().collect();
    sorted.sort_by_key(|stage| std::cmp::Reverse(stage.figures.peak));
    let mut table = Table::new(&[
        "stage",
        ">peak",
        ">before",
        ">after",
        ">allocated",
        ">allocations",
        ">runs",
        ">time",
        "of",
        "cells",
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
            scope(profile, stage),
            if has_cells(dump, &stage.name) { "yes".into() } else { "no".into() },
        ]);
    }
    table
}

/// Whether a stage has a snapshot of its own.
pub(super) fn has_cells(dump: &Dump<'_>, name: &str) -> bool {
    let mut stages = dump.entries().iter().filter(|entry| entry.is_stage());
    stages.any(|entry| entry.stage.is_some_and(|head| clean_bytes(head.name) == name))
}

fn scope(profile: &Profile, stage: &Stage) -> String {
    let Some(id) = stage.figures.scope.checked_sub(1) else { return "process".into() };
    let thread = profile.threads.iter().find(|thread| thread.id == id);
    thread.map_or_else(|| format!("thread #{id}"), |thread| thread.label.clone())
}
