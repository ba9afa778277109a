//! What only Windows has: keys of a console, the last error, names of threads, unloaded libraries, recordings; the library for C and C++,
//! program databases, and `memtrack-fold.exe`.
//!
//! On Windows the suite runs the programs that cargo built. Elsewhere `cargo xtask platforms` says by environment variables
//! which programs these are and what runs them.

mod c_library;
mod events;
mod host_tool;
mod keys;
mod libraries;
mod program_database;
mod recordings;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_tests::program::folder;

/// Where Windows' drive Z is on the machine that runs the programs by Wine. Windows itself finds its own paths.
const FILES: &[&str] = if cfg!(windows) { &[] } else { &["--sysroot", "/"] };

/// A variable of `cargo xtask platforms`.
fn given(name: &str) -> Option<String> {
    env::var(format!("MEMTRACK_WINDOWS_{name}")).ok()
}

/// A program with its arguments, by what runs it.
fn program(program: &str, arguments: &[&str]) -> Command {
    let runner = given("RUNNER");
    let mut words = runner.iter().map(String::as_str).chain([program]);
    let mut command = Command::new(words.next().expect("at least the program"));
    command.args(words).args(arguments).env_remove("MEMTRACK_DUMP").env_remove("MEMTRACK_RECORD");
    command
}

/// The program `on-windows`.
fn on_windows(arguments: &[&str]) -> Command {
    let given = given("PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_on-windows").to_owned());
    program(&given, arguments)
}

/// A program of the workspace: the one that was given, or that cargo has built here.
fn of_workspace(variable: &str, name: &str) -> String {
    given(variable).unwrap_or_else(|| memtrack_tests::program::of_workspace(name))
}

/// `memtrack-fold.exe`.
fn fold_exe(arguments: &[&str]) -> Command {
    program(&of_workspace("FOLD", "memtrack-fold"), arguments)
}

/// A path as programs of Windows write it.
fn native(path: &Path) -> String {
    if cfg!(windows) { text(path).to_owned() } else { format!("Z:{}", text(path).replace('/', "\\")) }
}

/// The program `everywhere`.
fn everywhere(arguments: &[&str]) -> Command {
    program(&of_workspace("EVERYWHERE", "everywhere"), arguments)
}

/// The compiler of C.
fn gcc() -> Command {
    Command::new(given("GCC").unwrap_or_else(|| "gcc".to_owned()))
}

/// The compiler of C++. Its programs need no library of the compiler's own.
fn gxx() -> Command {
    let mut gxx = Command::new(given("GXX").unwrap_or_else(|| "g++".to_owned()));
    gxx.arg("-static");
    gxx
}

/// Runs a program to its end.
fn output(mut command: Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// Runs a program that must succeed. Returns what it printed.
fn said(command: Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").replace('\r', "")
}

/// A path of a new folder for the files of one test.
fn place(test: &str, file: &str) -> PathBuf {
    folder(&format!("windows-{test}")).join(file)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}
