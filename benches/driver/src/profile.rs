//! `cargo xtask bench --profile`: W1's time under memtrack by function and by line, as perf measures it.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::machine::Machine;
use super::page::{PROFILE, Section};
use super::workload;

/// Smaller shares are left out, in percent.
const SMALLEST: &str = "1";

/// Profiles, prints and, unless it is a quick run, writes.
pub(crate) fn run(quick: bool) -> Result<()> {
    ensure!(which::which("perf").is_ok(), "perf is missing: apt install linux-perf");
    let sh = Shell::new()?;
    cmd!(sh, "cargo build --release -p memtrack-benches").quiet().run()?;
    let mut machine = Machine::describe(vec![super::machine::said_by("perf", "--version")?], &[])?;
    let target = crate::target()?;
    let data = target.join("bench.perf");
    let w1 = &workload::ALL[0];
    let iterations = w1.iterations(1, quick).context("W1 is repeated")?.to_string();
    let (program, w1) = (target.join("release/bench-memtrack"), w1.name);
    // The clock, not the processor's counters: virtual machines often have none.
    let perf = cmd!(sh, "perf record --quiet --event cpu-clock --freq 4999 --output {data}");
    perf.args(["--"]).arg(program).args([w1, "--iterations", &iterations]).quiet().run()?;
    machine.finish()?;
    let mut text = format!("Measured on {machine}.\n");
    for (title, sort) in [("function", "symbol"), ("line", "srcline")] {
        write!(text, "\n| share | {title} |\n|---:|---|\n{}", rows(&data, sort)?)?;
    }
    println!("{text}");
    Section { name: PROFILE, file: "docs/performance.md" }.write_unless(quick, &text)
}

/// The rows of a table, largest first.
fn rows(data: &Path, sort: &str) -> Result<String> {
    let sh = Shell::new()?;
    let perf =
        cmd!(sh, "perf report --stdio --no-children --sort {sort} --percent-limit {SMALLEST} --input {data}");
    let rows: String = perf.quiet().ignore_stderr().read()?.lines().filter_map(row).collect();
    ensure!(!rows.is_empty(), "perf report has no rows by {sort}");
    Ok(rows)
}

/// `    40.78%  [.] function` or `     8.26%  recall.rs:171`, as a row.
fn row(line: &str) -> Option<String> {
    let (share, what) = line.trim().split_once('%')?;
    let share: f64 = share.parse().ok()?;
    // The columns behind it are those of the processor's counters.
    let what = what.trim().trim_start_matches("[.]").trim_start_matches("[k]").trim().split("  ").next()?;
    (!what.ends_with(":0")).then(|| format!("| {share:.1} % | `{what}` |\n"))
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn rows_of_a_report_are_read() {
        let function = "    40.78%  [.] <memtrack::Tracker<A> as GlobalAlloc>::alloc     -      -";
        assert_eq!(row(function).unwrap(), "| 40.8 % | `<memtrack::Tracker<A> as GlobalAlloc>::alloc` |\n");
        assert_eq!(row("     8.26%  recall.rs:171  ").unwrap(), "| 8.3 % | `recall.rs:171` |\n");
        assert_eq!([row("# Overhead  Symbol"), row(""), row("  3.1%  mod.rs:0")], [None, None, None]);
    }
}
