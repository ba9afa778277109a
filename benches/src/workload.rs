//! The workloads, by the names that the table of results uses.

pub mod chain;
mod json;
mod live;
mod ring;
mod threads;

use std::fmt;
use std::str::FromStr;

/// Which workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Workload {
    /// W1: short-lived blocks in a tight loop, allocated under a deep stack.
    Ring,
    /// W2: JSON parsed into a tree, written out again, dropped.
    Json,
    /// W3: that many threads like W1, which hand every fourth block to the next one.
    Threads(usize),
    /// W4: a million small blocks at once, freed in random order.
    Live,
}

/// A workload with everything ready that is not to be measured.
pub(crate) trait Prepared {
    /// Does the work. Answers how many pairs of one allocation and one free it was, if it knows.
    fn run(&mut self) -> Option<u64>;
}

pub(crate) fn prepare(workload: Workload, iterations: u64) -> Box<dyn Prepared> {
    match workload {
        Workload::Ring => Box::new(ring::Ring { steps: iterations }),
        Workload::Json => Box::new(json::Json::generate(iterations)),
        Workload::Threads(count) => Box::new(threads::Threads { count, steps: iterations }),
        Workload::Live => Box::new(live::Live::shuffle(iterations)),
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let threads = name.strip_prefix("W3x").and_then(|count| count.parse().ok());
        match (name, threads) {
            ("W1", _) => Ok(Self::Ring),
            ("W2", _) => Ok(Self::Json),
            ("W4", _) => Ok(Self::Live),
            (_, Some(count @ 1..)) => Ok(Self::Threads(count)),
            _ => Err(format!("no workload {name}: there are W1, W2, W3x2 (or any number of threads) and W4")),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring => f.write_str("W1"),
            Self::Json => f.write_str("W2"),
            Self::Threads(count) => write!(f, "W3x{count}"),
            Self::Live => f.write_str("W4"),
        }
    }
}
