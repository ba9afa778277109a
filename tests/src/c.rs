//! C and C++: compiles programs against `include/` and the libraries that cargo built, and runs them preloaded.
//!
//! `cargo xtask platforms` runs suites for another C library of this machine. It says by `MEMTRACK_C_COMPILER`,
//! `MEMTRACK_CXX_COMPILER` and `MEMTRACK_C_LIBRARIES` what compiles programs for it, and where memtrack is that was built
//! for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program;

/// Warning flags. The compiler must print nothing under them.
pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// How a program is linked with the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not at all.
    None,
    /// `libmemtrack.a`.
    Static,
    /// `libmemtrack.so`.
    Shared,
}

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The path of a C or C++ program of these tests.
#[must_use]
pub fn source(name: &str) -> PathBuf {
    workspace().join("tests/c").join(name)
}

/// The path of a program in `examples/`.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    workspace().join("examples").join(name)
}

/// The folder of the libraries that cargo built, and of `memtrack-fold` beside them.
///
/// # Panics
/// When they were not built in this profile.
#[must_use]
pub fn libraries() -> PathBuf {
    let folder = env::var_os("MEMTRACK_C_LIBRARIES").map_or_else(program::programs, PathBuf::from);
    for name in ["libmemtrack.a", "libmemtrack.so"] {
        assert!(
            folder.join(name).exists(),
            "{name} is missing: run `cargo build --workspace` in this profile"
        );
    }
    folder
}

/// A command that compiles for the C library of these tests. `compiler` is the one for this machine.
fn compile(compiler: &str) -> Command {
    let variable = if compiler.contains("++") { "MEMTRACK_CXX_COMPILER" } else { "MEMTRACK_C_COMPILER" };
    let Some(other) = env::var_os(variable) else { return Command::new(compiler) };
    let mut command = Command::new(other);
    // Each compiler has warnings of its own.
    command.arg("-Wno-unknown-warning-option");
    command
}

/// Compiles and links a program, without any warning. Header folders named in `flags` are searched first.
///
/// # Panics
/// When the compiler prints anything.
pub fn build(compiler: &str, flags: &[&str], source: &Path, link: Link, to: &Path) {
    let libraries = libraries();
    let mut command = compile(compiler);
    command.args(STRICT).args(["-g", "-pthread"]).args(flags).arg(source);
    command.arg("-I").arg(workspace().join("include")).arg("-o").arg(to);
    match link {
        Link::None => {}
        Link::Static => {
            command.arg(libraries.join("libmemtrack.a"));
        }
        Link::Shared => {
            command.arg("-L").arg(&libraries).arg("-lmemtrack");
            command.arg(format!("-Wl,-rpath,{}", libraries.display()));
        }
    }
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {compiler}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{command:?}: {}\n{said}", output.status);
}

/// Compiles a library that is loaded at run time. Its function `name` calls back from a frame of `size` bytes.
///
/// # Panics
/// When the compiler prints anything.
#[must_use]
pub fn plugin(name: &str, size: u32, flags: &[&str], folder: &Path) -> PathBuf {
    let plugin = folder.join(format!("{name}-{size}.so"));
    let (name, size) = (format!("-DNAME={name}"), format!("-DSIZE={size}"));
    let flags = [&["-O2", "-shared", "-fPIC", &name, &size], flags].concat();
    build("gcc", &flags, &source("framed_plugin.c"), Link::None, &plugin);
    plugin
}

/// `memtrack-fold record`, which finds the library beside itself. The program and its arguments follow.
#[must_use]
pub fn record(dump: &Path) -> Command {
    let mut command = Command::new(libraries().join("memtrack-fold"));
    command.arg("record").arg("-o").arg(dump).arg("--");
    command
}

/// Runs a program with the library preloaded. The library writes to `dump`.
///
/// # Panics
/// When the program cannot be started.
#[must_use]
pub fn preloaded(command: &mut Command, dump: &Path) -> Output {
    command.env("LD_PRELOAD", libraries().join("libmemtrack.so")).env("MEMTRACK_DUMP", dump);
    output(command)
}

/// Runs a program to its end.
///
/// # Panics
/// When the program cannot be started.
#[must_use]
pub fn output(command: &mut Command) -> Output {
    if env::var_os("MEMTRACK_C_LIBRARIES").is_some() {
        // Cargo puts the folder of this machine's libraries there.
        command.env_remove("LD_LIBRARY_PATH");
    }
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// Asserts that two runs have the same exit status and output.
///
/// # Panics
/// When they differ.
pub fn assert_same(plain: &Output, tracked: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(plain.status, tracked.status, "{}{}", text(&tracked.stdout), text(&tracked.stderr));
    assert_eq!(text(&plain.stdout), text(&tracked.stdout));
    assert_eq!(text(&plain.stderr), text(&tracked.stderr));
}

/// Runs a program that must succeed, and returns its standard output.
///
/// # Panics
/// When the program fails.
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
