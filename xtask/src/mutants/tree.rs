//! The copy of the working tree, below the target directory, in which mutants are planted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};

use super::list::{Mutant, Suite};
use crate::fuzz::{self, Fuzzer, Outcome, Round};
use crate::{tool, watchdog, workspace};

/// The packages that suites across crates use: all but the commands and the benchmarks.
const PACKAGES: [&str; 7] =
    ["--workspace", "--exclude", "xtask", "--exclude", "bench-driver", "--exclude", "memtrack-benches"];
/// No suite takes longer without a mutant.
pub(super) const LIMIT: Duration = Duration::from_secs(5 * 60);
/// Seconds in which a fuzz target must find a mutant.
const FUZZ_SECONDS: u32 = 60;

pub(super) struct Tree {
    pub(super) sources: PathBuf,
    pub(super) target: PathBuf,
    /// The manifest of the suites across crates.
    suites: String,
}

/// A file that contains a mutant. `drop` puts its text back.
pub(super) struct Planted {
    path: PathBuf,
    text: String,
}

impl Drop for Planted {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.text) {
            eprintln!("xtask: {} still contains a mutant: {error}", self.path.display());
        }
    }
}

impl Tree {
    /// Copies the files of the working tree that git tracks, and those that it does not know yet.
    pub(super) fn copy() -> Result<Tree> {
        let root = workspace::root();
        let base = workspace::target()?.join("mutants");
        let suites = fs::read_to_string(root.join("tests/Cargo.toml"))?;
        let tree = Tree { sources: base.join("sources"), target: base.join("target"), suites };
        let list = tool::output(
            Command::new("git")
                .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
                .current_dir(&root),
        )?;
        for name in String::from_utf8(list)?.split('\0').filter(|name| !name.is_empty()) {
            tree.take(&root, name).with_context(|| name.to_owned())?;
        }
        Ok(tree)
    }

    /// Copies a file unless its copy is the same: an old copy keeps its time, and is not built again.
    fn take(&self, root: &Path, name: &str) -> Result<()> {
        let (from, to) = (root.join(name), self.sources.join(name));
        // A deleted file is listed until it is committed.
        if !from.is_file() {
            return Ok(());
        }
        let bytes = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        fs::create_dir_all(to.parent().unwrap_or(&to))?;
        fs::copy(&from, &to)?;
        Ok(fs::write(&to, bytes)?)
    }

    /// Plants a mutant until the value is dropped.
    pub(super) fn plant(&self, mutant: &Mutant) -> Result<Planted> {
        let path = self.sources.join(&mutant.file);
        let planted = Planted { text: fs::read_to_string(&path)?, path };
        fs::write(&planted.path, mutant.apply(&planted.text)?)?;
        Ok(planted)
    }

    /// Builds a suite, and the libraries and the program that suites across crates use.
    pub(super) fn build(&self, suite: &Suite) -> Result<()> {
        if let Some(target) = &suite.fuzz {
            return self.fuzzer()?.build(target);
        }
        if suite.package == "memtrack-tests" {
            self.prepare(suite.test.as_deref().as_slice())?;
        }
        // The compiler's messages matter only when it refuses the mutant.
        tool::output(self.test(suite).arg("--no-run")).map(drop)
    }

    /// Builds the libraries and the program that suites across crates use. The suites' own programs are built with them.
    pub(super) fn prepare(&self, suites: &[&str]) -> Result<()> {
        self.list_programs(suites)?;
        let mut build = self.cargo("build");
        tool::output(build.args(PACKAGES).args(["--lib", "--bin", "memtrack-fold"])).map(drop)
    }

    /// Has the copy's manifest list the programs that suites start. Cargo would build all programs of the package with any
    /// suite of it, which would be most of the time of a run.
    fn list_programs(&self, suites: &[&str]) -> Result<()> {
        let file = |suite| self.sources.join("tests/tests").join(suite).with_extension("rs");
        // A suite in a folder of its own starts none.
        let text: String = suites.iter().filter_map(|suite| fs::read_to_string(file(suite)).ok()).collect();
        Ok(fs::write(self.sources.join("tests/Cargo.toml"), with_programs_of(&self.suites, &text))?)
    }

