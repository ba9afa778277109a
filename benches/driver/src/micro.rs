//! `cargo xtask bench --micro`: the parts of an event, each measured alone, compared with the same parts of other tools.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::machine::{Machine, debian_version};
use super::page::{PARTS, Section};
use super::parts::{Cold, Parts};
use super::results::median;
use super::sample::figures;

/// The seconds for which criterion warms up and measures each part, and the number of samples.
const COMPLETE: [&str; 6] = ["--warm-up-time", "1", "--measurement-time", "2", "--sample-size", "30"];
const QUICK: [&str; 6] = ["--warm-up-time", "0.1", "--measurement-time", "0.2", "--sample-size", "10"];

/// Measures and prints and, unless it is a quick run, writes.
pub(crate) fn run(quick: bool) -> Result<()> {
    let target = crate::target()?;
    let others = ["libunwind8", "libgcc-s1"].into_iter().filter_map(debian_version).collect();
    let mut machine = Machine::describe(others, &["backtrace", "criterion", "framehop"])?;
    let home = target.join("bench/parts");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    let sh = Shell::new()?;
    let bench = |place: &str, benches: &[&str], filter: &[&str]| {
        let times = if quick { QUICK } else { COMPLETE };
        cmd!(sh, "cargo bench -p memtrack-benches --features micro {benches...} -- {times...} {filter...}")
            .env("CRITERION_HOME", home.join(place))
            .quiet()
    };
    bench("usual", &["--bench", "capture", "--bench", "event", "--bench", "dump"], &[]).run()?;
    // A build of its own has the chain of frame pointers.
    bench("chain", &["--bench", "capture"], &["^(nothing|frame-pointer)/"])
        .env("RUSTFLAGS", "-Cforce-frame-pointers=yes")
        .env("CARGO_TARGET_DIR", target.join("frame-pointers"))
        .run()?;
    cmd!(sh, "cargo build --release -p memtrack-benches").quiet().run()?;
    let cold = cold(&target.join("release"), if quick { 2 } else { 9 })?;
    machine.finish()?;
    let text = format!("Measured on {machine}.\n\n{}\n{cold}", Parts::read(&home)?);
    println!("{text}");
    Section { name: PARTS, file: "docs/performance.md" }.write_unless(quick, &text)
}

/// First captures and first events: medians of `rounds` runs of each program.
fn cold(release: &Path, rounds: usize) -> Result<Cold> {
    let mut all = Cold::QUESTIONS.map(|_| [Vec::new(), Vec::new()]);
    for _ in 0..rounds {
        for (question, answers) in Cold::QUESTIONS.iter().zip(&mut all) {
            for (program, answers) in ["bench-cold-small", "bench-cold-large"].into_iter().zip(answers) {
                let mut command = Command::new(release.join(program));
                let told = figures(command.args(question.arguments))?;
                answers.push(*told.get(question.key).with_context(|| format!("no {}", question.key))?);
            }
        }
    }
    let middle = |answers: Vec<f64>| median(answers).context("no round");
    let all = all.into_iter().map(|[small, large]| Ok([middle(small)?, middle(large)?]));
    Ok(Cold(all.collect::<Result<Vec<_>>>()?))
}
