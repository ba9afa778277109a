//! The unwinder behind the feature `mini-backtrace`, against the default one. LLVM's libunwind is built by clang++ and
//! finds the unwind tables by symbols that a linker script defines, so the crate is built apart from everything else.

use anyhow::{Context, Result};

use crate::suite::Suite;
use crate::tool;
use crate::workspace::Metadata;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// `--target` keeps the linker script from build scripts and macros.
const TESTS: [&str; 10] = [
    "test",
    "--package",
    "memtrack-core",
    "--features",
    "mini-backtrace",
    "--lib",
    "--target",
    TARGET,
    "--quiet",
    "mini::",
];

pub(crate) fn suite() -> Suite {
    let needs = [("clang++".to_owned(), "clang".to_owned())];
    Suite::new("mini-backtrace", run)
        .needing(needs.iter().map(|(program, package)| (program, package)))
        .beside()
}

fn run() -> Result<()> {
    let metadata = Metadata::with_all_features()?;
    let script =
        metadata.package_folder("mini-backtrace").context("core does not depend on mini-backtrace")?;
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let script = script.join("eh_frame.ld");
    tool::run(
        tool::cargo_command(&TESTS)
            .env("CARGO_TARGET_DIR", metadata.target_directory.join("mini-backtrace"))
            .env("CXX", "clang++")
            .env("RUSTFLAGS", format!("{flags} -C link-arg=-Wl,-T,{}", script.display())),
    )
}
