//! `cargo xtask bench --preload`: the cost of the preloaded library in programs that nobody rebuilds: loops of allocations, a compiler,
//! and families of short processes. The results are a section of `docs/performance.md`.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::machine::{Machine, said_by};
use super::page::{PRELOAD, Section};
use super::results::median;
use super::{sample, setup};

/// Files that the build compiles.
const FILES: usize = 40;
/// Processes that the script starts.
const PROCESSES: usize = 430;
/// Rounds of a complete run.
const ROUNDS: usize = 5;

/// A program that is measured: its row in the table, and its command line.
struct Program {
    row: String,
    command: Vec<String>,
    /// heaptrack records it: it is one process, and not the compiler, for which heaptrack 1.4 takes 19 GB and then ends.
    has_peer: bool,
}

/// How a program is run.
#[derive(Clone, Copy, PartialEq)]
enum Setup {
    Alone,
    Again,
    Preloaded,
    Heaptrack,
}

/// The cost of one run.
struct Cost {
    cpu_ns: f64,
    peak_rss: f64,
}

/// Builds, measures and prints; writes the table after a complete run.
pub(super) fn run(quick: bool) -> Result<()> {
    let sh = Shell::new()?;
    let parts = ["-p", "memtrack-benches", "-p", "memtrack-ffi", "--bins", "--lib"];
    cmd!(sh, "cargo build --release {parts...}").quiet().run()?;
    let places = Places::prepare()?;
    let programs = places.programs(&sh)?;
    let heaptrack = setup::heaptrack_version();
    let compiler = said_by("g++", "--version")?.lines().next().unwrap_or_default().to_owned();
    let mut machine = Machine::describe(heaptrack.iter().cloned().chain([compiler]).collect(), &[])?;
    let mut table = String::from(HEAD);
    for program in &programs {
        let rounds = if quick { 2 } else { ROUNDS };
        writeln!(table, "{}", places.row(program, rounds, heaptrack.is_some())?)?;
    }
    machine.finish()?;
    let text = format!("Measured on {machine}.\n\n{table}");
    println!("{text}");
    Section { name: PRELOAD, file: "docs/performance.md" }.write_unless(quick, &text)
}

const HEAD: &str = "| | alone, seconds | the same again | preloaded | heaptrack | memory beside the program, MB |\n\
                    |---|---:|---:|---:|---:|---:|\n";

/// Where programs and their files are.
struct Places {
    release: PathBuf,
    scratch: PathBuf,
    /// How many runs there were.
    runs: Cell<usize>,
}

