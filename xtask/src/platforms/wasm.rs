//! WebAssembly: the program `everywhere` under WASI, and the example of a page in engines of JavaScript.

mod page;
mod wasi;

use std::path::PathBuf;

use crate::suite::Suite;
use crate::workspace;

/// A program of WebAssembly cannot unwind.
const LIBRARY: &str = "std,panic_abort";
const NODE: (&str, &str) = ("node", "nodejs");

/// The suites of both.
pub(super) fn suites() -> [Suite; 2] {
    [wasi::suite(), page::suite()]
}

/// The folder in which cargo builds for a target.
fn target() -> PathBuf {
    workspace::root().join("target/platforms")
}
