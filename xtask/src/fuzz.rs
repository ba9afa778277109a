//! `cargo xtask fuzz`: the targets of `fuzz/` give arbitrary input to all code that reads input of others. The test command
//! runs a short round of each.

mod fuzzer;

use std::fs;

use anyhow::{Context, Result, bail};

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

/// All targets: those whose seeds the manifest lists.
pub(crate) fn targets() -> Result<Vec<Target>> {
    parse(&fs::read_to_string(workspace::root().join("fuzz/Cargo.toml"))?).context("fuzz/Cargo.toml")
}

fn parse(manifest: &str) -> Result<Vec<Target>> {
    let manifest: toml::Table = toml::from_str(manifest)?;
    let programs = manifest["bin"].as_array().context("no [[bin]]")?;
    let names = programs.iter().map(|program| program["name"].as_str().context("no name"));
    let seeds = &manifest["package"]["metadata"]["seeds"];
    let target = |name: Result<&str>| {
        let name = name?.to_owned();
        let seeds = seeds.get(&name).with_context(|| format!("{name} has no seeds"))?;
        Ok(Target { name, seeds: seeds.clone().try_into()? })
    };
    names.map(target).collect()
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
