//! cargo-fuzz with a nightly compiler: builds a target, and runs libFuzzer on it.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Target;
use crate::suite::Missing;
use crate::{tool, watchdog, workspace};

/// Megabytes that a target may take, including those of AddressSanitizer, and megabytes that it may ask for at once. Seeds have
/// at most a hundred kilobytes: the cost of an input must follow from its length, not from the numbers in it.
const MEMORY: u32 = 512;
const ONE_BLOCK: u32 = 128;
/// Seconds that one input may take. The code is ten times slower than the product's.
const TIMEOUT: u32 = 10;
/// Lines that are shown of a fault.
const LINES: usize = 40;

/// How long a target runs, and with which inputs it begins.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    seconds: u32,
    /// It begins like every other round, and the inputs that it finds are not kept.
    repeatable: bool,
}

impl Round {
    /// A round that goes on where the one before ended.
    pub(crate) fn kept(seconds: u32) -> Self {
        Round { seconds, repeatable: false }
    }

    /// A round that begins like every other one.
    pub(crate) fn repeatable(seconds: u32) -> Self {
        Round { seconds, repeatable: true }
    }
}

/// How a round ended.
pub(crate) enum Outcome {
    /// The time is over: a line of figures.
    Nothing(String),
    /// An input fails: its file, and the report.
    Found { path: String, said: String },
}

/// cargo-fuzz for a working tree.
pub(crate) struct Fuzzer {
    root: PathBuf,
    /// The folder in which it builds.
    target: PathBuf,
    /// `PATH` with cargo-fuzz.
    path: OsString,
}

impl Fuzzer {
    /// cargo-fuzz for this tree.
    pub(crate) fn find() -> Result<Self> {
        let root = workspace::root();
        let target = root.join("target/fuzz");
        Self::on(root, target)
    }

    /// The same for any tree. cargo-fuzz is installed below the target directory of this tree when the machine lacks it.
    pub(crate) fn on(root: PathBuf, target: PathBuf) -> Result<Self> {
        let nightly = tool::output(Command::new("cargo").args(["+nightly", "--version"]));
        ensure!(nightly.is_ok(), Missing("needs `rustup toolchain install nightly`".into()));
        let program = tool::installed("cargo-fuzz")?;
        let folder = program.parent().map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::env::split_paths(&path).chain(folder))?;
        Ok(Fuzzer { root, target, path })
    }

    /// Builds a target.
    pub(crate) fn build(&self, target: &str) -> Result<()> {
        tool::run(self.cargo("build").arg(target))
    }

    /// Runs a target that was built.
    pub(crate) fn run(&self, target: &Target, round: Round) -> Result<Outcome> {
        let fresh = tempfile::tempdir()?;
        let corpus = match round.repeatable {
            true => fresh.path().to_owned(),
            false => self.root.join("fuzz/corpus").join(&target.name),
        };
        fs::create_dir_all(&corpus)?;
        let mut command = self.cargo("run");
        command.arg(&target.name).arg(corpus).args(target.seeds.iter().map(|seed| self.root.join(seed)));
        command.args(["--", "-print_final_stats=1"]);
        command.arg(format!("-max_total_time={}", round.seconds));
        command.arg(format!("-rss_limit_mb={MEMORY}"));
        command.arg(format!("-malloc_limit_mb={ONE_BLOCK}"));
        command.arg(format!("-timeout={TIMEOUT}"));
        if round.repeatable {
            command.arg("-seed=1");
        }
        // AddressSanitizer holds freed memory back for a while to catch its use; a small quarantine keeps within the limit.
        command.env("ASAN_OPTIONS", "quarantine_size_mb=16:detect_leaks=0");
        // Cargo looks for changes, and libFuzzer runs all seeds first, whatever time that takes.
        let limit = Duration::from_secs(u64::from(round.seconds) + 300);
        let (status, said) = watchdog::listen(&mut command, limit)?;
        let status = status?;
        let outcome = match status.success() {
            true => done(&said).map(Outcome::Nothing),
            false => found(&said).map(|path| Outcome::Found { path: path.into(), said: fault(&said) }),
        };
        outcome.with_context(|| format!("cargo-fuzz failed: {status}\n{said}"))
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo =
            tool::nightly_command(&["fuzz", command, "--fuzz-dir", "fuzz", "--codegen-units", "16"]);
        cargo.current_dir(&self.root).env("PATH", &self.path).arg("--target-dir").arg(&self.target);
        cargo
    }
}

/// The file of the input that fails.
fn found(said: &str) -> Option<&str> {
    Some(said.lines().find_map(|line| line.split_once("Test unit written to "))?.1)
}

/// A line of the figures at the end of a round.
fn done(said: &str) -> Option<String> {
    let figure = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name))?;
        line.strip_prefix(':').map(str::trim)
    };
    let (runs, memory) = (figure("number_of_executed_units")?, figure("peak_rss_mb")?);
    let seconds = said.lines().find_map(|line| line.strip_prefix("Done ")?.split_once(" runs in "))?.1;
    let seconds = seconds.split(' ').next()?;
    Some(format!("{runs} runs in {seconds} s, at most {memory} MB"))
}

/// The report of a panic or of a sanitizer.
fn fault(said: &str) -> String {
    let begins = |line: &&str| line.contains(" panicked at ") || line.contains(" ERROR: ");
    let lines: Vec<&str> = said.lines().skip_while(|line| !begins(line)).take(LINES).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{done, fault, found};

    #[test]
    fn what_libfuzzer_says_is_understood() {
        let said = "INFO: Seed: 1\nDone 2099 runs in 4 second(s)\nstat::number_of_executed_units: 2099\n\
                    stat::average_exec_per_sec:     524\nstat::peak_rss_mb:              57\n";
        assert_eq!(done(said).unwrap(), "2099 runs in 4 s, at most 57 MB");
        assert_eq!((found(said), done("INFO: Seed: 1\n")), (None, None));
        let said = "INFO: Seed: 1\n==1== ERROR: libFuzzer: deadly signal\n\
                    artifact_prefix='a/'; Test unit written to a/crash-1f\nBase64: AA==\n";
        assert_eq!(found(said).unwrap(), "a/crash-1f");
        assert!(fault(said).starts_with("==1== ERROR: libFuzzer"), "{}", fault(said));
    }
}
