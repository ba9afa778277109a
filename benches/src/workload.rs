//! The workloads, by their names in the table of results.

pub mod chain;
mod json;
mod live;
mod ring;
mod threads;

use ring::Order;
use std::fmt;
use std::str::FromStr;

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Workload {
    /// W1: short-lived blocks in a tight loop, allocated under deep stacks.
    Ring(Order),
    /// W2: JSON is parsed into a tree, written out again, and dropped.
    Json,
    /// W3: this many threads that work like W1, and pass every fourth block to the next thread.
    Threads(usize),
    /// W4: a million small blocks alive at once, freed in random order.
    Live,
    /// A million small blocks that stay.
    Growth,
}

/// A workload whose preparation, which is not measured, is done.
pub(crate) trait Prepared {
    /// Does the work. Returns the number of pairs of an allocation and a free, if it is known.
    fn run(&mut self) -> Option<u64>;
}

pub(crate) fn prepare(workload: Workload, iterations: u64) -> Box<dyn Prepared> {
    match workload {
        Workload::Ring(order) => Box::new(ring::Ring { order, steps: iterations }),
        Workload::Json => Box::new(json::Json::generate(iterations)),
        Workload::Threads(count) => Box::new(threads::Threads { count, steps: iterations }),
        Workload::Live => Box::new(live::Live::shuffle(iterations)),
        Workload::Growth => Box::new(live::Live::growth(iterations)),
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let threads = name.strip_prefix("W3x").and_then(|count| count.parse().ok());
        let stacks = name.strip_prefix("W1x").and_then(|stacks| stacks.parse().ok());
        match (name, threads, stacks) {
            ("W1-in-turn", ..) => Ok(Self::Ring(Order::InTurn)),
            ("W2", ..) => Ok(Self::Json),
            ("W4", ..) => Ok(Self::Live),
            ("growth", ..) => Ok(Self::Growth),
            (_, Some(count @ 1..), _) => Ok(Self::Threads(count)),
            (_, _, Some(stacks @ 1..=chain::PATHS)) => Ok(Self::Ring(Order::Random(stacks))),
            _ => Err(format!(
                "no workload {name}: there are W1x8 (or 1 to {} stacks), W1-in-turn, W2, W3x2 (or any number of threads), W4 \
                 and growth",
                chain::PATHS
            )),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(Order::Random(stacks)) => write!(f, "W1x{stacks}"),
            Self::Ring(Order::InTurn) => f.write_str("W1-in-turn"),
            Self::Json => f.write_str("W2"),
            Self::Threads(count) => write!(f, "W3x{count}"),
            Self::Live => f.write_str("W4"),
            Self::Growth => f.write_str("growth"),
        }
    }
}
