//! The records of the whole program: its figures, the use of its tables, its losses.

use memtrack_format::{Config, Loss, LossCause, Marks};

use crate::reader::{Snapshot, plus};

/// The figures of all programs: sums, except for the time of the peak, which is that of the highest one.
pub(super) fn marks(programs: &[Snapshot<'_>]) -> Option<Marks> {
    let all = programs.iter().filter_map(|snapshot| snapshot.marks);
    let highest = all.clone().max_by_key(|marks| marks.figures.peak)?;
    Some(all.fold(Marks { peak_time_ns: highest.peak_time_ns, ..Marks::default() }, |sum, more| Marks {
        figures: plus(&sum.figures, &more.figures),
        frees: sum.frees.saturating_add(more.frees),
        failed_allocs: sum.failed_allocs.saturating_add(more.failed_allocs),
        peak_time_ns: sum.peak_time_ns,
        peak_error: sum.peak_error.saturating_add(more.peak_error),
        mark_error: sum.mark_error.saturating_add(more.mark_error),
    }))
}

/// The largest capacity and the highest use of each table.
pub(super) fn config(programs: &[Snapshot<'_>]) -> Option<Config> {
    programs.iter().filter_map(|snapshot| snapshot.config).reduce(|a, b| Config {
        nodes: a.nodes.max(b.nodes),
        nodes_capacity: a.nodes_capacity.max(b.nodes_capacity),
        cells: a.cells.max(b.cells),
        cells_capacity: a.cells_capacity.max(b.cells_capacity),
        threads: a.threads.max(b.threads),
        threads_capacity: a.threads_capacity.max(b.threads_capacity),
        max_depth: a.max_depth.max(b.max_depth),
        stages: a.stages.max(b.stages),
        stages_capacity: a.stages_capacity.max(b.stages_capacity),
        tags: a.tags.max(b.tags),
        tags_capacity: a.tags_capacity.max(b.tags_capacity),
    })
}

/// Losses by cause, with the records that were too large for the merged dump.
pub(super) fn losses(programs: &[Snapshot<'_>], too_large: u64) -> Vec<Loss> {
    let mut sums: Vec<Loss> = Vec::new();
    let own = Loss { cause: LossCause::RecordTooLarge, events: too_large };
    let all = programs.iter().flat_map(|snapshot| snapshot.losses.iter().copied()).chain([own]);
    for loss in all.filter(|loss| loss.events > 0) {
        match sums.iter_mut().find(|sum| sum.cause == loss.cause) {
            Some(sum) => sum.events = sum.events.saturating_add(loss.events),
            None => sums.push(loss),
        }
    }
    sums.sort_by_key(|loss| loss.cause.code());
    sums
}
