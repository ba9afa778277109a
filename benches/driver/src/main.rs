//! `cargo xtask bench`: the cost of memtrack, compared with tools that do similar work.
//!
//! Each *round* runs every *workload* under every *setup*, one after the other. A figure is the median, over the rounds, of
//! the ratio to the plain allocator's run in the same round: a machine that is slower for a while slows both sides.
//! A complete run writes `docs/performance.md` and the README's table. `cargo xtask bench host` measures the reading of dumps.

mod host;
mod machine;
mod micro;
mod page;
mod parts;
mod preload;
mod profile;
mod results;
mod sample;
mod scaling;
mod setup;
mod table;
mod ticks;
mod workload;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use machine::Machine;
use results::Results;
use sample::Runner;
use setup::Setup;
use workload::{Program, Workload};
use xshell::{Shell, cmd};

const HELP: &str = "\
Usage: cargo xtask bench [OPTIONS]
       cargo xtask bench host         what reading dumps costs: names of addresses, large dumps
       cargo xtask bench --platforms  what tracking costs on each platform that runs here

      --micro           instead the parts, each alone, beside the same parts of others: captures, events, a dump, first times
      --scaling         instead how the cost grows: time with threads, memory with stacks and threads
      --preload         instead the preloaded library: loops, a compiler, a build, short processes
      --profile         instead where the time of W1 goes under memtrack, by perf
      --quick           fewer and shorter rounds; nothing is written to docs/
      --rounds N        rounds (default 5, with --quick 3)
      --only WORKLOAD   W1x8, W1x64, W1x1000, W1-in-turn, W2, W3x2, W3x8, W4, growth, word-index, code-counter, search
                        or http-server (may be repeated); nothing is written to docs/
      --peers none|all  whether to run other tools too (default all)
";

struct Options {
    measure: Measure,
    quick: bool,
    rounds: usize,
    only: Vec<String>,
    peers: bool,
}

/// The subject of the measurements.
#[derive(Clone, Copy, PartialEq)]
enum Measure {
    /// Whole programs.
    Workloads,
    /// Captures, events, dumps, first times.
    Parts,
    /// Time by threads, memory by stacks and threads.
    Scaling,
    /// Programs under the preloaded library.
    Preload,
    /// Where time goes.
    Profile,
}

/// Builds, measures and prints; writes the documents after a complete run. Runs in the folder of the workspace.
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| ["-h", "--help"].contains(&argument.as_str())) {
        print!("{HELP}");
        return Ok(());
    }
    if arguments == ["host"] {
        return host::run();
    }
    let options = Options::parse(arguments)?;
    match options.measure {
        Measure::Workloads => workloads(&options),
        Measure::Parts => micro::run(options.quick),
        Measure::Scaling => scaling::run(options.quick),
        Measure::Preload => preload::run(options.quick),
        Measure::Profile => profile::run(options.quick),
    }
}

fn workloads(options: &Options) -> Result<()> {
    let workloads = workload::ALL.iter().filter(|workload| options.wants(workload)).collect::<Vec<_>>();
    ensure!(!workloads.is_empty(), "--only names no workload\n\n{HELP}");
    build(options.peers, &workloads)?;
    let setups = setup::available(options.peers);
    let runner = Runner::prepare(options.quick)?;
    let mut machine = describe(&setups, &workloads)?;
    let results = measure(options, &workloads, &setups, &runner)?;
    machine.finish()?;
    let tables = table::Tables::new(&results, &workloads, &setups);
    println!("{machine}\n\n{tables}");
    if options.is_complete() {
        page::write(&machine, &tables)?;
    } else {
        println!("docs/performance.md is left alone: only a complete run writes it.");
    }
    Ok(())
}

/// The machine, with the versions of the tools and of what the programs are made of.
fn describe(setups: &[&Setup], workloads: &[&Workload]) -> Result<Machine> {
    let heaptrack = setups.iter().any(|setup| setup.heaptrack).then(setup::heaptrack_version).flatten();
    let programs = workloads.iter().filter_map(|workload| workload.program());
    let of_programs: Vec<_> = programs.flat_map(|program| program.packages).copied().collect();
    let of_programs = machine::package_versions("benches/programs/Cargo.lock", &of_programs)?;
    let mut packages: Vec<_> =
        setups.iter().flat_map(|setup| setup.packages).chain([&"serde_json"]).copied().collect();
    packages.sort_unstable();
    packages.dedup();
    Machine::describe(heaptrack.into_iter().chain(of_programs).collect(), &packages)
}

impl Options {
    fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut options =
            Self { measure: Measure::Workloads, quick: false, rounds: 0, only: Vec::new(), peers: true };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().with_context(|| format!("{argument} needs a value\n\n{HELP}"));
            match argument.as_str() {
                "--micro" => options.measure = Measure::Parts,
                "--scaling" => options.measure = Measure::Scaling,
                "--preload" => options.measure = Measure::Preload,
                "--profile" => options.measure = Measure::Profile,
                "--quick" => options.quick = true,
                "--rounds" => options.rounds = value()?.parse().context("--rounds needs a number")?,
                "--only" => options.only.push(value()?),
                "--peers" => {
                    options.peers = match value()?.as_str() {
                        "all" => true,
                        "none" => false,
                        other => bail!("--peers is all or none, not {other}"),
                    }
                }
                _ => bail!("unknown option {argument}\n\n{HELP}"),
            }
        }
        if let Some(unknown) =
            options.only.iter().find(|name| !workload::ALL.iter().any(|w| w.name == **name))
        {
            bail!("--only {unknown}: no such workload\n\n{HELP}");
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 3 } else { 5 };
        }
        Ok(options)
    }

    fn wants(&self, workload: &Workload) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == workload.name)
    }

    fn is_complete(&self) -> bool {
        !self.quick && self.only.is_empty() && self.peers
    }
}

/// Builds what the workloads run.
fn build(peers: bool, workloads: &[&Workload]) -> Result<()> {
    let peers: &[&str] = if peers { &["--features", "memtrack-benches/peers"] } else { &[] };
    let sh = Shell::new()?;
    cmd!(sh, "cargo build --release -p memtrack-benches -p word-index {peers...}").quiet().run()?;
    if workloads.iter().filter_map(|workload| workload.program()).any(|program| program.is_apart) {
        let target = target()?.join(Program::APART);
        let manifest = "benches/programs/Cargo.toml";
        cmd!(sh, "cargo build --release --manifest-path {manifest} --target-dir {target}").quiet().run()?;
    }
    Ok(())
}

/// Where cargo builds.
fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(2).context("a program in a folder of a profile")?.to_path_buf())
}

fn measure(
    options: &Options,
    workloads: &[&'static Workload],
    setups: &[&'static Setup],
    runner: &Runner,
) -> Result<Results> {
    let mut results = Results::default();
    for round in 1..=options.rounds {
        for workload in workloads {
            eprintln!("round {round} of {}: {}", options.rounds, workload.name);
            // This run is not counted: the run before may have left the machine short of free pages or at another speed.
            runner.run(setups[0], workload)?;
            for setup in setups {
                if let Some(sample) = runner.run(setup, workload)? {
                    results.add(round, setup, workload, sample);
                }
            }
        }
    }
    Ok(results)
}
