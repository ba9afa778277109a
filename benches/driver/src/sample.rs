//! One run of one program.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use super::setup::Setup;
use super::workload::Workload;

/// The cost of a run. `units` is the amount of work, to compare runs of different length.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) units: f64,
    /// Pairs of allocation and free, if the program counts them.
    pub(crate) pairs: Option<f64>,
    /// CPU time of the workload alone, in the program's own process.
    pub(crate) cpu_ns: Option<f64>,
    /// CPU time of the whole run, including that of other processes of a tool.
    pub(crate) process_cpu_ns: f64,
    pub(crate) wall_ns: f64,
    /// The peak of the program; if it does not print it, of the largest process of the run.
    pub(crate) peak_rss: f64,
    /// Size of the files that the tool wrote.
    pub(crate) output: u64,
}

/// Runs programs and reads the figures that they print.
pub(crate) struct Runner {
    release: PathBuf,
    scratch: PathBuf,
    /// The output of `cargo metadata`: otherwise each run of word-index would measure cargo too.
    metadata: PathBuf,
    quick: bool,
}

impl Runner {
    pub(crate) fn prepare(quick: bool) -> Result<Self> {
        let target = crate::target()?;
        let scratch = target.join("bench");
        fs::create_dir_all(&scratch)?;
        let metadata = scratch.join("metadata.json");
        fs::write(&metadata, cargo_metadata()?)?;
        Ok(Self { release: target.join("release"), scratch, metadata, quick })
    }

    /// `None` if the setup cannot run the workload.
    pub(crate) fn run(&self, setup: &Setup, workload: &Workload) -> Result<Option<Sample>> {
        let output = self.scratch.join("output");
        if output.exists() {
            fs::remove_dir_all(&output)?;
        }
        fs::create_dir(&output)?;
        let iterations = workload.iterations(setup.slowness, self.quick);
        let Some(program) = self.program(setup, iterations.is_some()) else { return Ok(None) };
        if needs_too_much(setup, workload)? {
            return Ok(None);
        }
        let mut command = Command::new(self.release.join("bench-measure"));
        if setup.heaptrack {
            command.args(["heaptrack", "-o"]).arg(output.join("heaptrack"));
        }
        command.arg(program);
        match iterations {
            Some(iterations) => {
                command.args([workload.name, "--iterations", &iterations.to_string()]);
                command.arg("--output").arg(output.join("profile"));
            }
            None => {
                command.arg("--metadata").arg(&self.metadata);
                command.arg("--output").arg(self.scratch.join("word-index.md"));
                if setup.dumps {
                    command.arg("--dump").arg(output.join("profile"));
                }
            }
        }
        if let Some(options) = setup.jemalloc {
            let prefix = output.join("profile");
            let options = format!("{options},prof_final:true,prof_prefix:{}", prefix.display());
            command.env("_RJEM_MALLOC_CONF", options);
        }
        let figures =
            figures(&mut command).with_context(|| format!("{} under {}", workload.name, setup.name))?;
        let figure = |key: &str| figures.get(key).copied();
        let process = |key: &str| figure(key).with_context(|| format!("bench-measure printed no {key}"));
        Ok(Some(Sample {
            units: iterations.unwrap_or(1) as f64,
            pairs: figure("pairs"),
            cpu_ns: figure("cpu_ns"),
            process_cpu_ns: process("process_cpu_ns")?,
            wall_ns: figure("wall_ns").map_or_else(|| process("process_wall_ns"), Ok)?,
            peak_rss: figure("peak_rss_bytes").map_or_else(|| process("process_peak_rss_bytes"), Ok)?,
            output: size_of_files(&output)?,
        }))
    }

    fn program(&self, setup: &Setup, is_workload: bool) -> Option<PathBuf> {
        let name = if is_workload { setup.program } else { setup.word_index? };
        Some(self.release.join(name))
    }
}

/// Runs the command and reads the lines `key number` of its output. A tool may print other lines.
pub(crate) fn figures(command: &mut Command) -> Result<HashMap<String, f64>> {
    let output = command.stdin(Stdio::null()).output().context("the program does not start")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}: {errors}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |line: &str| {
        let (key, number) = line.split_once(' ')?;
        Some((key.to_owned(), number.parse().ok()?))
    };
    Ok(text.lines().chain(errors.lines()).filter_map(figure).collect())
}

/// Some tools take a page for each block. W2, W4 and growth hold about a million of them.
fn needs_too_much(setup: &Setup, workload: &Workload) -> Result<bool> {
    if setup.bytes_per_block == 0 || !["W2", "W4", "growth"].contains(&workload.name) {
        return Ok(false);
    }
    let information = fs::read_to_string("/proc/meminfo")?;
    let line = information.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes: u64 =
        line.and_then(|rest| rest.trim().strip_suffix(" kB")).context("no MemAvailable")?.parse()?;
    let needed = setup.bytes_per_block << 20;
    let is_short = kilobytes * 1024 < needed + needed / 2;
    if is_short {
        eprintln!("{} under {} is left out: it takes {} MiB", workload.name, setup.name, needed >> 20);
    }
    Ok(is_short)
}

fn size_of_files(directory: &Path) -> Result<u64> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

fn cargo_metadata() -> Result<String> {
    let sh = Shell::new()?;
    let about = cmd!(sh, "cargo -vV").quiet().read()?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("`cargo -vV` names no host")?;
    Ok(cmd!(sh, "cargo metadata --format-version=1 --filter-platform {host}").quiet().read()?)
}
