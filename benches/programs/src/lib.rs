//! Real programs, built from crates that other people use. Each is one function of this library, and is built twice: on the
//! system allocator and under memtrack.
//!
//! | program | crates | work |
//! |---|---|---|
//! | [`code_counter`] | `tokei` | counts lines of code, comments and blanks by language |
//! | [`search`] | ripgrep's `ignore`, `grep-searcher`, `grep-regex` | lists the lines that match some patterns |
//! | [`http_server`] | `axum`, `tokio`, `serde_json` | takes documents as JSON and answers with their most frequent words; [`load`] is its client |
//!
//! All work on the sources of this project's dependencies. A program prints what it took from the start of `main` to its end,
//! one `key value` per line. Its own dump is included, and the client of the server is not.

pub mod code_counter;
pub mod http_server;
pub mod load;
mod options;
pub mod search;
mod sources;

use std::alloc::System;
use std::fs;

use anyhow::{Context, Result, ensure};
use memtrack::Tracker;
use memtrack_benches::{Usage, children_cpu_time};

pub use options::Options;

/// A program: it returns its result as text.
pub type Work = fn(&Options) -> Result<String>;

/// Runs a program on the system allocator.
///
/// # Errors
/// Those of the program.
pub fn plain(work: Work) -> Result<()> {
    measured(work, |options| {
        ensure!(options.dump.is_none(), "nothing is tracked here");
        Ok(None)
    })
}

/// Runs a program under the tracker, and writes its dump.
///
/// # Errors
/// Those of the program and of the dump's file.
pub fn tracked(work: Work, heap: &Tracker<System>) -> Result<()> {
    measured(work, |options| {
        if let Some(path) = &options.dump {
            heap.dump_to_path(path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Some(heap.stats().total_allocs))
    })
}

/// Runs a program, and prints what it took. `end` returns the number of allocations, if they are counted.
fn measured(work: Work, end: impl FnOnce(&Options) -> Result<Option<u64>>) -> Result<()> {
    let before = Usage::now();
    let options = Options::from_args()?;
    let result = work(&options)?;
    fs::write(&options.output, result)
        .with_context(|| format!("cannot write {}", options.output.display()))?;
    let allocations = end(&options)?;
    Usage::now().since(&before).print(allocations);
    println!("children_cpu_ns {}", children_cpu_time().as_nanos());
    Ok(())
}
