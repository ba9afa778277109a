//! Each format, opened by the program that people open it with: its numbers are ours.
//!
//! `cargo xtask test` installs these programs. Run by hand without one of them, a test says so and passes, unless
//! `CI=true`.

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
mod viewer;
