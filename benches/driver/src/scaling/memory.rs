//! The memory that the tracker takes beside the program, by stacks and by threads.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use memtrack_format::{Config, Item, Reader};

use super::Programs;
use crate::results::median;

/// Stacks, and the goal in megabytes.
const STACKS: [(u64, f64); 3] = [(16, 0.5), (256, 2.0), (4500, 12.0)];
/// Threads beside one, and the goal for each in kilobytes.
const THREADS: (u64, f64) = (100, 64.0);
/// Steps of each thread: all of its stacks come many times.
const STEPS: u64 = 1000;

/// Resident bytes under memtrack less those of the plain program.
struct Beside<'a> {
    programs: &'a Programs,
    rounds: usize,
}

/// Measures, as a table.
pub(super) fn measure(programs: &Programs, quick: bool) -> Result<String> {
    let beside = Beside { programs, rounds: if quick { 1 } else { 5 } };
    let mut text = format!("### Memory\n\n{NOTE}\n\n{HEAD}");
    for (stacks, goal) in STACKS {
        let bytes = beside.bytes(&format!("stacks-{stacks}"), 1)?;
        let nodes = nodes_of(&programs.dump)?;
        writeln!(text, "| {stacks} stacks | {nodes} | {:.2} MB | {goal} MB |", bytes / 1e6)?;
    }
    let (threads, goal) = THREADS;
    let [one, all] = [1, threads].map(|threads| beside.bytes(&format!("W5x{threads}"), STEPS));
    let kilobytes = each_more(one?, all?, threads) / 1e3;
    writeln!(text, "| each of {threads} threads | – | {kilobytes:.0} kB | {goal} kB |")?;
    Ok(text)
}

impl Beside<'_> {
    /// The median of all rounds.
    fn bytes(&self, workload: &str, iterations: u64) -> Result<f64> {
        eprintln!("memory: {workload}");
        let difference = || -> Result<f64> {
            let [plain, tracked] =
                [self.programs.plain(workload, iterations)?, self.programs.tracked(workload, iterations)?]
                    .map(|printed| printed.get("peak_rss_bytes"));
            Ok(tracked? - plain?)
        };
        let differences = (0..self.rounds).map(|_| difference()).collect::<Result<_>>()?;
        median(differences).context("no round")
    }
}

/// What each further thread takes, from the bytes for one and for all.
fn each_more(one: f64, all: f64, threads: u64) -> f64 {
    (all - one) / (threads - 1) as f64
}

/// The stack nodes in use, as the tracker wrote them into its dump.
fn nodes_of(dump: &Path) -> Result<u32> {
    let bytes = fs::read(dump).with_context(|| format!("cannot read {}", dump.display()))?;
    nodes_in(&bytes)
        .with_context(|| format!("{} does not say how many stack nodes there are", dump.display()))
}

/// That of the last snapshot.
fn nodes_in(dump: &[u8]) -> Option<u32> {
    let configs = Reader::new(dump).ok()?.filter_map(|item| match item {
        Item::Section(section) => section.records::<Config>().next()?.ok(),
        _ => None,
    });
    configs.last().map(|config| config.nodes)
}

const NOTE: &str = "The peak of resident memory under memtrack less that of the same program on the system allocator. One block is allocated \
    under each of some stacks, whose calls branch at random and which share little. The stack nodes are those of the whole program, as its dump \
    says. For threads it is the difference between 1 and 100 threads of W5, which are alive at once, for each of them.";
const HEAD: &str = "| | stack nodes | memory beside the program | goal |\n|---|---:|---:|---:|\n";

#[cfg(test)]
mod tests {
    use memtrack_format::{Encoder, Sink};

    use super::*;

    struct Out(Vec<u8>);

    impl Sink for &mut Out {
        type Error = std::convert::Infallible;

        fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
    }

    #[test]
    fn the_last_snapshot_says_the_number_of_stack_nodes() {
        let mut out = Out(Vec::new());
        for nodes in [7, 98_000] {
            let mut encoder = Encoder::<_, 4096>::new(&mut out).unwrap();
            encoder.record(&Config { nodes, ..Config::default() }).unwrap();
            encoder.finish().unwrap();
        }
        assert_eq!(nodes_in(&out.0), Some(98_000));
        assert_eq!(nodes_in(b"no dump"), None);
    }

    #[test]
    fn the_first_thread_is_no_further_one() {
        assert_eq!(each_more(1_000.0, 100_000.0, 100), 1_000.0);
    }
}
