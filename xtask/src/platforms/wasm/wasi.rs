//! The program `everywhere` under WASI, in two engines: V8, which Node.js has, and Wasmtime, which comes as a package of Python.
//!
//! It needs the C library of WASI, which comes from Debian, and a linker, which rustup's toolchain has.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::super::runs::everywhere;
use super::{LIBRARY, NODE, target};
use crate::suite::Suite;
use crate::toolchain::{self, Toolchain};
use crate::{debian, python, tool, workspace};

const TRIPLE: &str = "wasm32-wasip1";

pub(super) fn suite() -> Suite {
    Suite::new(format!("platform: {TRIPLE}"), run).needing([NODE])
}

/// Runs `everywhere`, without what WASI lacks, by the suite of that name.
fn run() -> Result<()> {
    let mut cargo = tool::cargo_command(&["build", "--quiet", "--package", "everywhere", "--target", TRIPLE]);
    cargo.arg("--target-dir").arg(target());
    // The C library is Debian's with every toolchain, so its startup code is as well.
    cargo.env("RUSTFLAGS", "-Clink-self-contained=no").env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker()?);
    Toolchain::for_target(TRIPLE)?.choose(&mut cargo, LIBRARY);
    tool::run(&mut cargo)?;
    let program = target().join(TRIPLE).join("debug/everywhere.wasm");
    let script = |name: &str| workspace::root().join("tests/everywhere").join(name).display().to_string();
    let wasmtime = python::interpreter("wasmtime")?.display().to_string();
    let engines = [
        ("node", vec!["node".to_owned(), "--no-warnings".to_owned(), script("wasi.mjs")]),
        ("wasmtime", vec![wasmtime, script("wasi.py")]),
    ];
    let lacks = ["stacks", "backtrace", "threads", "unwinding", "recordings"];
    engines
        .iter()
        .try_for_each(|(name, words)| everywhere(&format!("{TRIPLE}-{name}"), &program, words, &lacks))
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
    tool::write_script(&script, &text)?;
    Ok(script)
}
