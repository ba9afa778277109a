//! Checks the accounting equations of the format (`docs/wire-format.md`). A complete snapshot satisfies them
//! if no other thread ran while it was taken.

use memtrack_format::{Cell, Figures, Kind, Marks};

use super::metric::Metric;
use crate::hash::Map;
use crate::reader::Snapshot;
use crate::units::count;

/// The equations that do not hold, in words.
#[must_use]
pub fn equations(snapshot: &Snapshot<'_>, kind: Kind) -> Vec<String> {
    match &snapshot.marks {
        _ if kind == Kind::Stage => stage(snapshot).into_iter().collect(),
        Some(marks) => {
            let mut wrong = sums(snapshot, marks);
            wrong.extend(threads(snapshot));
            wrong.extend(blocks(marks));
            wrong.extend(unattributed(snapshot));
            wrong
        }
        None => Vec::new(),
    }
}

/// Whole program = sum of cells = sum of threads.
fn sums(snapshot: &Snapshot<'_>, marks: &Marks) -> Vec<String> {
    let mut wrong = Vec::new();
    for metric in Metric::ALL {
        let slack = match metric {
            Metric::Peak => u128::from(marks.mark_error),
            // The error of the peak is in bytes. The corresponding number of blocks is unknown.
            Metric::PeakBlocks if marks.mark_error > 0 => continue,
            _ => 0,
        };
        let program = u128::from(metric.of(&marks.figures));
        let cells = sum(metric, snapshot.cells.iter().map(|cell| &cell.figures));
        let threads = sum(metric, snapshot.threads.iter().map(|thread| &thread.figures));
        if cells.abs_diff(program) > slack || threads != cells {
            let [program, cells, threads] = [program, cells, threads].map(shown);
            wrong.push(format!(
                "{}: whole program {program}, cells {cells}, threads {threads}",
                metric.title()
            ));
        }
    }
    wrong
}

/// Each thread = sum of its cells.
fn threads(snapshot: &Snapshot<'_>) -> Option<String> {
    let mut of_thread: Map<u32, [u128; Metric::ALL.len()]> = Map::default();
    for cell in &snapshot.cells {
        let sums = of_thread.entry(cell.thread).or_default();
        for (sum, metric) in sums.iter_mut().zip(Metric::ALL) {
            *sum += u128::from(metric.of(&cell.figures));
        }
    }
    let differs = |thread: &&memtrack_format::Thread<'_>| {
        let own = Metric::ALL.map(|metric| u128::from(metric.of(&thread.figures)));
        of_thread.get(&thread.id).copied().unwrap_or_default() != own
    };
    let wrong = snapshot.threads.iter().filter(differs).count();
    (wrong > 0)
        .then(|| format!("{wrong} of {} threads differ from the sum of their cells", snapshot.threads.len()))
}

/// Live blocks = allocated blocks − freed blocks, and live bytes do not exceed their peak.
fn blocks(marks: &Marks) -> Option<String> {
    let Figures { allocs, live, live_blocks, peak, .. } = marks.figures;
    if allocs.checked_sub(marks.frees) != Some(live_blocks) {
        let [allocs, frees, alive] = [allocs, marks.frees, live_blocks].map(count);
        return Some(format!("blocks: {allocs} allocated, {frees} freed, {alive} alive"));
    }
    (live > peak).then(|| format!("live bytes {} above their peak {}", count(live), count(peak)))
}

/// The allocations of the unattributed cell = the losses whose causes leave events unattributed.
fn unattributed(snapshot: &Snapshot<'_>) -> Option<String> {
    let cell: u128 =
        snapshot.cells.iter().filter(|cell| cell.id == 0).map(|cell| u128::from(cell.figures.allocs)).sum();
    let losses = snapshot.losses.iter().filter(|loss| loss.cause.is_unattributed());
    let losses: u128 = losses.map(|loss| u128::from(loss.events)).sum();
    (cell != losses)
        .then(|| format!("unattributed events: {} in their cell, {} by cause", shown(cell), shown(losses)))
}

