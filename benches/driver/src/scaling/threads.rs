//! The time of a pair of an allocation and a free by the number of threads.

use std::fmt::Write as _;

use anyhow::Result;

use super::Programs;
use crate::results::median;

const THREADS: [u64; 5] = [1, 2, 4, 8, 16];
/// Steps of all threads together: the plain run takes about a third of a second.
const STEPS: u64 = 10_000_000;

/// CPU nanoseconds a pair, on the system allocator and under memtrack directly after it.
#[derive(Clone, Copy)]
struct Pair {
    plain: f64,
    tracked: f64,
}

/// The rounds of a number of threads.
struct Row {
    threads: u64,
    /// Each thread frees its own blocks.
    own: Vec<Pair>,
    /// Another thread frees a quarter of them.
    passed: Vec<Pair>,
}

/// Measures, as a table.
pub(super) fn measure(programs: &Programs, quick: bool) -> Result<String> {
    let (rounds, steps) = if quick { (2, STEPS / 4) } else { (5, STEPS) };
    let mut rows = THREADS.map(|threads| Row { threads, own: Vec::new(), passed: Vec::new() });
    for round in 1..=rounds {
        for Row { threads, own, passed } in &mut rows {
            eprintln!("round {round} of {rounds}: {threads} threads");
            own.push(Pair::measure(programs, &format!("W5x{threads}"), steps / *threads)?);
            // A single thread has none to pass blocks to.
            if *threads > 1 {
                passed.push(Pair::measure(programs, &format!("W3x{threads}"), steps / *threads)?);
            }
        }
    }
    table(&rows)
}

impl Pair {
    fn measure(programs: &Programs, workload: &str, steps: u64) -> Result<Self> {
        let (plain, tracked) = (programs.plain(workload, steps)?, programs.tracked(workload, steps)?);
        let pairs = plain.get("pairs")?;
        Ok(Self { plain: plain.get("cpu_ns")? / pairs, tracked: tracked.get("cpu_ns")? / pairs })
    }
}

/// The table of all rows. The first row is of one thread.
fn table(rows: &[Row]) -> Result<String> {
    let mut text = format!("### Threads\n\n{NOTE}\n\n{HEAD}");
    let one = rows.first().map_or(&[][..], |row| &row.own);
    for Row { threads, own, passed } in rows {
        let cells =
            [costs(own), [times(own, one)].to_vec(), costs(passed), [times(passed, own)].to_vec()].concat();
        let cells: Vec<_> = cells.iter().map(|cell| cell.as_deref().unwrap_or("–")).collect();
        writeln!(text, "| {threads} | {} |", cells.join(" | "))?;
    }
    text += GOALS;
    Ok(text)
}

/// The medians of both times, and of their ratio.
fn costs(pairs: &[Pair]) -> Vec<Option<String>> {
    let median_of = |figure: fn(&Pair) -> f64| median(pairs.iter().map(figure).collect());
    let [plain, tracked] = [median_of(|pair| pair.plain), median_of(|pair| pair.tracked)];
    let ratio = median_of(|pair| pair.tracked / pair.plain);
    let nanoseconds = |figure: Option<f64>| figure.map(|ns| format!("{ns:.1}"));
    vec![nanoseconds(plain), nanoseconds(tracked), ratio.map(|ratio| format!("{ratio:.2}"))]
}

/// memtrack's time as a multiple of that in the same round of `base`: the median.
fn times(pairs: &[Pair], base: &[Pair]) -> Option<String> {
    let ratios = pairs.iter().zip(base).map(|(pair, base)| pair.tracked / base.tracked);
    median(ratios.collect()).map(|ratio| format!("{ratio:.2}"))
}

const NOTE: &str = "CPU nanoseconds of an allocation and its free, with the rest of the workload's work. Each thread works like W1: in W5 \
    it frees its own blocks, in W3 it passes every fourth to the next thread. There may be more threads than processors.";
const HEAD: &str = "\
| threads | own blocks: system allocator | memtrack | ratio | memtrack against one thread | a quarter freed by another thread: system allocator | memtrack | ratio | memtrack against own blocks |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";
const GOALS: &str = "| goal | | | | 0.90–1.10 | | | | at most 1.50 |\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(times: &[(f64, f64)]) -> Vec<Pair> {
        times.iter().map(|&(plain, tracked)| Pair { plain, tracked }).collect()
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // The machine is twice as slow in the second round, and four times as slow in the third.
        let own = pairs(&[(10.0, 20.0), (20.0, 40.0), (40.0, 80.0)]);
        let one = Row { threads: 1, own, passed: Vec::new() };
        let own = pairs(&[(10.0, 22.0), (20.0, 44.0), (40.0, 88.0)]);
        let two = Row { threads: 2, own, passed: pairs(&[(11.0, 33.0), (22.0, 66.0), (44.0, 132.0)]) };
        let table = table(&[one, two]).unwrap();
        let rows: Vec<&str> = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
        assert_eq!(rows[0], "| 1 | 20.0 | 40.0 | 2.00 | 1.00 | – | – | – | – |");
        assert_eq!(rows[1], "| 2 | 20.0 | 44.0 | 2.20 | 1.10 | 22.0 | 66.0 | 3.00 | 1.50 |");
        assert_eq!(rows[2], GOALS.trim_end());
    }
}
