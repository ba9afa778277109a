//! `cargo xtask fuzz`: the targets of `fuzz/` give arbitrary input to all code that reads input of others. The test command
//! runs a short round of each.

mod fuzzer;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;
use serde::Deserialize;

use crate::suite::Suite;
use crate::{lanes, output, workspace};
pub(crate) use fuzzer::{Fuzzer, Outcome, Round};

const USAGE: &str = "cargo xtask fuzz [NAME…] [--seconds N]";
/// Seconds of a round of `cargo xtask fuzz`.
const LONG: u32 = 60;
/// Seconds of a round in the test command.
const SHORT: u32 = 3;

/// A target of cargo-fuzz.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// Files and folders with the inputs that begin a round, from the root of the workspace.
    pub(crate) seeds: Vec<String>,
}

/// All targets: the programs of `fuzz/`.
pub(crate) fn targets() -> Result<Vec<Target>> {
    let mut command = MetadataCommand::new();
    let manifest = workspace::root().join("fuzz/Cargo.toml");
    let metadata = command.manifest_path(manifest).no_deps().exec().context("fuzz/Cargo.toml")?;
    let package = metadata.packages.first().context("no package in fuzz/Cargo.toml")?;
    let target = |name: &String| {
        let seeds = Vec::deserialize(&package.metadata["seeds"][name]);
        Ok(Target { name: name.clone(), seeds: seeds.with_context(|| format!("{name} has no seeds"))? })
    };
    package.targets.iter().filter(|program| program.is_bin()).map(|program| target(&program.name)).collect()
}

/// The command. Returns whether it found nothing.
pub(crate) fn run(arguments: &[&str]) -> Result<bool> {
    let (names, seconds) = options(arguments)?;
    lanes::run_all(suites_of(Round::kept(seconds))?, &names)
}

/// The names of targets, and the seconds for each.
fn options<'a>(arguments: &[&'a str]) -> Result<(Vec<&'a str>, u32)> {
    let (mut names, mut seconds) = (Vec::new(), LONG);
    let mut arguments = arguments.iter();
    while let Some(&argument) = arguments.next() {
        match argument {
            "--seconds" => {
                let number = arguments.next().context(USAGE)?;
                seconds = number.parse().ok().filter(|&seconds| seconds > 0).context(USAGE)?;
            }
            name if !name.starts_with('-') => names.push(name),
            _ => bail!(USAGE),
        }
    }
    Ok((names, seconds))
}

/// A short round of each target, which begins with the same inputs in the same order each time.
pub(crate) fn suites() -> Result<Vec<Suite>> {
    Ok(suites_of(Round::repeatable(SHORT))?.into_iter().map(Suite::beside).collect())
}

fn suites_of(round: Round) -> Result<Vec<Suite>> {
    let suite = |target: Target| {
        Suite::new(format!("fuzz: {}", target.name), move || {
            let fuzzer = Fuzzer::find()?;
            fuzzer.build(&target.name)?;
            match fuzzer.run(&target, round)? {
                Outcome::Nothing(done) => {
                    output::line(format_args!("{}: {done}; nothing found", target.name))
                }
                Outcome::Found { path, said } => bail!("found: {path}\n{said}"),
            }
            Ok(())
        })
    };
    Ok(targets()?.into_iter().map(suite).collect())
}

#[cfg(test)]
mod tests {
    use super::{LONG, options, targets};
    use crate::workspace;

    #[test]
    fn targets_have_seeds() {
        let targets = targets().unwrap();
        let seeds = targets.iter().flat_map(|target| &target.seeds);
        assert!(seeds.clone().count() >= targets.len() && !targets.is_empty());
        seeds.for_each(|seeds| assert!(workspace::root().join(seeds).exists(), "{seeds}"));
    }

    #[test]
    fn the_command_takes_names_and_seconds() {
        assert_eq!(options(&[]).unwrap(), (vec![], LONG));
        assert_eq!(options(&["dump", "--seconds", "7", "image"]).unwrap(), (vec!["dump", "image"], 7));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "soon"], &["-s"]] {
            assert!(options(wrong).is_err(), "{wrong:?}");
        }
    }
}
