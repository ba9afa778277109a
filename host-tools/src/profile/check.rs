//! The equation that every complete dump must satisfy: threads = cells = whole program.

use memtrack_format::{Figures, Kind};

use super::Metric;
use crate::reader::Snapshot;
use crate::units::count;

/// What does not add up, one sentence each; empty when everything does.
#[must_use]
pub fn equation(snapshot: &Snapshot<'_>, kind: Kind) -> Vec<String> {
    if kind == Kind::Stage {
        return stage(snapshot).into_iter().collect();
    }
    let Some(marks) = &snapshot.marks else { return Vec::new() };
    let cells = |metric| sum(metric, snapshot.cells.iter().map(|cell| &cell.figures));
    let threads = |metric| sum(metric, snapshot.threads.iter().map(|thread| &thread.figures));
    let mut wrong = Vec::new();
    for metric in Metric::ALL {
        // Blocks at the peak have no sum of their own to be compared with beyond the peak's error.
        let slack = match metric {
            Metric::Peak => u128::from(marks.mark_error),
            Metric::PeakBlocks if marks.mark_error > 0 => continue,
            _ => 0,
        };
        let program = u128::from(metric.of(&marks.figures));
        let (cells, threads) = (cells(metric), threads(metric));
        if cells.abs_diff(program) > slack || threads != cells {
            wrong.push(format!(
                "{} do not add up: whole program {}, cells {}, threads {}",
                metric.title(),
                shown(program),
                shown(cells),
                shown(threads)
            ));
        }
    }
    wrong
}

/// The cells of a stage of the whole process hold what was alive at its peak.
fn stage(snapshot: &Snapshot<'_>) -> Option<String> {
    let stage = snapshot.stages.first().filter(|stage| stage.scope == 0)?;
    let cells = sum(Metric::Peak, snapshot.cells.iter().map(|cell| &cell.figures));
    (cells != u128::from(stage.peak)).then(|| {
        format!(
            "live bytes at the stage's peak do not add up: stage {}, cells {}",
            count(stage.peak),
            shown(cells)
        )
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
    use memtrack_format::{Cell, Marks, Thread};

    fn figures(live: u64, peak: u64) -> Figures {
        Figures { live, peak, ..Figures::default() }
    }

    fn snapshot(
        mark_error: u64,
        cells: &[Figures],
        threads: &[Figures],
        whole: Figures,
    ) -> Snapshot<'static> {
        Snapshot {
            marks: Some(Marks { figures: whole, mark_error, ..Marks::default() }),
            cells: cells.iter().map(|&figures| Cell { figures, ..Cell::default() }).collect(),
            threads: threads.iter().map(|&figures| Thread { figures, ..Thread::default() }).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn sums_that_agree_say_nothing() {
        let good = snapshot(0, &[figures(1, 5), figures(2, 6)], &[figures(3, 11)], figures(3, 11));
        assert_eq!(equation(&good, Kind::Program), [""; 0]);
    }

    #[test]
    fn each_difference_is_told_once() {
        let wrong = snapshot(0, &[figures(1, 5)], &[figures(2, 5)], figures(1, 5));
        assert_eq!(
            equation(&wrong, Kind::Program),
            ["live bytes do not add up: whole program 1, cells 1, threads 2"]
        );
    }

    #[test]
    fn cells_of_a_stage_add_up_to_its_peak() {
        let of = |peak, scope| Snapshot {
            stages: vec![memtrack_format::Stage { peak, scope, ..Default::default() }],
            ..snapshot(0, &[figures(0, 5), figures(0, 6)], &[], figures(0, 0))
        };
        assert_eq!(equation(&of(11, 0), Kind::Stage), [""; 0]);
        assert_eq!(
            equation(&of(12, 0), Kind::Stage),
            ["live bytes at the stage's peak do not add up: stage 12, cells 11"]
        );
        assert_eq!(equation(&of(12, 3), Kind::Stage), [""; 0], "one thread's peak, all threads' cells");
    }

    #[test]
    fn the_peak_may_differ_by_the_error_told() {
        let cells = [figures(1, 5)];
        assert!(equation(&snapshot(2, &cells, &cells, figures(1, 7)), Kind::Program).is_empty());
        assert_eq!(equation(&snapshot(1, &cells, &cells, figures(1, 7)), Kind::Program).len(), 1);
    }

    #[test]
    fn sums_beyond_64_bits_do_not_wrap() {
        let huge = figures(u64::MAX, 0);
        let wrong = snapshot(0, &[huge, huge], &[huge, huge], figures(u64::MAX - 1, 0));
        assert!(equation(&wrong, Kind::Program)[0].contains("36893488147419103230"));
    }
}
