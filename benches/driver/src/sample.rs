//! One run of one program.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use super::setup::{Built, Setup};
use super::workload::Workload;

/// The cost of a run. `units` is the amount of work, to compare runs of different length.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) units: f64,
    /// Pairs of allocation and free, if the program counts them.
    pub(crate) pairs: Option<f64>,
    /// CPU time in the program's own process: of the workload alone, or of a whole program. Unknown if a tool runs a process beside
    /// a program that does not print it.
    pub(crate) cpu_ns: Option<f64>,
    /// CPU time of the whole run, including that of other processes of a tool. The processes that the program itself starts, as its
    /// load, are not included.
    pub(crate) process_cpu_ns: f64,
    pub(crate) wall_ns: f64,
    /// The peak of the program. Unknown like its CPU time.
    pub(crate) peak_rss: Option<f64>,
    /// Size of the files that the tool wrote.
    pub(crate) output: u64,
}

/// Runs programs and reads the figures that they print.
pub(crate) struct Runner {
    /// The folder where cargo builds.
    target: PathBuf,
    scratch: PathBuf,
    /// The output of `cargo metadata`: otherwise each run of a program would measure cargo too.
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
        Ok(Self { target, scratch, metadata, quick })
    }

    /// `None` if the setup cannot run the workload.
    pub(crate) fn run(&self, setup: &Setup, workload: &Workload) -> Result<Option<Sample>> {
        let output = self.scratch.join("output");
        if output.exists() {
            fs::remove_dir_all(&output)?;
        }
        fs::create_dir(&output)?;
        let Some(program) = self.program(setup, workload) else { return Ok(None) };
        if needs_too_much(setup, workload)? {
            return Ok(None);
        }
        let mut command = Command::new(self.target.join("release/bench-measure"));
        if setup.heaptrack {
            command.args(["heaptrack", "-o"]).arg(output.join("heaptrack"));
        }
        command.arg(program);
        let iterations = workload.iterations(setup.slowness, self.quick);
        match iterations {
            Some(iterations) => {
                command.args([workload.name, "--iterations", &iterations.to_string()]);
                command.arg("--output").arg(output.join("profile"));
            }
            None => {
                command.arg("--metadata").arg(&self.metadata);
                command.arg("--output").arg(self.scratch.join(workload.name));
                if setup.built == Some(Built::Tracked) {
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
        let units = iterations.unwrap_or(1) as f64;
        Sample::new(&figures, units, setup.heaptrack, size_of_files(&output)?).map(Some)
    }

    fn program(&self, setup: &Setup, workload: &Workload) -> Option<PathBuf> {
        let Some(program) = workload.program() else {
            return Some(self.target.join("release").join(setup.program));
        };
        let name = workload.name;
        Some(self.target.join(program.folder()).join(match setup.built? {
            Built::Plain => format!("{name}-plain"),
            Built::Tracked => name.to_owned(),
        }))
    }
}

impl Sample {
    /// The figures that the program and `bench-measure` printed. Where there are processes beside the program, those of
    /// `bench-measure` are not the program's.
    fn new(figures: &HashMap<String, f64>, units: f64, has_others: bool, output: u64) -> Result<Self> {
        let figure = |key: &str| figures.get(key).copied();
        let process = |key: &str| figure(key).with_context(|| format!("bench-measure printed no {key}"));
        let process_cpu_ns = process("process_cpu_ns")? - figure("children_cpu_ns").unwrap_or(0.0);
        let (process_wall_ns, process_peak_rss) =
            (process("process_wall_ns")?, process("process_peak_rss_bytes")?);
        let alone = |figure: f64| (!has_others).then_some(figure);
        Ok(Self {
            units,
            pairs: figure("pairs"),
            cpu_ns: figure("cpu_ns").or(alone(process_cpu_ns)),
            process_cpu_ns,
            wall_ns: figure("wall_ns").unwrap_or(process_wall_ns),
            peak_rss: figure("peak_rss_bytes").or(alone(process_peak_rss)),
            output,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: [(&str, f64); 3] =
        [("process_cpu_ns", 90.0), ("process_wall_ns", 80.0), ("process_peak_rss_bytes", 70.0)];

    fn sample(printed: &[(&str, f64)], has_others: bool) -> Sample {
        let figures = PROCESS.iter().chain(printed).map(|(key, value)| ((*key).to_owned(), *value)).collect();
        Sample::new(&figures, 1.0, has_others, 0).unwrap()
    }

    #[test]
    fn a_load_is_no_part_of_the_program() {
        let printed =
            [("cpu_ns", 20.0), ("wall_ns", 60.0), ("peak_rss_bytes", 50.0), ("children_cpu_ns", 30.0)];
        for has_others in [false, true] {
            let sample = sample(&printed, has_others);
            assert_eq!((sample.cpu_ns, sample.process_cpu_ns), (Some(20.0), 60.0));
            assert_eq!((sample.wall_ns, sample.peak_rss), (60.0, Some(50.0)));
        }
    }

    #[test]
    fn a_process_beside_a_silent_program_hides_its_figures() {
        let alone = sample(&[], false);
        assert_eq!((alone.cpu_ns, alone.wall_ns, alone.peak_rss), (Some(90.0), 80.0, Some(70.0)));
        let beside = sample(&[], true);
        assert_eq!((beside.cpu_ns, beside.wall_ns, beside.peak_rss), (None, 80.0, None));
        assert_eq!(beside.process_cpu_ns, 90.0);
    }
}
