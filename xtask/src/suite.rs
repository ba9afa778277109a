//! Suites: what is run, what it needs of the machine, and what became of it.

use std::fmt::Write;
use std::time::Instant;

use anyhow::Result;

use crate::{debian, tool};

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
    after: Option<String>,
    run: Box<dyn FnOnce() -> Result<Verdict>>,
}

impl Suite {
    pub(crate) fn new(name: impl Into<String>, run: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self::skippable(name, || run().map(|()| Verdict::Passed))
    }

    /// A suite that finds out itself whether it can run.
    pub(crate) fn skippable(
        name: impl Into<String>,
        run: impl FnOnce() -> Result<Verdict> + 'static,
    ) -> Self {
        Suite { name: name.into(), needs: Vec::new(), after: None, run: Box::new(run) }
    }

    /// A suite that runs cargo.
    pub(crate) fn cargo(name: impl Into<String>, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        Self::new(name, move || tool::cargo(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
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

    fn run(self) -> Result<Verdict> {
        let missing = |needs: &[(String, String)]| -> Vec<String> {
            let missing = needs.iter().filter(|(program, _)| tool::which(program).is_none());
            missing.map(|(_, package)| package.clone()).collect()
        };
        let packages = missing(&self.needs);
        if !packages.is_empty() {
            if !debian::may_install() {
                return Ok(Verdict::Skipped(format!("needs the Debian packages: {}", packages.join(" "))));
            }
            debian::install(&packages)?;
            let still = missing(&self.needs);
            anyhow::ensure!(still.is_empty(), "still missing after installing: {}", still.join(" "));
        }
        (self.run)()
    }
}

/// Runs the suites whose names contain one of `names` and those that they come after, or all when there are no names,
/// and prints a line for each that did not pass and a summary. Whether all is well; in continuous integration (`CI=true`)
/// nothing may be skipped.
pub(crate) fn run_all(suites: Vec<Suite>, names: &[&str]) -> Result<bool> {
    let strict = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut remarks = String::new();
    let chosen = |suite: &Suite| names.is_empty() || names.iter().any(|name| suite.name.contains(name));
    let makers: Vec<_> =
        suites.iter().filter(|suite| chosen(suite)).filter_map(|suite| suite.after.clone()).collect();
    for suite in suites.into_iter().filter(|suite| chosen(suite) || makers.contains(&suite.name)) {
        let name = suite.name.clone();
        println!("\n── {name}");
        let start = Instant::now();
        let verdict = suite.run();
        println!("── {name}: {:.1} s", start.elapsed().as_secs_f64());
        match verdict {
            Ok(Verdict::Passed) => passed += 1,
            Ok(Verdict::Skipped(why)) if strict => {
                failed += 1;
                writeln!(remarks, "failed   {name}: skipped, and CI=true: {why}")?;
            }
            Ok(Verdict::Skipped(why)) => {
                skipped += 1;
                writeln!(remarks, "skipped  {name}: {why}")?;
            }
            Err(error) => {
                failed += 1;
                println!("{error:#}");
                writeln!(remarks, "failed   {name}: {}", first_line(&format!("{error:#}")))?;
            }
        }
    }
    anyhow::ensure!(passed + failed + skipped > 0, "no suite is called {}", names.join(" or "));
    println!("\n{remarks}{passed} passed, {failed} failed, {skipped} skipped");
    Ok(failed == 0)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
