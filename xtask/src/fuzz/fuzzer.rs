//! cargo-fuzz with a nightly compiler: builds a target, and runs libFuzzer on it.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};

use super::Target;
use crate::{tool, watchdog, workspace};

/// Megabytes that a target may take, with what AddressSanitizer adds, and those that it may ask for at once. Seeds have at most
/// a hundred kilobytes: an input costs what it holds, not what it claims.
const MEMORY: u32 = 512;
const ONE_BLOCK: u32 = 128;
/// Seconds that one input may take, in code that is ten times slower than the product's.
const TIMEOUT: u32 = 10;
/// Lines that tell of a fault.
const LINES: usize = 40;

/// How a target is run.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    seconds: u32,
    /// It begins like every other one, and what it finds out about the code is not kept.
    repeatable: bool,
}

impl Round {
    /// Goes on where the one before ended.
    pub(crate) fn kept(seconds: u32) -> Self {
        Round { seconds, repeatable: false }
    }

    /// Begins like every other one.
    pub(crate) fn repeatable(seconds: u32) -> Self {
        Round { seconds, repeatable: true }
    }
}

/// How a round ended.
pub(crate) enum Outcome {
    /// In time. What it did, in a line.
    Nothing(String),
    /// With a file of the input that fails, and how.
    Found { path: String, said: String },
}

/// cargo-fuzz, on a working tree.
pub(crate) struct Fuzzer {
    root: PathBuf,
    /// Where it builds.
    target: PathBuf,
    /// `PATH` with cargo-fuzz.
    path: OsString,
}

impl Fuzzer {
    /// On this tree. Otherwise a line on what is missing.
    pub(crate) fn find() -> Result<Result<Self, String>> {
        let root = workspace::root();
        let target = root.join("target/fuzz");
        Self::on(root, target)
    }

    /// The same on any tree. cargo-fuzz is installed below this one's target directory when the machine lacks it.
    pub(crate) fn on(root: PathBuf, target: PathBuf) -> Result<Result<Self, String>> {
        if tool::output(Command::new("cargo").args(["+nightly", "--version"])).is_err() {
            return Ok(Err("needs `rustup toolchain install nightly`".into()));
        }
        let program = tool::installed("cargo-fuzz")?;
        let folder = program.parent().map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::env::split_paths(&path).chain(folder))?;
        Ok(Ok(Fuzzer { root, target, path }))
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
        // What was freed is kept for a while to catch who still uses it: not for so long that it counts as memory in use.
        command.env("ASAN_OPTIONS", "quarantine_size_mb=16:detect_leaks=0");
        let (status, said) = listen(&mut command, round.seconds)?;
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

/// Runs libFuzzer to its end; and what it says.
fn listen(command: &mut Command, seconds: u32) -> Result<(ExitStatus, String)> {
    /// Cargo looks for changes, and libFuzzer runs all seeds first, whatever time they take.
    const MORE: Duration = Duration::from_secs(300);
    let mut file = tempfile::tempfile()?;
    command.stdout(file.try_clone()?).stderr(file.try_clone()?);
    let mut child = command.spawn().context("cannot start cargo")?;
    let status = watchdog::wait(&mut child, Duration::from_secs(seconds.into()) + MORE)?;
    let mut said = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut said)?;
    Ok((status, String::from_utf8_lossy(&said).into_owned()))
}

/// The file with the input that fails.
fn found(said: &str) -> Option<&str> {
    Some(said.lines().find_map(|line| line.split_once("Test unit written to "))?.1)
}

/// What a round did, by the figures at its end.
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

/// What a panic or a sanitizer says, and where it was.
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
