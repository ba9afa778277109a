//! `cargo xtask fuzz`: arbitrary input for everything that reads what others wrote, by the targets of `fuzz/`. The test
//! command runs a short round of each.

mod fuzzer;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::suite::{Suite, Verdict};
use crate::{lanes, output, workspace};
pub(crate) use fuzzer::{Fuzzer, Outcome, Round};

const USAGE: &str = "cargo xtask fuzz [NAME…] [--seconds N]";
/// Seconds of a round that is asked for.
const LONG: u32 = 60;
/// Seconds of a round in the test command.
const SHORT: u32 = 3;

/// What `fuzz/Cargo.toml` says.
#[derive(Deserialize)]
struct Manifest {
    package: Package,
    bin: Vec<Bin>,
}

#[derive(Deserialize)]
struct Package {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    /// Folders and files of each target, from the root of the workspace.
    seeds: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Bin {
    name: String,
}

/// A target of cargo-fuzz.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// What a round begins with.
    pub(crate) seeds: Vec<String>,
}

/// All targets, in the order of the manifest.
pub(crate) fn targets() -> Result<Vec<Target>> {
    let path = workspace::root().join("fuzz/Cargo.toml");
    parse(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())
}

fn parse(manifest: &str) -> Result<Vec<Target>> {
    let Manifest { package, bin } = toml::from_str(manifest)?;
    let mut seeds = package.metadata.seeds;
    let target = |Bin { name }| {
        let seeds = seeds.remove(&name).with_context(|| format!("{name} has no seeds"))?;
        Ok(Target { name, seeds })
    };
    bin.into_iter().map(target).collect()
}

/// The command. Whether nothing was found.
pub(crate) fn run(arguments: &[&str]) -> Result<bool> {
    let (names, seconds) = options(arguments)?;
    lanes::run_all(suites_of(Round::kept(seconds))?, &names)
}

/// What is asked for: names, and seconds for each target.
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

/// A short round of each target, from the same seeds on and in the same order.
pub(crate) fn suites() -> Result<Vec<Suite>> {
    Ok(suites_of(Round::repeatable(SHORT))?.into_iter().map(Suite::beside).collect())
}

fn suites_of(round: Round) -> Result<Vec<Suite>> {
    let suite = |target: Target| {
        Suite::skippable(format!("fuzz: {}", target.name), move || {
            let fuzzer = match Fuzzer::find()? {
                Ok(fuzzer) => fuzzer,
                Err(missing) => return Ok(Verdict::Skipped(missing)),
            };
            fuzzer.build(&target.name)?;
            match fuzzer.run(&target, round)? {
                Outcome::Nothing(done) => {
                    output::line(format_args!("{}: {done}; nothing found", target.name))
                }
                Outcome::Found { path, said } => bail!("found: {path}\n{said}"),
            }
            Ok(Verdict::Passed)
        })
    };
    Ok(targets()?.into_iter().map(suite).collect())
}

#[cfg(test)]
mod tests {
    use super::{LONG, Target, options, parse};

    #[test]
    fn targets_have_their_seeds() {
        let manifest = "[package.metadata.seeds]\na = ['one', 'two']\n[[bin]]\nname = 'a'\n";
        let target = Target { name: "a".into(), seeds: vec!["one".into(), "two".into()] };
        assert_eq!(parse(manifest).unwrap(), [target]);
        let error = parse(&manifest.replace("a =", "b =")).unwrap_err();
        assert_eq!(error.to_string(), "a has no seeds");
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
