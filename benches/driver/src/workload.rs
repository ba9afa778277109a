//! The workloads, and how often each is repeated.

/// A column of the tables.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Its name in the programs.
    pub(crate) name: &'static str,
    /// Its name in the tables.
    pub(crate) title: &'static str,
    /// The number of repetitions with which the plain run takes a quarter to half a second. `None` for a program that
    /// always does the same.
    pub(crate) iterations: Option<u64>,
}

pub(crate) static ALL: [Workload; 10] = [
    Workload { name: "W1x8", title: "W1", iterations: Some(10_000_000) },
    Workload { name: "W1x64", title: "W1, 64 stacks", iterations: Some(5_000_000) },
    Workload { name: "W1x1000", title: "W1, 1000 stacks", iterations: Some(5_000_000) },
    Workload { name: "W1-in-turn", title: "W1 in turn", iterations: Some(20_000_000) },
    Workload { name: "W2", title: "W2", iterations: Some(3) },
    Workload { name: "W3x2", title: "W3×2", iterations: Some(5_000_000) },
    Workload { name: "W3x8", title: "W3×8", iterations: Some(1_250_000) },
    // Once: a second round finds the heap as the first one shuffled it and takes twice as long, so runs of different
    // length could not be compared.
    Workload { name: "W4", title: "W4", iterations: Some(1) },
    Workload { name: "growth", title: "growth", iterations: Some(1) },
    Workload { name: "word-index", title: "word-index", iterations: None },
];

impl Workload {
    /// How often to repeat it under a setup that is `slowness` times slower.
    pub(crate) fn iterations(&self, slowness: u64, quick: bool) -> Option<u64> {
        let divisor = slowness * if quick { 4 } else { 1 };
        self.iterations.map(|iterations| (iterations / divisor).max(1))
    }
}
