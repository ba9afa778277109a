//! The copy of the working tree that mutants are planted in, below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::list::{Mutant, Suite};
use crate::fuzz::{self, Fuzzer, Outcome, Round};
use crate::workspace::{self, Metadata};
use crate::{tool, watchdog};

/// A mutant that makes a suite hang for longer is caught.
const LIMIT: Duration = Duration::from_secs(5 * 60);
/// In which a fuzz target has to find a mutant.
const FUZZ_SECONDS: u32 = 60;

pub(super) struct Tree {
    sources: PathBuf,
    target: PathBuf,
}

/// A file that holds a mutant. Its text is put back by `drop`.
pub(super) struct Planted {
    path: PathBuf,
    text: String,
}

impl Drop for Planted {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.text) {
            eprintln!("xtask: {} still holds a mutant: {error}", self.path.display());
        }
    }
}

impl Tree {
    /// Copies what git tracks, and what it does not know yet, as it is in the working tree.
    pub(super) fn copy() -> Result<Tree> {
        let root = workspace::root();
        let base = Metadata::read()?.target_directory.join("mutants");
        let tree = Tree { sources: base.join("sources"), target: base.join("target") };
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

    /// Copies a file that differs from the copy: one that is the same keeps its time, and is not built again.
    fn take(&self, root: &Path, name: &str) -> Result<()> {
        let (from, to) = (root.join(name), self.sources.join(name));
        // One that was removed and not yet committed.
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
        fs::write(&planted.path, mutant.applied()?)?;
        Ok(planted)
    }

    /// Builds a suite, and what it uses.
    pub(super) fn build(&self, suite: &Suite) -> Result<()> {
        if let Some(target) = &suite.fuzz {
            return self.fuzzer()?.build(target);
        }
        if !suite.programs.is_empty() {
            let packages = suite.programs.iter().flat_map(|package| ["--package", package]);
            tool::run(self.cargo(suite).args(["build", "--quiet", "--release"]).args(packages))?;
        }
        tool::run(self.test(suite).arg("--no-run"))
    }

    /// Whether a suite that was built passes. What it prints is of no interest.
    pub(super) fn passes(&self, suite: &Suite) -> Result<bool> {
        if let Some(name) = &suite.fuzz {
            let target = fuzz::targets()?.into_iter().find(|target| target.name == *name);
            let target = target.with_context(|| format!("no fuzz target is called {name}"))?;
            let outcome = self.fuzzer()?.run(&target, Round::repeatable(FUZZ_SECONDS))?;
            return Ok(matches!(outcome, Outcome::Nothing(_)));
        }
        let mut command = self.test(suite);
        if let Some(filter) = &suite.filter {
            command.arg(filter);
        }
        let quiet = std::process::Stdio::null;
        let mut child = command.stdout(quiet()).stderr(quiet()).spawn()?;
        Ok(watchdog::wait(&mut child, LIMIT).is_ok_and(|status| status.success()))
    }

    fn fuzzer(&self) -> Result<Fuzzer> {
        Fuzzer::on(self.sources.clone(), self.target.join("fuzz"))?.map_err(anyhow::Error::msg)
    }

    fn test(&self, suite: &Suite) -> Command {
        let mut command = self.cargo(suite);
        command.args(["test", "--quiet", "--release", "--package", &suite.package]);
        match &suite.test {
            Some(test) => command.args(["--test", test]),
            None => command.arg("--lib"),
        };
        command
    }

    fn cargo(&self, suite: &Suite) -> Command {
        let mut command = tool::cargo_command(&[]);
        command.current_dir(&self.sources).env("CARGO_TARGET_DIR", &self.target);
        if suite.models {
            command.env("CARGO_TARGET_DIR", self.target.join("models")).env("RUSTFLAGS", "--cfg models");
        }
        command
    }
}
