//! The mutants: `mutants/*.toml`, a file for each promise of `docs/reliability.md`.

use std::fmt::{self, Display, Formatter};
use std::fs;

use anyhow::{Context, Result, ensure};
use cargo_metadata::Metadata;
use serde::Deserialize;

use crate::workspace;

/// A bug to plant, and the suites that must find it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    /// The file that has the bug, from the root of the workspace.
    pub(super) file: String,
    /// The text that it replaces. The file has it exactly once.
    old: String,
    new: String,
    pub(super) suites: Vec<Suite>,
}

/// The tests that `cargo test` runs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Suite {
    /// The package.
    pub(super) package: String,
    /// Its integration test; without one its unit tests.
    pub(super) test: Option<String>,
    /// Names of tests contain this.
    pub(super) filter: Option<String>,
    /// A target of cargo-fuzz in place of a test, which finds the bug within a minute.
    pub(super) fuzz: Option<String>,
    /// Built for the model checkers.
    #[serde(default)]
    pub(super) models: bool,
}

impl Suite {
    /// The programs of the machine that it needs, each with the Debian package that brings it.
    pub(super) fn needs(&self, metadata: &Metadata) -> Result<Vec<(String, String)>> {
        let packages = metadata.workspace_packages();
        let package = packages.into_iter().find(|package| package.name.as_str() == self.package);
        match package.zip(self.test.as_deref()) {
            Some((package, test)) => Ok(workspace::suite(package, test)?.needs.into_iter().collect()),
            None => Ok(Vec::new()),
        }
    }
}

impl Display for Suite {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let test = self.test.as_deref().or(self.fuzz.as_deref()).unwrap_or("unit tests");
        write!(f, "{} of {} {}", test, self.package, self.filter.as_deref().unwrap_or_default())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    mutant: Vec<Mutant>,
}

/// All mutants, by file and in their order.
pub(crate) fn read() -> Result<Vec<Mutant>> {
    let folder = workspace::root().join("mutants");
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut mutants = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "toml")) {
        let page: Page =
            toml::from_str(&fs::read_to_string(file)?).with_context(|| file.display().to_string())?;
        mutants.extend(page.mutant);
    }
    Ok(mutants)
}

impl Mutant {
    /// The file's text with the bug.
    pub(crate) fn applied(&self) -> Result<String> {
        let path = workspace::root().join(&self.file);
        let text = fs::read_to_string(&path).with_context(|| format!("{}: {}", self.name, self.file))?;
        self.apply(&text)
    }

    /// A text of that file with the bug.
    pub(super) fn apply(&self, text: &str) -> Result<String> {
        let (old, new) = (self.old.trim_matches('\n'), self.new.trim_matches('\n'));
        let found = text.matches(old).count();
        ensure!(found == 1, "{}: {} has its text {found} times, not once", self.name, self.file);
        Ok(text.replacen(old, new, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Mutant, Page};

    fn mutant() -> Mutant {
        let text = r#"
            [[mutant]]
            name = "wrong-sum"
            file = "sum.rs"
            old = '''
a + b'''
            new = '''
a - b'''
            suites = [{ package = "sums", test = "sums", filter = "small" }]
        "#;
        toml::from_str::<Page>(text).unwrap().mutant.remove(0)
    }

    #[test]
    fn a_mutant_replaces_the_one_piece_of_text() {
        assert_eq!(mutant().apply("let c = a + b;\n").unwrap(), "let c = a - b;\n");
        assert_eq!(mutant().suites[0].to_string(), "sums of sums small");
    }

    #[test]
    fn text_that_is_missing_or_ambiguous_is_an_error() {
        for text in ["let c = b + a;", "a + b + (a + b)"] {
            let error = mutant().apply(text).unwrap_err().to_string();
            assert!(error.starts_with("wrong-sum: sum.rs has its text"), "{error}");
        }
    }
}
