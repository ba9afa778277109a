//! `memtrack-fold record`: runs a program under the preloaded library.
//!
//! The program runs as without `record`: it has its own input and output, signals reach it, and its exit code, or
//! the signal that killed it, becomes that of `record`. The program and each process that it starts leave a dump of
//! their own.

mod files;
mod library;
#[cfg(any(target_os = "macos", test))]
mod protection;
mod signals;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "apple.rs")]
mod system;
mod unseen;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use anstyle::AnsiColor;

use memtrack_host_tools::exit::Exit;

use crate::args::Record;
use crate::messages::{say, warn};
use files::Files;

/// The exit codes of shells for a program that does not exist, or cannot run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

pub fn run(args: &Record) -> ExitCode {
    let fail = |code: u8, text: String| {
        say("error", AnsiColor::Red, &text);
        ExitCode::from(code)
    };
    let program = &args.command[0];
    if let Some(why) = system::why_refused(program) {
        return fail(NOT_RUN, format!("cannot record {}: {why}", Path::new(program).display()));
    }
    let library = match library::find(args.library.as_deref()) {
        Ok(library) => library,
        Err(text) => return fail(Exit::Io.row().code, text),
    };
    let files = match Files::new(args.output.as_deref(), program) {
        Ok(files) => files,
        Err(error) => return fail(Exit::Io.row().code, format!("cannot write the dump: {error}")),
    };
    let mut command = Command::new(program);
    command.args(&args.command[1..]);
    command.env(system::VARIABLE, preload(&library)).env("MEMTRACK_DUMP", files.template());
    match signals::run(&mut command) {
        Ok((pid, status)) => {
            match files.collect(pid) {
                Err(error) => warn(&format!("the dump is not at its place: {error}")),
                Ok(_) if args.quiet => {}
                Ok((dump, children)) => report(&files, dump.as_deref(), children, program, status),
            }
            as_it_ended(status)
        }
        Err(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
            fail(code, format!("cannot run {}: {error}", Path::new(program).display()))
        }
    }
}

/// The library in front of those that are preloaded already.
fn preload(library: &Path) -> OsString {
    let mut list = library.as_os_str().as_bytes().to_vec();
    if let Some(others) = std::env::var_os(system::VARIABLE).filter(|others| !others.is_empty()) {
        list.push(b':');
        list.extend_from_slice(others.as_bytes());
    }
    OsString::from_vec(list)
}

/// Prints the place of the dump and a command that shows it.
fn report(files: &Files, dump: Option<&Path>, children: usize, program: &OsStr, status: ExitStatus) {
    if let Some(dump) = dump {
        let shown = shown(dump);
        let others = match children {
            0 => String::new(),
            1 => ", and the dump of a child beside it".into(),
            n => format!(", and the dumps of {n} children beside it"),
        };
        let line = format!("{shown}{others}; see memtrack-fold {shown} -m peak -o peak.svg");
        say("recorded", AnsiColor::Green, &line);
        return unseen::allocators(dump).iter().for_each(|text| warn(text));
    }
    let why = match status.signal() {
        Some(signal) => format!(
            "it was killed by signal {signal} before it could write one: with MEMTRACK_DUMP_INTERVAL=10 it writes a \
             snapshot every ten seconds"
        ),
        None => system::why_not_preloaded(program)
            .unwrap_or("did it end by quick_exit, or lose the right to write there?")
            .into(),
    };
    let others = match children {
        0 => String::new(),
        n => format!("; dumps of children: {n}"),
    };
    let before =
        files.of_before().map_or_else(String::new, |path| format!("; {} is of an earlier run", shown(&path)));
    warn(&format!("{} left no dump ({why}){others}{before}", Path::new(program).display()));
}

/// A path for the shell.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(here).unwrap_or(path).display().to_string();
    if path.contains([' ', '\'', '"', '$', '\\', ';', '&', '(', ')', '<', '>', '*', '?', '|']) {
        format!("'{}'", path.replace('\'', "'\\''"))
    } else {
        path
    }
}

/// Ends in the same way as the program.
fn as_it_ended(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        signals::die_of(signal);
    }
    // A status has 8 bits. Without a status there was a signal.
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
