//! The workloads, by their names in the table of results.

pub mod chain;
mod json;
mod live;
mod own;
mod ring;
mod threads;
mod tree;

use std::str::FromStr;

pub(crate) use ring::Order;

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
    /// W5: this many threads that work like W1, each with its own blocks alone.
    Own(usize),
    /// A block under each of this many stacks, which stays.
    Tree(usize),
}

/// A workload whose preparation, which is not measured, is done.
pub(crate) trait Prepared {
    /// Does the work. Returns the number of pairs of an allocation and a free, if it is known.
    fn run(&mut self) -> Option<u64>;
}

pub(crate) fn prepare(workload: Workload, iterations: u64) -> Box<dyn Prepared> {
    match workload {
        Workload::Ring(order) => Box::new(ring::Ring { order, steps: iterations, seed: 1 }),
        Workload::Json => Box::new(json::Json::generate(iterations)),
        Workload::Threads(count) => Box::new(threads::Threads { count, steps: iterations }),
        Workload::Live => Box::new(live::Live::shuffle(iterations)),
        Workload::Growth => Box::new(live::Live::growth(iterations)),
        Workload::Own(threads) => Box::new(own::Own { threads, steps: iterations }),
        Workload::Tree(stacks) => Box::new(tree::Tree::new(stacks)),
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let count = |prefix| name.strip_prefix(prefix)?.parse().ok().filter(|count| *count > 0);
        let one_of_a_kind = match name {
            "W1-in-turn" => Some(Self::Ring(Order::InTurn)),
            "W2" => Some(Self::Json),
            "W4" => Some(Self::Live),
            "growth" => Some(Self::Growth),
            _ => None,
        };
        let stacks = count("W1x").map(|count| count as u64).filter(|stacks| *stacks <= chain::PATHS);
        one_of_a_kind
            .or(stacks.map(|stacks| Self::Ring(Order::Random(stacks))))
            .or(count("W3x").map(Self::Threads))
            .or(count("W5x").map(Self::Own))
            .or(count("stacks-").map(Self::Tree))
            .ok_or_else(|| {
                format!(
                    "no workload {name}: there are W1x8 (or 1 to {} stacks), W1-in-turn, W2, W3x2 and W5x2 (or any number \
                     of threads), W4, growth and stacks-16 (or any number)",
                    chain::PATHS
                )
            })
    }
}
