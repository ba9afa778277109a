//! `cargo xtask bench --scaling`: how the cost of tracking grows: its time with the number of threads, its memory with the numbers of
//! stacks and threads. The results are a section of `docs/performance.md`.

mod memory;
mod threads;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::machine::Machine;
use super::page::{SCALING, Section};
use super::sample;

/// The programs that are compared, and their files.
struct Programs {
    plain: PathBuf,
    tracked: PathBuf,
    dump: PathBuf,
}

/// The figures that a program prints.
struct Printed(HashMap<String, f64>);

/// Builds, measures and prints; writes the tables after a complete run.
pub(super) fn run(quick: bool) -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "cargo build --release -p memtrack-benches").quiet().run()?;
    let programs = Programs::prepare()?;
    let mut machine = Machine::describe(Vec::new(), &[])?;
    let threads = threads::measure(&programs, quick)?;
    let memory = memory::measure(&programs, quick)?;
    machine.finish()?;
    let text = format!("Measured on {machine}.\n\n{threads}\n{memory}");
    println!("{text}");
    Section { name: SCALING, file: "docs/performance.md" }.write_unless(quick, &text)
}

impl Programs {
    fn prepare() -> Result<Self> {
        let target = crate::target()?;
        let scratch = target.join("bench");
        fs::create_dir_all(&scratch)?;
        let release = target.join("release");
        Ok(Self {
            plain: release.join("bench-plain"),
            tracked: release.join("bench-memtrack"),
            dump: scratch.join("scaling.memtrack"),
        })
    }

    /// Runs a workload on the system allocator.
    fn plain(&self, workload: &str, iterations: u64) -> Result<Printed> {
        Printed::by(Command::new(&self.plain), workload, iterations)
    }

    /// Runs it under memtrack. The dump is written after the figures are.
    fn tracked(&self, workload: &str, iterations: u64) -> Result<Printed> {
        // The tracker appends to a file that exists.
        if self.dump.exists() {
            fs::remove_file(&self.dump)?;
        }
        let mut command = Command::new(&self.tracked);
        command.arg("--output").arg(&self.dump);
        Printed::by(command, workload, iterations)
    }
}

impl Printed {
    fn by(mut command: Command, workload: &str, iterations: u64) -> Result<Self> {
        let iterations = iterations.to_string();
        let command = command.args([workload, "--iterations", &iterations]);
        sample::figures(command).with_context(|| workload.to_owned()).map(Self)
    }

    fn get(&self, key: &str) -> Result<f64> {
        self.0.get(key).copied().with_context(|| format!("no {key}"))
    }
}
