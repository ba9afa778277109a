//! Unit tests of the tracker's crate under conditions of the compiler or the linker that nothing else has. Each builds into a
//! target directory of its own, and runs beside other suites.

use std::process::Command;

use anyhow::{Context, Result};

use crate::suite::Suite;
use crate::{tool, workspace};

/// `cargo xtask models`: loom and shuttle run the tracker's concurrent parts in every order. The condition `models` turns the
/// tables' atomics into theirs.
pub(crate) fn models() -> Suite {
    // Optimised: the checkers run each scenario tens of thousands of times.
    let test = || tool::run(&mut tests("models", "--cfg models", "--release --lib models::")?);
    Suite::new("models", test).beside()
}

/// The unwinder of the feature `mini-backtrace`, compared with the default one. LLVM's libunwind is built by clang++, and finds
/// the unwind tables by symbols that a linker script defines.
pub(crate) fn mini_backtrace() -> Suite {
    // `--target` keeps the linker script from build scripts and macros.
    const TESTS: &str =
        "--features mini-backtrace --lib --target x86_64-unknown-linux-gnu --quiet mini_backtrace::";
    let test = || {
        let metadata = workspace::metadata_with_all_features()?;
        let package = metadata.packages.iter().find(|package| package.name.as_str() == "mini-backtrace");
        let package = package.context("core does not depend on mini-backtrace")?;
        let script = package.manifest_path.with_file_name("eh_frame.ld");
        let flags = format!("-C link-arg=-Wl,-T,{script}");
        tool::run(tests("mini-backtrace", &flags, TESTS)?.env("CXX", "clang++"))
    };
    Suite::new("mini-backtrace", test).needing([("clang++", "clang")]).beside()
}

fn tests(folder: &str, flags: &str, arguments: &str) -> Result<Command> {
    let all = std::env::var("RUSTFLAGS").unwrap_or_default();
    let mut cargo = tool::cargo_command(&["test", "--package", "memtrack-core"]);
    cargo.args(arguments.split(' ')).env("CARGO_TARGET_DIR", workspace::target()?.join(folder));
    cargo.env("RUSTFLAGS", format!("{all} {flags}"));
    Ok(cargo)
}