impl Places {
    fn prepare() -> Result<Self> {
        let target = crate::target()?;
        let scratch = target.join("bench/preload");
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)?;
        Ok(Places { release: target.join("release"), scratch, runs: Cell::new(0) })
    }

    /// The programs, with the files that they need.
    fn programs(&self, sh: &Shell) -> Result<Vec<Program>> {
        let program = |row: String, command: Vec<String>| Program { row, command, has_peer: false };
        let plain = self.release.join("bench-plain").display().to_string();
        let workload = |name: &str, iterations: &str| {
            [&plain, name, "--iterations", iterations].map(str::to_owned).to_vec()
        };
        let source = self.scratch.join("large.cpp");
        fs::write(&source, LARGE)?;
        let compiler = cmd!(sh, "g++ -print-prog-name=cc1plus").quiet().read()?;
        let compile = ["-quiet", "-O2", "-imultiarch", "x86_64-linux-gnu", "-o", "/dev/null"];
        let compile =
            [compiler].into_iter().chain(compile.map(str::to_owned)).chain([source.display().to_string()]);
        let make = ["make", "--silent", "--always-make", "-j2", "-C"].map(str::to_owned);
        let script = format!("i=0; while [ $i -lt {PROCESSES} ]; do /bin/true; i=$((i+1)); done");
        let with_peer = |program: Program| Program { has_peer: true, ..program };
        Ok(vec![
            with_peer(program("W1".into(), workload("W1x8", "5000000"))),
            with_peer(program("JSON".into(), workload("W2", "2"))),
            program("a C++ compiler, `cc1plus -O2`".into(), compile.collect()),
            program(
                format!("`make -j2`, {FILES} small files of C"),
                make.into_iter().chain([self.project()?.display().to_string()]).collect(),
            ),
            program(
                format!("a script of {PROCESSES} short processes"),
                ["bash", "-c", &script].map(str::to_owned).to_vec(),
            ),
        ])
    }

    /// A project of small files.
    fn project(&self) -> Result<PathBuf> {
        let project = self.scratch.join("project");
        fs::create_dir_all(&project)?;
        for number in 0..FILES {
            let text = format!(
                "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\
                 int part_{number}(int n) {{ char *s = malloc(n); memset(s, {number}, n); puts(s); free(s); return n; }}\n"
            );
            fs::write(project.join(format!("part_{number}.c")), text)?;
        }
        fs::write(project.join("Makefile"), MAKEFILE)?;
        Ok(project)
    }

    /// A row of the table: medians of ratios of runs that follow each other.
    fn row(&self, program: &Program, rounds: usize, heaptrack: bool) -> Result<String> {
        let mut setups = vec![Setup::Alone, Setup::Again, Setup::Preloaded];
        if heaptrack && program.has_peer {
            setups.push(Setup::Heaptrack);
        }
        let (mut seconds, mut beside) = (Vec::new(), Vec::new());
        let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); setups.len()];
        for _ in 0..rounds {
            let costs: Vec<Cost> =
                setups.iter().map(|setup| self.cost(program, *setup)).collect::<Result<_>>()?;
            seconds.push(costs[0].cpu_ns / 1e9);
            beside.push((costs[2].peak_rss - costs[0].peak_rss) / 1e6);
            ratios.iter_mut().zip(&costs).for_each(|(all, cost)| all.push(cost.cpu_ns / costs[0].cpu_ns));
        }
        let [seconds, beside] = [seconds, beside].map(|values| median(values).unwrap_or(f64::NAN));
        let ratio = |place: usize| ratios.get(place).and_then(|all| median(all.clone()));
        let ratios =
            [1, 2, 3].map(|place| ratio(place).map_or("–".to_owned(), |ratio| format!("{ratio:.2}")));
        Ok(format!("| {} | {seconds:.2} | {} | {beside:.1} |", program.row, ratios.join(" | ")))
    }

    /// One run: the CPU time of all its processes, and the peak of the largest.
    fn cost(&self, program: &Program, setup: Setup) -> Result<Cost> {
        // Each run has a folder of its own: to create files just after many were removed is slower on some file systems.
        let output = self.scratch.join(format!("output-{}", self.runs.replace(self.runs.get() + 1)));
        fs::create_dir(&output)?;
        let mut command = Command::new(self.release.join("bench-measure"));
        match setup {
            Setup::Alone | Setup::Again => {}
            // `env` is not preloaded itself, nor is the program that measures.
            Setup::Preloaded => _ = command.arg("env").args(preloaded(&self.release, &output)),
            Setup::Heaptrack => _ = command.args(["heaptrack", "-o"]).arg(output.join("heaptrack")),
        }
        let figures = sample::figures(command.args(&program.command)).with_context(|| program.row.clone())?;
        let figure = |key: &str| figures.get(key).copied().with_context(|| format!("no {key}"));
        Ok(Cost { cpu_ns: figure("process_cpu_ns")?, peak_rss: figure("process_peak_rss_bytes")? })
    }
}

/// The variables of a program that is preloaded and leaves a dump of each process.
fn preloaded(release: &Path, output: &Path) -> [String; 2] {
    let library = release.join("libmemtrack.so");
    [
        format!("LD_PRELOAD={}", library.display()),
        format!("MEMTRACK_DUMP={}", output.join("%p.memtrack").display()),
    ]
}

const MAKEFILE: &str = "objects := $(patsubst %.c,%.o,$(wildcard *.c))\nall: $(objects)\n";

const LARGE: &str = "\
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>

int main(int count, char **words) {
    std::map<std::string, std::vector<int>> places;
    for (int i = 0; i < count; i++) places[words[i]].push_back(i);
    std::regex digits(\"[0-9]+\");
    std::function<bool(const std::string &)> is_number = [&](const std::string &s) { return std::regex_match(s, digits); };
    for (auto &[word, at] : places) std::cout << word << is_number(word) << at.size();
}
";
