//! The HTML report in headless Chromium: clicks and keys change the numbers shown to what the dump says.
//!
//! `cargo xtask test` installs Chromium and its driver. Run by hand without them, a test says so and passes, unless
//! `CI=true`.

#[allow(dead_code, reason = "the suite of viewers waits by it, and this one does not")]
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
