//! Opens each format in the program that people use for it, and compares its numbers with ours.
//!
//! `cargo xtask test` installs these programs. Without one of them, its tests print a message and pass,
//! unless `CI=true`.

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
