//! `cargo xtask models`: loom and shuttle run the tracker's concurrent parts in every order. The condition `models` turns
//! the tables' atomics into theirs, so the crate is built apart from everything else.

use anyhow::Result;

use crate::suite::Suite;
use crate::tool;
use crate::workspace::Metadata;

/// Optimised: the checkers run each scenario tens of thousands of times.
const TESTS: [&str; 6] = ["test", "--release", "--package", "memtrack-core", "--lib", "models::"];

pub(crate) fn suite() -> Suite {
    Suite::new("models", run).beside()
}

fn run() -> Result<()> {
    let target = Metadata::read()?.target_directory.join("models");
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let mut cargo = tool::cargo_command(&TESTS);
    tool::run(cargo.env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", format!("{flags} --cfg models")))
}
