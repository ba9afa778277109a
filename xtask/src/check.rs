//! The checks: they run none of the project's code.

use anyhow::Result;

use crate::suite::Suite;
use crate::{circles, cross, header, hygiene, msrv, mutants, tool};

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
    ];
    suites.extend(cross::suites());
    suites
}

fn documentation() -> Result<()> {
    tool::run(tool::cargo_command(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
