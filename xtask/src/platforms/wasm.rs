//! WebAssembly: the program `everywhere` under WASI, and the example of a page, both in Node.js.
//!
//! A program for WASI needs the C library of WASI, which comes from Debian, and a linker, which rustup's toolchain has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::suite::Suite;
use crate::test::WORKSPACE;
use crate::toolchain::{self, Toolchain};
use crate::{debian, tool, workspace};

const WASI: &str = "wasm32-wasip1";
const BROWSER: &str = "wasm32-unknown-unknown";
/// A program of WebAssembly cannot unwind.
const LIBRARY: &str = "std,panic_abort";
const NODE: [(&str, &str); 1] = [("node", "nodejs")];

/// The suites of both.
pub(super) fn suites() -> [Suite; 2] {
    let suite = |target: &str, run| Suite::new(format!("platform: {target}"), run).needing(NODE);
    [suite(WASI, wasi as fn() -> Result<()>), suite(BROWSER, browser)]
}

/// The folder in which cargo builds for a target.
fn target() -> PathBuf {
    workspace::root().join("target/platforms")
}

/// Runs `everywhere`, without what WASI lacks, by the suite of that name.
fn wasi() -> Result<()> {
    let mut cargo = tool::cargo_command(&["build", "--quiet", "--package", "everywhere", "--target", WASI]);
    cargo.arg("--target-dir").arg(target());
    // The C library is Debian's with every toolchain, so its startup code is as well.
    cargo.env("RUSTFLAGS", "-Clink-self-contained=no").env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker()?);
    Toolchain::for_target(WASI)?.choose(&mut cargo, LIBRARY);
    tool::run(&mut cargo)?;
    build_fold()?;
    let runner = ["node", "--no-warnings"].map(str::to_owned);
    let script = workspace::root().join("tests/everywhere/wasi.mjs").display().to_string();
    let mut suite = tool::cargo_command(&["test", "--quiet", "--test", "everywhere"]);
    suite.args(WORKSPACE).env("MEMTRACK_EVERYWHERE_PLATFORM", WASI);
    suite.env("MEMTRACK_EVERYWHERE_PROGRAM", target().join(WASI).join("debug/everywhere.wasm"));
    suite.env("MEMTRACK_EVERYWHERE_RUNNER", [&runner[..], &[script]].concat().join(" "));
    suite.env("MEMTRACK_EVERYWHERE_LACKS", "stacks backtrace threads unwinding");
    tool::run(&mut suite)
}

/// A script that links with the C library of WASI.
fn linker() -> Result<PathBuf> {
    let library = debian::unpacked("wasi", &["wasi-libc"], "")?.join("usr/lib/wasm32-wasi");
    fs::create_dir_all(target())?;
    let script = target().join("link-wasi.sh");
    // Debian's library is older than the functions of threads, of which newer ones have those that always fail. They are
    // not called.
    let text = format!(
        "#!/bin/sh\nexec '{}' \"$@\" -L '{library}' '{library}/crt1-command.o' --unresolved-symbols=ignore-all\n",
        toolchain::rust_lld()?.display(),
        library = library.display(),
    );
    fs::write(&script, text)?;
    tool::run(Command::new("chmod").arg("+x").arg(&script))?;
    Ok(script)
}

/// Runs the example of a page. Its dump must have the calls of its own functions by name, and no others.
fn browser() -> Result<()> {
    let example = workspace::root().join("examples/browser");
    let mut cargo = tool::cargo_command(&["build", "--quiet", "--release", "--target", BROWSER]);
    cargo.arg("--manifest-path").arg(example.join("Cargo.toml")).arg("--target-dir").arg(target());
    let toolchain = Toolchain::for_target(BROWSER)?;
    toolchain.choose_linker(&mut cargo, BROWSER)?;
    toolchain.choose(&mut cargo, LIBRARY);
    tool::run(&mut cargo)?;
    build_fold()?;
    let program = target().join(BROWSER).join("release/page.wasm");
    let dump = program.with_extension("memtrack");
    tool::run(Command::new("node").arg(example.join("node.mjs")).args([&program, &dump]))?;
    let expected = ["index;page::add_words", "index;page::text_of", "index;page::text_of;page::word"];
    let calls = own_calls(&dump, &program)?;
    ensure!(calls == expected, "the calls of the page are {calls:#?}");
    Ok(())
}

/// The chains of calls of the page's own functions in a dump, in order.
fn own_calls(dump: &Path, program: &Path) -> Result<Vec<String>> {
    let mut fold = Command::new(workspace::target()?.join("debug/memtrack-fold"));
    let folded = tool::output(fold.arg(dump).args(["--metric", "allocs", "--binary"]).arg(program))?;
    let own = |line: &str| {
        let stack = line.rsplit_once(' ').map_or(line, |(stack, _)| stack);
        let own = |frame: &&str| *frame == "index" || frame.starts_with("page::");
        stack.split(';').filter(own).collect::<Vec<_>>().join(";")
    };
    let mut calls: Vec<String> = String::from_utf8_lossy(&folded).lines().map(own).collect();
    // The exported function itself makes an empty map: whether that allocates is the standard library's choice.
    calls.retain(|call| call != "index");
    calls.sort();
    calls.dedup();
    Ok(calls)
}

/// Builds `memtrack-fold`, with the packages of `cargo xtask test`: with others it would have other features.
fn build_fold() -> Result<()> {
    tool::run(tool::cargo_command(&["build", "--quiet", "--bin", "memtrack-fold"]).args(WORKSPACE))
}