/// The cells of a stage add up to its peak. Only the cells of its thread count if the stage belongs to one.
fn stage(snapshot: &Snapshot<'_>) -> Option<String> {
    let stage = snapshot.stages.first()?;
    let of = |cell: &&Cell| stage.scope == 0 || cell.thread == stage.scope - 1;
    let cells = sum(Metric::Peak, snapshot.cells.iter().filter(of).map(|cell| &cell.figures));
    (cells != u128::from(stage.peak)).then(|| {
        format!("live bytes at the stage's peak: stage {}, cells {}", count(stage.peak), shown(cells))
    })
}

fn sum<'f>(metric: Metric, figures: impl Iterator<Item = &'f Figures>) -> u128 {
    figures.map(|figures| u128::from(metric.of(figures))).sum()
}

fn shown(value: u128) -> String {
    u64::try_from(value).map_or_else(|_| value.to_string(), count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use memtrack_format::{Loss, LossCause, Stage, Thread};

    /// One thread with one cell, whose figures agree.
    fn good() -> Snapshot<'static> {
        let figures =
            Figures { allocs: 7, live: 3, live_blocks: 2, peak: 11, peak_blocks: 4, ..Figures::default() };
        Snapshot {
            marks: Some(Marks { figures, frees: 5, ..Marks::default() }),
            cells: vec![Cell { id: 1, thread: 1, figures, ..Cell::default() }],
            threads: vec![Thread { id: 1, figures, ..Thread::default() }],
            ..Snapshot::default()
        }
    }

    #[track_caller]
    fn says(change: impl FnOnce(&mut Snapshot<'static>), expected: &[&str]) {
        let mut snapshot = good();
        change(&mut snapshot);
        assert_eq!(equations(&snapshot, Kind::Program), expected);
    }

    fn marks<'s>(snapshot: &'s mut Snapshot<'static>) -> &'s mut Marks {
        snapshot.marks.as_mut().expect("it has them")
    }

    #[test]
    fn equal_sums_are_not_reported() {
        says(|_| (), &[]);
        says(|snapshot| snapshot.marks = None, &[]);
    }

    #[test]
    fn each_difference_is_reported_once() {
        says(|s| marks(s).figures.live = 4, &["live bytes: whole program 4, cells 3, threads 3"]);
        says(
            |s| s.threads[0].figures.bytes = 1,
            &[
                "bytes allocated: whole program 0, cells 0, threads 1",
                "1 of 1 threads differ from the sum of their cells",
            ],
        );
        says(|s| marks(s).frees = 4, &["blocks: 7 allocated, 4 freed, 2 alive"]);
        says(
            |s| s.losses.push(Loss { cause: LossCause::Paused, events: 1 }),
            &["unattributed events: 0 in their cell, 1 by cause"],
        );
    }

    #[test]
    fn threads_may_not_swap_their_cells() {
        says(
            |s| {
                s.threads.push(Thread { id: 2, ..Thread::default() });
                s.cells[0].thread = 2;
            },
            &["2 of 2 threads differ from the sum of their cells"],
        );
    }

    #[test]
    fn the_peak_may_differ_by_its_recorded_error() {
        says(
            |s| marks(s).figures.peak = 12,
            &["live bytes at the peak: whole program 12, cells 11, threads 11"],
        );
        says(|s| (marks(s).figures.peak, marks(s).mark_error) = (12, 1), &[]);
    }

    #[test]
    fn cells_of_a_stage_add_up_to_its_peak() {
        let of = |peak, scope| {
            let stages = vec![Stage { peak, scope, ..Stage::default() }];
            equations(&Snapshot { stages, ..good() }, Kind::Stage)
        };
        assert_eq!(of(11, 0), [""; 0]);
        assert_eq!(of(12, 0), ["live bytes at the stage's peak: stage 12, cells 11"]);
        assert_eq!(of(11, 2), [""; 0], "a stage of the thread that has the cell");
        assert_eq!(of(11, 3), ["live bytes at the stage's peak: stage 11, cells 0"], "of another");
    }

    #[test]
    fn sums_beyond_64_bits_do_not_wrap() {
        let mut snapshot = good();
        snapshot.cells[0].figures.live = u64::MAX;
        snapshot.cells.push(snapshot.cells[0]);
        let wrong = equations(&snapshot, Kind::Program).join("; ");
        assert!(wrong.contains("live bytes: whole program 3, cells 36893488147419103230"), "{wrong}");
    }
}
