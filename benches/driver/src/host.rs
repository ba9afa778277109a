//! `cargo xtask bench host`: the cost of reading dumps. `memtrack-fold` names addresses of a large binary, compared with the
//! programs that people use for this, and reads large dumps. The results are a section of `docs/performance.md`.

mod dumps;
mod large;
mod names;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::machine::Machine;
use super::page::{HOST, Section};
use super::sample;

/// Programs and files of a run.
struct Places {
    /// The program that is measured.
    fold: PathBuf,
    /// The program that runs another one and prints its cost.
    measure: PathBuf,
    /// The same program unoptimised, with all debug information: a large binary.
    large: PathBuf,
    scratch: PathBuf,
}

/// The cost of one run.
struct Cost {
    what: String,
    input: u64,
    wall_ns: f64,
    cpu_ns: f64,
    peak_bytes: f64,
}

/// Builds, measures and prints; writes the table.
pub(super) fn run() -> Result<()> {
    let places = Places::prepare()?;
    let mut machine = Machine::describe(Vec::new(), &[])?;
    let names = names::measure(&places)?;
    let large = large::measure(&places)?;
    machine.finish()?;
    let text = format!("Measured on {machine}.\n\n{names}\n{large}");
    println!("{text}");
    Section { name: HOST, file: "docs/performance.md" }.write_unless(false, &text)
}

impl Places {
    fn prepare() -> Result<Self> {
        let sh = Shell::new()?;
        let fold = ["build", "-p", "memtrack-host-tools", "--bin", "memtrack-fold"];
        let release = ["--release", "-p", "memtrack-benches", "--bin", "bench-measure"];
        cmd!(sh, "cargo {fold...} {release...}").quiet().run()?;
        cmd!(sh, "cargo {fold...}").quiet().run()?;
        let target = crate::target()?;
        let scratch = target.join("bench/host");
        std::fs::create_dir_all(&scratch)?;
        Ok(Places {
            fold: target.join("release/memtrack-fold"),
            measure: target.join("release/bench-measure"),
            large: target.join("debug/memtrack-fold"),
            scratch,
        })
    }

    /// The median of three runs of a program that reads `input`, which is also its standard input.
    fn cost(
        &self,
        what: impl Into<String>,
        input: &Path,
        program: &Path,
        arguments: &[&str],
    ) -> Result<Cost> {
        let mut runs = Vec::new();
        for _ in 0..3 {
            let mut command = Command::new(&self.measure);
            command.args(["sh", "-c", r#"input=$1; shift; exec "$@" <"$input" >/dev/null"#, "sh"]);
            runs.push(sample::figures(command.arg(input).arg(program).args(arguments))?);
        }
        let median = |key: &str| {
            let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(key).copied()).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Ok(Cost {
            what: what.into(),
            input: std::fs::metadata(input)?.len(),
            wall_ns: median("process_wall_ns"),
            cpu_ns: median("process_cpu_ns"),
            peak_bytes: median("process_peak_rss_bytes"),
        })
    }
}

/// A row of a table. Ratios would say nothing here: each program does its work once.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { what, input, wall_ns, cpu_ns, peak_bytes } = self;
        let (wall, cpu) = (wall_ns / 1e9, cpu_ns / 1e9);
        writeln!(
            f,
            "| {what} | {:.1} | {wall:.2} | {cpu:.2} | {:.0} |",
            megabytes(*input as f64),
            megabytes(*peak_bytes)
        )
    }
}

const HEAD: &str =
    "| | input, MB | seconds | seconds of CPU | peak of memory, MB |\n|---|---:|---:|---:|---:|\n";

fn megabytes(bytes: f64) -> f64 {
    bytes / 1e6
}
