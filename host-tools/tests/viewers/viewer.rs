//! Runs programs of other people.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a viewer prints about a file; `None` when the machine lacks it.
///
/// # Panics
/// When it fails, or is missing although nothing may be skipped.
pub fn output(program: &str, package: &str, dir: &Path, arguments: &[&str]) -> Option<String> {
    // A home of its own: `go` keeps files there.
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

/// A file of a package of npm, which is installed once into the folder that cargo keeps for tests.
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
