//! `cargo xtask bench --platforms`: what the tracker costs on each platform that runs here, in time by depth of the stack and in
//! bytes of a program. The tables go into `docs/platforms.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use object::{Object, ObjectSection, SectionKind};

use super::{PLATFORMS, Platform, runs};
use crate::page::Part;
use crate::{tool, toolchain, workspace};

const PACKAGE: &str = "platform-benches";
/// The place of the tables.
const PART: Part = Part {
    page: "docs/platforms.md",
    begin: "<!-- costs: written by cargo xtask bench --platforms -->\n",
    end: "<!-- end of costs -->",
};
/// The stacks of the program `bench-depths`.
const DEPTHS: [u32; 3] = [4, 20, 60];
/// The platforms that are measured beside this machine's own.
const MEASURED: [&str; 3] = ["x86_64-musl", "i686", "x86_64-windows-gnu"];

/// Runs of each program, in turn with those of the other platforms: the machine is faster at some times than at others.
const RUNS: usize = 7;

/// Nanoseconds by what was measured and the depth.
type Times = BTreeMap<(String, u32), f64>;

/// The programs of a platform, and how they are started.
struct Programs {
    platform: String,
    folder: PathBuf,
    extension: &'static str,
    runner: Vec<String>,
}

/// Measures all, and writes the page.
pub(crate) fn run() -> Result<()> {
    let mut all = vec![native()?];
    for platform in PLATFORMS.iter().filter(|platform| MEASURED.contains(&platform.name)) {
        all.push(of(platform)?);
    }
    let tables = [machine()?, times(&all)?, sizes(&all)?].join("\n");
    print!("{tables}");
    PART.write(&tables)
}

/// The date and the machine, without which the figures mean nothing.
fn machine() -> Result<String> {
    let said = |program: &str, argument: &str| -> Result<String> {
        Ok(String::from_utf8(tool::output(Command::new(program).arg(argument))?)?.trim().to_owned())
    };
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let count = std::thread::available_parallelism()?;
    let (date, rustc, kernel) = (said("date", "+%F")?, said("rustc", "-V")?, said("uname", "-sr")?);
    Ok(format!("Measured on {date}, {model}, {count} processors, {kernel}; {rustc}.\n"))
}

/// Builds the programs of this machine.
fn native() -> Result<Programs> {
    tool::cargo(&["build", "--quiet", "--release", "--package", PACKAGE])?;
    let folder = workspace::target()?.join("release");
    Ok(Programs {
        platform: toolchain::host()?,
        folder,
        extension: std::env::consts::EXE_EXTENSION,
        runner: Vec::new(),
    })
}

/// Builds the programs of a platform.
fn of(platform: &Platform) -> Result<Programs> {
    let folder = runs::released(platform, PACKAGE)?;
    let extension = if platform.triple.contains("windows") { "exe" } else { "" };
    Ok(Programs { platform: platform.name.into(), folder, extension, runner: platform.runner.words()? })
}

impl Programs {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension(self.extension)
    }

    /// Runs the program that measures.
    fn times(&self) -> Result<Times> {
        let program = self.path("bench-depths").display().to_string();
        let mut words = self.runner.iter().chain([&program]);
        let mut command = Command::new(words.next().context("a program")?);
        let said = String::from_utf8(tool::output(command.args(words))?)?;
        let measured = |line: &str| {
            let mut words = line.split(' ');
            let name = words.next()?.to_owned();
            Some(((name, words.next()?.parse().ok()?), words.next()?.parse().ok()?))
        };
        said.lines().map(|line| measured(line).with_context(|| format!("no measurement: {line}"))).collect()
    }
}

/// A table of nanoseconds: the plain pair and what the tracker adds, and the system's own unwinders where there are some. The
/// way down to the stack's end is subtracted. Each figure is the median of differences in one run.
fn times(all: &[Programs]) -> Result<String> {
    let mut runs: Vec<Vec<Times>> = all.iter().map(|_| Vec::new()).collect();
    for _ in 0..RUNS {
        for (programs, runs) in all.iter().zip(&mut runs) {
            runs.push(programs.times()?);
        }
    }
    let mut text =
        String::from("| nanoseconds, at a stack of | | 4 calls | 20 | 60 |\n|---|---|---:|---:|---:|\n");
    for (programs, runs) in all.iter().zip(&runs) {
        let mut row = |what: &str, name: &str, without: &str| -> Result<()> {
            let is_measured = |times: &Times| times.keys().any(|(measured, _)| measured == name);
            if !runs.iter().all(is_measured) {
                return Ok(());
            }
            write!(text, "| {} | {what} |", programs.platform)?;
            for depth in DEPTHS {
                let taken = median(runs, name, without, depth).context("a measurement is missing")?;
                write!(text, " {taken:.0} |")?;
            }
            text.push('\n');
            Ok(())
        };
        row("an allocation and its free", "plain", "descent")?;
        row("added by the tracker", "tracked", "plain")?;
        row("`RtlVirtualUnwind`, the addresses of one stack", "RtlVirtualUnwind", "descent")?;
        row("`RtlCaptureStackBackTrace`, the same", "RtlCaptureStackBackTrace", "descent")?;
    }
    Ok(text)
}

/// The median over all runs of the difference between two measurements.
fn median(runs: &[Times], name: &str, without: &str, depth: u32) -> Option<f64> {
    let of = |times: &Times, name: &str| times.get(&(name.to_owned(), depth)).copied();
    let difference = |times: &Times| Some(of(times, name)? - of(times, without)?);
    let mut differences = runs.iter().map(difference).collect::<Option<Vec<f64>>>()?;
    differences.sort_by(f64::total_cmp);
    differences.get(differences.len() / 2).copied()
}

/// A table of the bytes that the tracker adds to a program.
fn sizes(all: &[Programs]) -> Result<String> {
    let mut text =
        String::from("| KiB added to a program | code and data | zero-initialised |\n|---|---:|---:|\n");
    for programs in all {
        let [plain, tracked] =
            ["plain-program", "tracked-program"].map(|name| Sections::read(&programs.path(name)));
        let (plain, tracked) = (plain?, tracked?);
        let kib = |more: u64, than: u64| more.saturating_sub(than) >> 10;
        let (stored, zero) = (kib(tracked.stored, plain.stored), kib(tracked.zero, plain.zero));
        writeln!(text, "| {} | {stored} | {zero} |", programs.platform)?;
    }
    Ok(text)
}

/// Sums over the sections that are loaded.
struct Sections {
    /// Code, constants, unwind tables and initial values.
    stored: u64,
    /// Variables that begin with zero. They are address space until they are used.
    zero: u64,
}

impl Sections {
    fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*bytes).with_context(|| path.display().to_string())?;
        let mut sums = Sections { stored: 0, zero: 0 };
        for section in file.sections() {
            match section.kind() {
                SectionKind::Text
                | SectionKind::Data
                | SectionKind::ReadOnlyData
                | SectionKind::ReadOnlyDataWithRel
                | SectionKind::ReadOnlyString
                | SectionKind::Tls => sums.stored += section.size(),
                SectionKind::UninitializedData => sums.zero += section.size(),
                _ => {}
            }
        }
        Ok(sums)
    }
}
