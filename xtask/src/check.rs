//! The checks: they run none of the project's code.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::suite::Suite;
use crate::{circles, cross, header, hygiene, msrv, mutants, python, tool, workspace};

const WITHOUT_STD: [&str; 7] =
    ["clippy", "-p", "memtrack-core", "--no-default-features", "--", "-D", "warnings"];

pub(crate) fn suites() -> Vec<Suite> {
    let mut suites = vec![
        Suite::cargo("fmt", &["fmt", "--all", "--check"]),
        Suite::cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Suite::cargo("clippy without std", &WITHOUT_STD),
        Suite::new("rustdoc", documentation),
        Suite::new("MSRV", msrv::check),
        Suite::new("hygiene", hygiene::check),
        Suite::new("mutants apply", mutants::check),
        Suite::new("circles", circles::check),
        Suite::new("C header", header::check),
        Suite::new("lock files", lock_files),
        Suite::new("workflows", workflows),
    ];
    suites.extend(cross::suites());
    suites
}

fn documentation() -> Result<()> {
    tool::run(tool::cargo_command(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The lock file of each workspace says what its manifests ask for.
fn lock_files() -> Result<()> {
    for folder in workspace::ALL {
        let manifest = workspace::root().join(folder).join("Cargo.toml");
        let arguments = ["metadata", "--locked", "--format-version", "1", "--manifest-path"];
        tool::output(tool::cargo_command(&arguments).arg(manifest))?;
    }
    Ok(())
}

/// The workflows of continuous integration have the form that their schema describes.
fn workflows() -> Result<()> {
    let mut check = Command::new(python::interpreter("check-jsonschema")?);
    check.args(["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]);
    for entry in fs::read_dir(workspace::root().join(".github/workflows"))? {
        check.arg(entry?.path());
    }
    tool::run(&mut check)
}
