//! `cargo xtask COMMAND`: one command for each task of this repository. People and continuous integration use the same names.

mod apart;
mod check;
mod circles;
mod cross;
mod debian;
mod demo;
mod foreign;
mod fuzz;
mod header;
mod help;
mod hygiene;
mod install;
mod lanes;
mod links;
mod msrv;
mod mutants;
mod output;
mod page;
mod platforms;
mod python;
mod qemu;
mod sizes;
mod suite;
mod test;
mod tool;
mod toolchain;
mod watchdog;
mod workspace;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use help::USAGE;
use suite::Suite;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command. Returns whether all went well.
fn run() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Some(help) = help::asked_for(&arguments) {
        print!("{help}");
        return Ok(true);
    }
    match arguments[..] {
        ["check", ref names @ ..] => lanes::run_all(check::suites(), names),
        ["test", ref names @ ..] => lanes::run_all(test::suites()?, names),
        ["cross", ref names @ ..] => lanes::run_all(cross::suites(), names),
        ["sizes"] => sizes::run().map(|()| true),
        ["qemu", ref names @ ..] => lanes::run_all(qemu::suites(), names),
        ["foreign", ref names @ ..] => lanes::run_all(foreign::suites(), names),
        ["platforms", ref names @ ..] => lanes::run_all(platforms::suites(), names),
        ["bench", "--platforms"] => platforms::measure().map(|()| true),
        ["bench", ref options @ ..] => bench(options).map(|()| true),
        ["models"] => lanes::run_all(vec![apart::models()], &[]),
        ["mutants", ref names @ ..] => mutants::run(names),
        ["fuzz", ref arguments @ ..] => fuzz::run(arguments),
        ["soak", ref rounds @ ..] => soak(rounds).map(|()| true),
        ["demo"] => demo::run().map(|()| true),
        ["bless"] => {
            tool::cargo(&["run", "--quiet", "-p", "memtrack-tests", "--bin", "bless"])?;
            let tables = ["test", "--quiet", "-p", "memtrack-host-tools", "--test", "suite", "tables_in"];
            tool::run(tool::cargo_command(&tables).env("MEMTRACK_BLESS", "1"))?;
            qemu::bless(&[])
        }
        ["bless", "binaries"] => bless_binaries(),
        ["bless", ref names @ ..] => qemu::bless(names),
        ["header"] => header::write().map(|()| true),
        ["header", "--check"] => header::check().map(|()| true),
        ["install", ref options @ ..] => install::run(options).map(|()| true),
        _ => bail!("no such command: {}\n\n{USAGE}", arguments.join(" ")),
    }
}

/// Runs the driver of the benchmarks.
fn bench(options: &[&str]) -> Result<()> {
    tool::cargo(&["build", "--quiet", "--package", "bench-driver"])?;
    let program = workspace::target()?.join("debug/bench-driver");
    let status = tool::at_root(program).args(options).status().context("cannot start bench-driver")?;
    ensure!(status.success(), "bench-driver failed: {status}");
    Ok(())
}

/// Makes the Mach-O, PE and ELF files of other machines that the host tool's suite reads, and the expected output beside them.
fn bless_binaries() -> Result<bool> {
    let script = workspace::root().join("host-tools/tests/corpus/make.sh");
    let make = Suite::new("binaries", move || tool::run(&mut Command::new(script)));
    let needs = [("clang", "clang"), ("ld.lld", "lld"), ("llvm-config-14", "llvm-14")];
    lanes::run_all(vec![make.needing(needs)], &[])
}

/// Runs the suite of that name for many rounds a thread.
fn soak(rounds: &[&str]) -> Result<()> {
    const ROUNDS: &str = "5000000";
    let rounds = rounds.first().copied().unwrap_or(ROUNDS);
    tool::cargo(&["build", "--release", "--workspace"])?;
    let test = ["test", "--release", "--workspace", "--test", "soak"];
    tool::run(tool::cargo_command(&test).env("MEMTRACK_SOAK_ROUNDS", rounds))
}
