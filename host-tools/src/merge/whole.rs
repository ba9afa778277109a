//! The records of the whole program: its figures, the use of its tables, its losses.

use memtrack_format::{Config, Loss, LossCause, Marks};

use crate::reader::{Snapshot, add_loss};

/// The figures of all programs: sums, except for the time of the peak, which is that of the highest one.
pub(super) fn marks(programs: &[Snapshot<'_>]) -> Option<Marks> {
    let all = programs.iter().filter_map(|snapshot| snapshot.marks);
    let highest = all.clone().max_by_key(|marks| marks.figures.peak)?;
    let start = Marks { peak_time_ns: highest.peak_time_ns, ..Marks::default() };
    Some(all.fold(start, |sum, more| sum.plus(&more)))
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
        add_loss(&mut sums, loss);
    }
    sums.sort_by_key(|loss| loss.cause.code());
    sums
}
