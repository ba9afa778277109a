//! Work with known figures and known stacks, for every platform that has the standard library. It uses nothing else of
//! the system but `qsort` of the C library: no `/proc`.
//!
//! `cargo xtask platforms` runs it on each platform, and the suite `everywhere` compares its dumps with the expectation.
//! The blocks that count have the tag `work`; the standard library allocates outside of it.

mod chains;
mod exit;
mod fence;
mod figures;
mod recording;
mod sorted;
mod stages;
mod threads;
mod triggers;

use std::process::ExitCode;

use fence::Fence;
use memtrack::{Error, Tracker};

#[global_allocator]
static HEAP: Tracker<Fence> = Tracker::new(Fence);

const USAGE: &str = "\
usage: everywhere figures|threads|chains|sorted DUMP
       with MEMTRACK_DUMP: everywhere stages, everywhere exit main|process|thread|panic,
       or everywhere trigger interval|peak|failure
       with MEMTRACK_RECORD: everywhere recording";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["figures", dump] => figures::run(dump),
        ["threads", dump] => threads::run(dump),
        ["chains", dump] => chains::run(dump),
        ["sorted", dump] => sorted::run(dump),
        ["stages"] => stages::run(),
        ["exit", kind] => exit::run(kind),
        ["trigger", kind] => triggers::run(kind),
        ["recording"] => recording::run(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("everywhere: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A block of that many bytes.
#[inline(never)]
fn block(bytes: usize) -> Vec<u8> {
    std::hint::black_box(Vec::with_capacity(std::hint::black_box(bytes)))
}

/// The result of a mode.
type Done = Result<(), Error>;
