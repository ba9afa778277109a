//! `cargo xtask mutants --generated`: cargo-mutants changes every function a little, and runs the unit tests and the suites
//! that are nearest to it. A change that survives is either no bug or not tested: somebody has to look.
//!
//! A part takes hours. So the user names a part, or one file of it, and no other command runs this.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::tree::Tree;
use crate::{tool, watchdog};

const USAGE: &str = "cargo xtask mutants --generated [format|table|unwind][/FILE]…";
/// Seconds that one mutant's tests may take. Tests that take longer hang.
const TIMEOUT: &str = "120";
const BUILD_TIMEOUT: &str = "600";
/// No part takes longer.
const LIMIT: Duration = Duration::from_secs(48 * 60 * 60);

/// The code that is changed, and the tests that must find it.
struct Part {
    name: &'static str,
    folder: &'static str,
    packages: &'static [&'static str],
    /// The arguments that choose tests of the packages.
    tests: &'static str,
}

const BOTH: &[&str] = &["memtrack-core", "memtrack-tests"];
const PARTS: [Part; 3] = [
    Part { name: "format", folder: "format/src", packages: &["memtrack-format"], tests: "--lib --tests" },
    Part {
        name: "table",
        folder: "core/src/table",
        packages: BOTH,
        tests: "--lib --test=oracle --test=figures --test=regions --test=equation",
    },
    Part {
        name: "unwind",
        folder: "core/src/unwind",
        packages: BOTH,
        tests: "--lib --test=stacks --test=odd_stacks --test=losses --test=compared",
    },
];

/// Code that these tests do not run: that of other processors and features, and the model checkers' scenarios.
const OTHERS: [&str; 4] =
    ["core/src/table/models", "**/*bare.rs", "**/mini_backtrace.rs", "**/linked_tables.rs"];

/// Runs parts, or single files of them. Returns whether nothing survived.
pub(super) fn run(names: &[&str]) -> Result<bool> {
    let names = if names.is_empty() { PARTS.map(|part| part.name).to_vec() } else { names.to_vec() };
    let chosen: Vec<(&Part, String)> = names.into_iter().map(choose).collect::<Result<_>>()?;
    let program = tool::installed("cargo-mutants")?;
    let tree = Tree::copy()?;
    let mut well = true;
    for (part, files) in chosen {
        well &= run_one(part, &files, &program, &tree)?;
    }
    Ok(well)
}

/// A part and the files of it that are changed.
fn choose(name: &str) -> Result<(&'static Part, String)> {
    let (part, file) = name.split_once('/').unwrap_or((name, "**/*.rs"));
    let part = PARTS.iter().find(|other| other.name == part).context(USAGE)?;
    Ok((part, format!("{}/{file}", part.folder)))
}

fn run_one(part: &Part, files: &str, program: &Path, tree: &Tree) -> Result<bool> {
    let output = tree.target.with_file_name("generated").join(part.name);
    fs::create_dir_all(&output)?;
    let mut command = Command::new(program);
    command.args(["mutants", "--in-place", "--no-shuffle", "--level=error", "--profile=mutants"]);
    command.args(["--file", files]);
    OTHERS.iter().for_each(|other| _ = command.args(["--exclude", other]));
    command.args(["--timeout", TIMEOUT, "--build-timeout", BUILD_TIMEOUT, "--output"]).arg(&output);
    part.packages.iter().for_each(|package| _ = command.args(["--test-package", package]));
    command.arg("--").args(part.tests.split(' '));
    command.current_dir(&tree.sources).env("CARGO_TARGET_DIR", &tree.target);
    let status = watchdog::wait(&mut command.spawn()?, LIMIT)?;
    // 0: all were caught. 2: some were missed. 3: some hung, which is caught too.
    match status.code() {
        Some(0 | 3) => Ok(true),
        Some(2) => {
            println!("survivors: {}", output.join("mutants.out/missed.txt").display());
            Ok(false)
        }
        _ => bail!("cargo-mutants: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{PARTS, choose};
    use crate::workspace;

    #[test]
    fn a_part_or_a_file_of_it_is_chosen() {
        assert_eq!(choose("table").unwrap().1, "core/src/table/**/*.rs");
        assert_eq!(choose("table/index.rs").unwrap().1, "core/src/table/index.rs");
        assert!(choose("tables").is_err() && choose("").is_err());
        for part in &PARTS {
            assert!(workspace::root().join(part.folder).is_dir(), "{}", part.folder);
        }
    }
}
