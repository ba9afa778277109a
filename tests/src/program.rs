//! Runs the programs of these tests, and those of other packages of the workspace.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The facts that a program printed: numbers by name, from lines of a name and a number.
pub struct Facts {
    facts: HashMap<String, i64>,
}

impl Facts {
    fn parse(text: &str) -> Self {
        let fact = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Facts { facts: text.lines().filter_map(fact).collect() }
    }

    /// A number.
    ///
    /// # Panics
    /// When the program did not print it.
    #[must_use]
    pub fn get(&self, name: &str) -> i64 {
        *self.facts.get(name).unwrap_or_else(|| panic!("the program did not print {name}"))
    }

    /// Several numbers.
    #[must_use]
    pub fn all<const N: usize>(&self, names: [&str; N]) -> [i64; N] {
        names.map(|name| self.get(name))
    }
}

/// Runs a program that must succeed, and reads the facts that it prints.
pub fn run(program: &str, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Facts {
    let output = output(program, arguments, environment);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Facts::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Runs a program to its end, whether it succeeds or not.
///
/// # Panics
/// When the program cannot be started.
#[must_use]
pub fn output(program: &str, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_remove("MEMTRACK_DUMP").envs(environment.iter().copied());
    command.output().unwrap_or_else(|error| panic!("cannot start {program}: {error}"))
}

/// Runs a program to its end, with `input` as standard input.
///
/// # Panics
/// When the program cannot be started.
#[must_use]
pub fn output_of(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_remove("MEMTRACK_DUMP");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe to standard input");
    stdin.write_all(input.as_bytes()).expect("the program reads its input");
    drop(stdin);
    child.wait_with_output().expect("the program's output")
}

/// A program that runs until the test kills it, or ends.
pub struct Running {
    child: Child,
    /// Its first line.
    pub said: String,
    #[expect(dead_code, reason = "open until the program ends")]
    output: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a program, and waits for its first line.
    ///
    /// # Panics
    /// When the program cannot be started, or prints nothing.
    #[must_use]
    pub fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut said = String::new();
        let read = output.read_line(&mut said);
        let running = Running { child, said, output };
        assert!(read.is_ok_and(|length| length > 0), "it prints a line");
        running
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it.
    ///
    /// # Panics
    /// When it has ended.
    pub fn kill(&mut self) {
        self.child.kill().expect("the program runs");
        self.child.wait().expect("the program ends");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The calls fail if the test has killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An empty folder for the files of one test.
///
/// # Panics
/// When the folder cannot be made.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    let folder = programs().join("suites").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The path of a program of another package. `cargo xtask test` builds all of them before it runs a suite.
///
/// # Panics
/// When it was not built in this profile.
#[must_use]
pub fn of_workspace(name: &str) -> String {
    let path = programs().join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace` in this profile", path.display());
    path.to_str().expect("a target directory whose name is text").to_owned()
}

/// The folder of the programs of the running suite's profile. Cargo puts suites one level deeper.
///
/// # Panics
/// When the suite was not run by cargo.
#[must_use]
pub fn programs() -> PathBuf {
    let suite = std::env::current_exe().expect("the path of the running suite");
    suite.ancestors().nth(2).map(Path::to_path_buf).expect("a suite that cargo built")
}
