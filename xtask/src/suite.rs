//! Suites: what is run, and what it needs of the machine.

use std::time::Duration;

use anyhow::Result;

use crate::{debian, tool, watchdog};

/// What a suite that ran to its end says.
pub(crate) enum Verdict {
    Passed,
    /// It could not be run here; the line says what is missing and what brings it.
    Skipped(String),
}

/// Something that passes, fails or is skipped.
pub(crate) struct Suite {
    pub(crate) name: String,
    /// Programs of the machine, each with the Debian package that brings it.
    needs: Vec<(String, String)>,
    /// The suite that makes what this one uses.
    pub(crate) after: Option<String>,
    /// It runs while others do.
    pub(crate) beside: bool,
    run: Box<dyn FnOnce() -> Result<Verdict> + Send>,
}

impl Suite {
    pub(crate) fn new(name: impl Into<String>, run: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Self::skippable(name, || run().map(|()| Verdict::Passed))
    }

    /// A suite that finds out itself whether it can run.
    pub(crate) fn skippable(
        name: impl Into<String>,
        run: impl FnOnce() -> Result<Verdict> + Send + 'static,
    ) -> Self {
        Suite { name: name.into(), needs: Vec::new(), after: None, beside: false, run: Box::new(run) }
    }

    /// A suite that runs cargo.
    pub(crate) fn cargo(name: impl Into<String>, arguments: &[&str]) -> Self {
        Self::cargo_within(name, arguments, watchdog::LIMIT)
    }

    /// A suite that runs cargo for a limited time.
    pub(crate) fn cargo_within(name: impl Into<String>, arguments: &[&str], limit: Duration) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Self::new(name, move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            tool::run_within(&mut tool::cargo_command(&arguments), limit)
        })
    }

    pub(crate) fn needing<'a>(mut self, needs: impl Iterator<Item = (&'a String, &'a String)>) -> Self {
        self.needs.extend(needs.map(|(program, package)| (program.clone(), package.clone())));
        self
    }

    /// Chosen by name it runs after that one, which is then chosen too.
    pub(crate) fn after(mut self, name: &str) -> Self {
        self.after = Some(name.to_owned());
        self
    }

    /// It builds into folders of its own and needs none of the others: it runs beside them.
    pub(crate) fn beside(mut self) -> Self {
        self.beside = true;
        self
    }

    pub(crate) fn run(self) -> Result<Verdict> {
        match provide(&self.needs)? {
            Some(missing) => Ok(Verdict::Skipped(missing)),
            None => (self.run)(),
        }
    }
}

/// Installs the packages of programs that the machine lacks, where that is allowed; otherwise a line on what is missing.
pub(crate) fn provide(needs: &[(String, String)]) -> Result<Option<String>> {
    let missing = || -> Vec<String> {
        let missing = needs.iter().filter(|(program, _)| tool::which(program).is_none());
        missing.map(|(_, package)| package.clone()).collect()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(None);
    }
    if !debian::may_install() {
        return Ok(Some(format!("needs the Debian packages: {}", packages.join(" "))));
    }
    debian::install(&packages)?;
    let still = missing();
    anyhow::ensure!(still.is_empty(), "still missing after installing: {}", still.join(" "));
    Ok(None)
}