    /// The tests of a suite that fail, or its other failure. `None` if it passes.
    pub(super) fn failure(&self, suite: &Suite, limit: Duration) -> Result<Option<String>> {
        if let Some(name) = &suite.fuzz {
            let target = fuzz::targets()?.into_iter().find(|target| target.name == *name);
            let target = target.with_context(|| format!("no fuzz target is called {name}"))?;
            let outcome = self.fuzzer()?.run(&target, Round::repeatable(FUZZ_SECONDS))?;
            return Ok(matches!(outcome, Outcome::Found { .. }).then(|| name.clone()));
        }
        let mut command = self.test(suite);
        command.args(&suite.filter);
        let (ended, printed) = watchdog::listen(&mut command, limit)?;
        if ended.as_ref().is_ok_and(ExitStatus::success) {
            return Ok(None);
        }
        let tests = failed_tests(&printed);
        Ok(Some(match ended {
            Err(hung) => hung.to_string(),
            Ok(status) if tests.is_empty() => status.to_string(),
            Ok(_) => tests,
        }))
    }

    fn fuzzer(&self) -> Result<Fuzzer> {
        Fuzzer::on(self.sources.clone(), self.target.join("fuzz"))
    }

    /// Suites across crates are chosen from the whole workspace, as `cargo xtask test` does: with other packages they would have
    /// other features.
    fn test(&self, suite: &Suite) -> Command {
        let mut command = self.cargo("test");
        if suite.models {
            command.env("CARGO_TARGET_DIR", self.target.join("models")).env("RUSTFLAGS", "--cfg models");
        }
        match &suite.test {
            Some(test) => command.args(PACKAGES).args(["--test", test]),
            None => command.args(["--package", &suite.package, "--lib"]),
        };
        command
    }

    fn cargo(&self, subcommand: &str) -> Command {
        let mut command = tool::cargo_command(&[subcommand, "--quiet", "--profile", "mutants"]);
        command.current_dir(&self.sources).env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

/// A manifest with the programs that a suite names, and no others. Empty lines separate its sections.
fn with_programs_of(manifest: &str, suite: &str) -> String {
    let named = suite.split("CARGO_BIN_EXE_").skip(1).filter_map(|text| text.split('"').next());
    let mut named: BTreeSet<&str> = named.collect();
    let is_needed = |section: &&str| {
        let Some((_, program)) = section.split_once("[[bin]]\nname = \"") else { return true };
        program.split('"').next().is_some_and(|name| named.remove(name))
    };
    let mut sections: Vec<String> = manifest.split("\n\n").filter(is_needed).map(str::to_owned).collect();
    sections.extend(named.iter().map(|name| format!("[[bin]]\nname = \"{name}\"\n")));
    sections.join("\n\n").replacen("[package]\n", "[package]\nautobins = false\n", 1)
}

/// The names that the test harness lists at its end.
fn failed_tests(printed: &str) -> String {
    let (_, list) = printed.rsplit_once("failures:\n").unwrap_or_default();
    let names: Vec<&str> = list.lines().map_while(|line| line.strip_prefix("    ")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{failed_tests, with_programs_of};

    #[test]
    fn failed_tests_are_named() {
        let printed = "failures:\n\n---- b stdout ----\nfailures:\n\nfailures:\n    a::b\n    c\n\ntest result: FAILED.\n";
        assert_eq!(failed_tests(printed), "a::b, c");
        assert_eq!(failed_tests("Segmentation fault\n"), "");
    }

    #[test]
    fn a_manifest_lists_the_programs_that_a_suite_names() {
        let [a, b] = ["a", "ab"].map(|name| format!("[[bin]]\nname = \"{name}\"\npath = \"x\""));
        let manifest = format!("[package]\n\n{a}\n\n# About it.\n{b}\n\n[lints]\n");
        let programs = with_programs_of(&manifest, "env!(\"CARGO_BIN_EXE_a\"), env!(\"CARGO_BIN_EXE_c\")");
        let c = "[[bin]]\nname = \"c\"\n";
        assert_eq!(programs, format!("[package]\nautobins = false\n\n{a}\n\n[lints]\n\n\n{c}"));
    }
}
