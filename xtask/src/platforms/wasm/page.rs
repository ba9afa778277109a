//! The example of a page in the engines of two browsers: in Chromium itself and in Node.js, which have V8, and in GNOME's
//! interpreter of JavaScript, which has Firefox's SpiderMonkey.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::super::runs::build_fold;
use super::{LIBRARY, NODE, target};
use crate::suite::Suite;
use crate::toolchain::Toolchain;
use crate::{tool, workspace};

const TRIPLE: &str = "wasm32-unknown-unknown";
const NEEDS: [(&str, &str); 4] =
    [NODE, ("chromium", "chromium"), ("chromedriver", "chromium-driver"), ("gjs", "gjs")];

pub(super) fn suite() -> Suite {
    Suite::new(format!("platform: {TRIPLE}"), run).needing(NEEDS)
}

/// Runs the page in each engine.
fn run() -> Result<()> {
    let program = build()?;
    build_fold()?;
    let example = workspace::root().join("examples/browser");
    let scripts = workspace::root().join("tests/page");
    let engines: [(&str, &[&str], PathBuf); 3] = [
        ("node", &["node"], example.join("node.mjs")),
        ("gjs", &["gjs", "--module"], scripts.join("gjs.mjs")),
        ("chromium", &["node"], scripts.join("chromium.mjs")),
    ];
    for (name, interpreter, module) in engines {
        let dump = program.with_file_name(format!("page-{name}.memtrack"));
        let mut run = Command::new(interpreter[0]);
        tool::run(run.args(&interpreter[1..]).args([&module, &program, &dump]))?;
        check(name, &dump, &program)?;
    }
    Ok(())
}

/// Builds the page's program.
fn build() -> Result<PathBuf> {
    let mut cargo = tool::cargo_command(&["build", "--quiet", "--release", "--target", TRIPLE]);
    let manifest = workspace::root().join("examples/browser/Cargo.toml");
    cargo.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target());
    let toolchain = Toolchain::for_target(TRIPLE)?;
    toolchain.choose_linker(&mut cargo, TRIPLE)?;
    toolchain.choose(&mut cargo, LIBRARY);
    tool::run(&mut cargo)?;
    Ok(target().join(TRIPLE).join("release/page.wasm"))
}

/// The dump must have the calls of the page's own functions by name, and no others; the flame graph as well.
fn check(engine: &str, dump: &Path, program: &Path) -> Result<()> {
    let expected = ["index;page::add_words", "index;page::text_of", "index;page::text_of;page::word"];
    let calls = own_calls(dump, program)?;
    ensure!(calls == expected, "{engine}: the calls of the page are {calls:#?}");
    let graph = dump.with_extension("svg");
    tool::run(fold(dump, program)?.arg("-o").arg(&graph))?;
    let text = fs::read_to_string(&graph)?;
    ensure!(text.contains("page::add_words"), "{engine}: the flame graph lacks a function");
    Ok(())
}

/// `memtrack-fold` with the page's names.
fn fold(dump: &Path, program: &Path) -> Result<Command> {
    let mut fold = Command::new(workspace::target()?.join("debug/memtrack-fold"));
    fold.arg(dump).args(["--metric", "allocs", "--binary"]).arg(program);
    Ok(fold)
}

/// The chains of calls of the page's own functions in a dump, in order.
fn own_calls(dump: &Path, program: &Path) -> Result<Vec<String>> {
    let folded = tool::output(&mut fold(dump, program)?)?;
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
