//! C and C++: compiling programs against `include/` and the library as cargo built it, and running them preloaded.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program;

/// The flags under which nothing may be said.
pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// How a program gets the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It does not.
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

/// A program of these suites.
#[must_use]
pub fn source(name: &str) -> PathBuf {
    workspace().join("tests/programs/c").join(name)
}

/// A program of `examples/`.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    workspace().join("examples").join(name)
}

/// The folder with the libraries that cargo built.
///
/// # Panics
/// When they have not been built in this profile.
#[must_use]
pub fn libraries() -> PathBuf {
    let folder = program::programs();
    for name in ["libmemtrack.a", "libmemtrack.so"] {
        assert!(
            folder.join(name).exists(),
            "{name} is missing: run `cargo build --workspace` in this profile"
        );
    }
    folder
}

/// Compiles and links a program; nothing may be said. `flags` may name headers' folders of their own, which come first.
///
/// # Panics
/// When the compiler says anything.
pub fn build(compiler: &str, flags: &[&str], source: &Path, link: Link, to: &Path) {
    let libraries = libraries();
    let mut command = Command::new(compiler);
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

/// Compiles a library that is loaded at run time: its function `name` calls back from a frame of `size` bytes.
///
/// # Panics
/// When the compiler says anything.
#[must_use]
pub fn plugin(name: &str, size: u32, flags: &[&str], folder: &Path) -> PathBuf {
    let plugin = folder.join(format!("{name}-{size}.so"));
    let (name, size) = (format!("-DNAME={name}"), format!("-DSIZE={size}"));
    let flags = [&["-O2", "-shared", "-fPIC", &name, &size], flags].concat();
    build("gcc", &flags, &source("framed_plugin.c"), Link::None, &plugin);
    plugin
}

/// Runs a program under the preloaded library, which writes to `dump`.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn preloaded(command: &mut Command, dump: &Path) -> Output {
    command.env("LD_PRELOAD", libraries().join("libmemtrack.so")).env("MEMTRACK_DUMP", dump);
    output(command)
}

/// Runs a program to its end.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// Whether two runs ended alike and said the same.
///
/// # Panics
/// When they did not.
pub fn assert_same(plain: &Output, tracked: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(plain.status, tracked.status, "{}{}", text(&tracked.stdout), text(&tracked.stderr));
    assert_eq!(text(&plain.stdout), text(&tracked.stdout));
    assert_eq!(text(&plain.stderr), text(&tracked.stderr));
}

/// Runs a program that has to succeed: what it said.
///
/// # Panics
/// When it fails.
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
