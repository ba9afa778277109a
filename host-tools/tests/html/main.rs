//! Tests the HTML report in headless Chromium: clicks and keys change the numbers to those of the dump.
//!
//! `cargo xtask test` installs Chromium and its driver. Without them, each test prints a message and passes,
//! unless `CI=true`.

#[allow(dead_code, reason = "only the suite of viewers waits for a text")]
mod browser;
mod diff;
#[path = "../suite/dumps.rs"]
mod dumps;
mod narrow;
mod page;
#[expect(dead_code, reason = "shared with the other suite")]
#[path = "../suite/program.rs"]
mod program;
mod span;
mod wire;
