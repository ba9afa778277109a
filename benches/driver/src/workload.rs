//! The workloads, and how often each is repeated.

use std::path::{Path, PathBuf};

/// A column of the tables.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Its name in the programs, or the program's own.
    pub(crate) name: &'static str,
    /// Its name in the tables.
    pub(crate) title: &'static str,
    pub(crate) work: Work,
}

#[derive(Debug)]
pub(crate) enum Work {
    /// Something that the programs of `benches` do, and the number of repetitions with which the plain run takes a quarter to half a second.
    Loop(u64),
    /// A program that always does the same.
    Program(Program),
}

/// A program that is built twice: under memtrack, and as `NAME-plain` on the system allocator. Both have the options of
/// `examples/word-index`.
#[derive(Debug)]
pub(crate) struct Program {
    /// It is one of `benches/programs`, which is a workspace of its own and has a target folder of its own.
    pub(crate) is_apart: bool,
    /// Packages whose versions belong beside the figures.
    pub(crate) packages: &'static [&'static str],
}

impl Program {
    /// The target folder of `benches/programs`, in the one where cargo builds everything else.
    pub(crate) const APART: &str = "programs";

    /// The folder of the executables, in the one where cargo builds.
    pub(crate) fn folder(&self) -> PathBuf {
        if self.is_apart { Path::new(Self::APART).join("release") } else { "release".into() }
    }
}

const fn repeated(name: &'static str, title: &'static str, iterations: u64) -> Workload {
    Workload { name, title, work: Work::Loop(iterations) }
}

/// A program of `benches/programs`.
const fn program(name: &'static str, title: &'static str, packages: &'static [&'static str]) -> Workload {
    Workload { name, title, work: Work::Program(Program { is_apart: true, packages }) }
}

pub(crate) static ALL: [Workload; 13] = [
    repeated("W1x8", "W1", 10_000_000),
    repeated("W1x64", "W1, 64 stacks", 5_000_000),
    repeated("W1x1000", "W1, 1000 stacks", 5_000_000),
    repeated("W1-in-turn", "W1 in turn", 20_000_000),
    repeated("W2", "W2", 3),
    repeated("W3x2", "W3×2", 5_000_000),
    repeated("W3x8", "W3×8", 1_250_000),
    // Once: a second round finds the heap as the first one shuffled it and takes twice as long, so runs of different
    // length could not be compared.
    repeated("W4", "W4", 1),
    repeated("growth", "growth", 1),
    Workload {
        name: "word-index",
        title: "word-index",
        work: Work::Program(Program { is_apart: false, packages: &[] }),
    },
    program("code-counter", "code counter", &["tokei"]),
    program("search", "search", &["grep-searcher", "ignore"]),
    program("http-server", "HTTP server", &["axum", "tokio"]),
];

impl Workload {
    /// How often to repeat it under a setup that is `slowness` times slower. `None` for a program that always does the same.
    pub(crate) fn iterations(&self, slowness: u64, quick: bool) -> Option<u64> {
        let Work::Loop(iterations) = self.work else { return None };
        let divisor = slowness * if quick { 4 } else { 1 };
        Some((iterations / divisor).max(1))
    }

    /// The program, if it is one of its own.
    pub(crate) fn program(&self) -> Option<&Program> {
        match &self.work {
            Work::Loop(_) => None,
            Work::Program(program) => Some(program),
        }
    }
}
