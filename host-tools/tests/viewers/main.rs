//! Each format, opened by the program that people open it with: its numbers are ours.
//!
//! `cargo xtask test` installs these programs. Run by hand without one of them, a test says so and passes, unless
//! `CI=true`.

#[expect(dead_code, reason = "shared with the other suite")]
#[path = "../suite/binary.rs"]
mod binary;
#[expect(dead_code, reason = "shared with the other suite")]
#[path = "../html/browser.rs"]
mod browser;
#[path = "../suite/dumps.rs"]
mod dumps;
mod firefox;
mod heaptrack;
mod jemalloc;
mod massif;
mod pprof;
#[expect(dead_code, reason = "shared with the other suite")]
#[path = "../suite/program.rs"]
mod program;
mod speedscope;
mod subject;
mod totals;
mod viewer;
#[path = "../html/wire.rs"]
mod wire;
