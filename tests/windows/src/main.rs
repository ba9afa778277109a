//! What only Windows has, with known results: the keys of a console, the last error, names of threads, and libraries that are
//! loaded and unloaded; recordings. The suite `windows` runs it, by Wine where the machine has no Windows.

#[cfg(windows)]
mod key;
#[cfg(windows)]
mod last_error;
#[cfg(windows)]
mod libraries;
#[cfg(windows)]
mod names;
#[cfg(windows)]
mod recording;
#[cfg(windows)]
mod system;

use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static HEAP: memtrack::Tracker<System> = memtrack::Tracker::new(System);

const USAGE: &str = "\
usage: on-windows names DUMP
       on-windows libraries DUMP (FILE FUNCTION COUNT)...
       on-windows last-error
       with MEMTRACK_RECORD: on-windows recorded terminated|parent|child, or on-windows recorded full DUMP
       with MEMTRACK_DUMP and MEMTRACK_DUMP_SIGNAL: on-windows key c|break asked|handled|default";

#[cfg(windows)]
fn run(arguments: &[&str]) -> Option<ExitCode> {
    let code = |done: bool| if done { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    Some(match arguments {
        ["names", dump] => code(names::run(dump)),
        ["libraries", dump, libraries @ ..] => code(libraries::run(dump, libraries)),
        ["last-error"] => code(last_error::run()),
        ["recorded", "terminated"] => recording::terminated(),
        ["recorded", "parent"] => recording::parent(),
        ["recorded", "child"] => code(recording::child()),
        ["recorded", "full", dump] => code(recording::full(dump)),
        ["key", key, end] => key::run(key, end),
        _ => return None,
    })
}

/// There is nothing to run on another system.
#[cfg(not(windows))]
fn run(_: &[&str]) -> Option<ExitCode> {
    eprintln!("on-windows: this program is for Windows; {} bytes are alive", HEAP.stats().live_bytes);
    None
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(&arguments).unwrap_or_else(|| {
        eprintln!("{USAGE}");
        ExitCode::from(2)
    })
}
