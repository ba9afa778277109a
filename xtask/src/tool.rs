//! Running other programs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{output, watchdog, workspace};

/// A cargo command at the root of the workspace.
pub(crate) fn cargo_command(arguments: &[&str]) -> Command {
    let mut command = at_root(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// The same of rustup's nightly toolchain.
pub(crate) fn nightly_command(arguments: &[&str]) -> Command {
    let mut command = at_root("cargo");
    command.arg("+nightly").args(arguments);
    command
}

/// A program that runs in the folder of the workspace.
pub(crate) fn at_root(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    // Cargo's variables of this package. Build scripts that read them would run again whenever the user starts cargo by hand,
    // and their packages would be built again.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|of| name.to_string_lossy().starts_with(of)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs cargo at the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    run(&mut cargo_command(arguments))
}

/// Runs a program that has to succeed. It prints to the output of the suite.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    run_within(command, watchdog::LIMIT)
}

/// Runs a program that has to succeed within a limit of time.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    output::connect(command)?;
    let mut child = command.spawn().with_context(|| format!("cannot start {}", name(command)))?;
    let status = watchdog::wait(&mut child, limit).with_context(|| shown(command))?;
    if !status.success() {
        bail!("{} failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs a program that has to succeed. Returns the bytes that it writes to stdout.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot start {}", name(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed: {}\n{said}", shown(command), output.status);
    }
    Ok(output.stdout)
}

/// Writes a shell script that can be started.
pub(crate) fn write_script(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    run(Command::new("chmod").arg("+x").arg(path))
}

/// The path of a program of cargo's. When the machine lacks it, it is installed below the target directory.
pub(crate) fn installed(name: &str) -> Result<PathBuf> {
    let tools = workspace::root().join("target/tools");
    let own = tools.join("bin").join(name);
    if let Some(program) = which(name).or_else(|| own.is_file().then(|| own.clone())) {
        return Ok(program);
    }
    run(cargo_command(&["install", "--quiet", "--locked", name, "--root"]).arg(&tools))?;
    Ok(own)
}

/// The path of the program of that name on PATH, or of the file with that absolute path.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn shown(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let program =
        PathBuf::from(command.get_program()).file_name().map(|name| name.to_string_lossy().into_owned());
    program.into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}
