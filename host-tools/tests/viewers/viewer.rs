//! Runs the viewers.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Runs a viewer on a file, and returns its output; `None` if the machine lacks it.
///
/// # Panics
/// If the viewer fails, or if it is missing and `CI=true`.
pub fn output(program: &str, package: &str, dir: &Path, arguments: &[&str]) -> Option<String> {
    // Each viewer gets its own home directory: `go` keeps files there.
    let result = Command::new(program).args(arguments).current_dir(dir).env("HOME", dir).output();
    let output = match result {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} is missing, and CI=true");
            println!("skipped: needs {program} of the Debian package {package}");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{stderr}", output.status);
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a viewer that opens a window, and returns its standard error. It is ended after the last line that
/// the test wants, or after `most`. `None` if the machine lacks it.
///
/// # Panics
/// If it ends by itself, or if it is missing and `CI=true`.
pub fn lines(
    program: &str,
    package: &str,
    dir: &Path,
    file: &str,
    most: Duration,
    is_last: impl Fn(&str) -> bool,
) -> Option<String> {
    let mut command = Command::new(program);
    // The window is invisible, and no settings are kept.
    command.arg(file).current_dir(dir).env("HOME", dir).env("QT_QPA_PLATFORM", "offscreen");
    let mut child = match command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} is missing, and CI=true");
            println!("skipped: needs {program} of the Debian package {package}");
            return None;
        }
        child => child.unwrap_or_else(|error| panic!("{program}: {error}")),
    };
    let (to, from) = mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        stderr.lines().map_while(Result::ok).try_for_each(|line| to.send(line)).ok();
    });
    let end = Instant::now() + most;
    let mut text = String::new();
    let ended = loop {
        match from.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                text += &format!("{line}\n");
                if is_last(&line) {
                    break None;
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => break None,
            Err(mpsc::RecvTimeoutError::Disconnected) => break Some(child.wait().unwrap()),
        }
    };
    assert!(ended.is_none(), "{program} {file}: {}\n{text}", ended.unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    Some(text)
}

/// A file of an npm package, which is installed once into cargo's directory for tests.
pub fn npm(folder: &str, package: &str, file: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let file = root.join("node_modules").join(file);
    if !file.exists() {
        std::fs::create_dir_all(&root).unwrap();
        let prefix = root.to_str().expect("a readable path");
        output(
            "npm",
            "npm",
            &root,
            &["install", "--no-audit", "--no-fund", "--no-save", "--prefix", prefix, package],
        )?;
    }
    Some(file)
}
