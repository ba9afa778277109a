//! Suites: a suite is a check or a group of tests that runs as one, and lists the programs of the machine that it needs.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::{debian, tool, watchdog};

/// The error of a suite that cannot run on this machine. It says what the machine lacks, and what brings it.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl Display for Missing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// How a suite ends that does not fail.
pub(crate) enum Verdict {
    Passed,
    /// The machine lacks something: a line for its user.
    Skipped(String),
}

/// Something that passes, fails or is skipped.
pub(crate) struct Suite {
    pub(crate) name: String,
    /// Programs of the machine, each with the Debian package that brings it.
    needs: Vec<(String, String)>,
    /// The suite that makes the programs which this one uses.
    pub(crate) after: Option<String>,
    /// It may run beside other suites.
    pub(crate) beside: bool,
    run: Box<dyn FnOnce() -> Result<()> + Send>,
}

impl Suite {
    pub(crate) fn new(name: impl Into<String>, run: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Suite { name: name.into(), needs: Vec::new(), after: None, beside: false, run: Box::new(run) }
    }

    /// A suite that runs cargo.
    pub(crate) fn cargo(name: impl Into<String>, arguments: &[&str]) -> Self {
        Self::cargo_within(name, arguments, watchdog::LIMIT)
    }

    /// A suite that runs cargo for a limited time.
    pub(crate) fn cargo_within(name: impl Into<String>, arguments: &[&str], limit: Duration) -> Self {
        let mut cargo = tool::cargo_command(arguments);
        Self::new(name, move || tool::run_within(&mut cargo, limit))
    }

    /// The suite needs programs of the machine, each with the Debian package that brings it.
    pub(crate) fn needing<S: Into<String>>(mut self, needs: impl IntoIterator<Item = (S, S)>) -> Self {
        self.needs.extend(needs.into_iter().map(|(program, package)| (program.into(), package.into())));
        self
    }

    /// The suite runs after that one. Whoever chooses it by name chooses that one too.
    pub(crate) fn after(mut self, name: &str) -> Self {
        self.after = Some(name.to_owned());
        self
    }

    /// The suite builds into folders of its own and uses nothing that others make: it may run beside them.
    pub(crate) fn beside(mut self) -> Self {
        self.beside = true;
        self
    }

    pub(crate) fn run(self) -> Result<Verdict> {
        match provide(&self.needs).and_then(|()| (self.run)()) {
            Ok(()) => Ok(Verdict::Passed),
            Err(error) => error.downcast().map(|Missing(what)| Verdict::Skipped(what)),
        }
    }
}

/// Installs the packages of programs that the machine lacks.
///
/// # Errors
/// [`Missing`] where that is not allowed.
pub(crate) fn provide(needs: &[(String, String)]) -> Result<()> {
    let missing = || -> Vec<&str> {
        let missing = needs.iter().filter(|(program, _)| tool::which(program).is_none());
        missing.map(|(_, package)| package.as_str()).collect()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    ensure!(debian::may_install(), Missing(format!("needs the Debian packages: {}", packages.join(" "))));
    debian::install(&packages)?;
    let still = missing();
    ensure!(still.is_empty(), "still missing after installing: {}", still.join(" "));
    Ok(())
}
