//! Everything that is checked without running the project's code.

use anyhow::Result;

use crate::suite::Suite;
use crate::workspace::Metadata;
use crate::{circles, cross, header, hygiene, msrv, mutants, tool};

pub(crate) fn suites() -> Result<Vec<Suite>> {
    let metadata = Metadata::read()?;
    let mut suites = vec![
        Suite::cargo("fmt", &["fmt", "--all", "--check"]),
        Suite::cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    ];
    if metadata.has_member("memtrack-core") {
        let arguments = ["clippy", "-p", "memtrack-core", "--no-default-features", "--", "-D", "warnings"];
        suites.push(Suite::cargo("clippy without std", &arguments));
    }
    suites.push(Suite::new("rustdoc", documentation));
    suites.push(Suite::new("MSRV", msrv::check));
    suites.push(Suite::skippable("hygiene", hygiene::check));
    suites.push(Suite::new("mutants apply", mutants::check));
    suites.push(Suite::new("circles", circles::check));
    if metadata.has_member("memtrack-ffi") {
        suites.push(Suite::new("C header", header::check));
    }
    suites.extend(cross::suites());
    Ok(suites)
}

fn documentation() -> Result<()> {
    tool::run(tool::cargo_command(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
