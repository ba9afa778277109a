//! `cargo xtask mutants`: plants known bugs, one at a time. The suites that are named for a bug must fail: a suite that passes
//! with its bug proves nothing.
//!
//! A *mutant* replaces one piece of text in one file. It is built and tested in a copy of the working tree: the tree itself never
//! contains one. A mutant that does not apply or does not compile is an error: somebody has to rewrite it.

mod generated;
mod list;
mod tree;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{output, suite, workspace};
use list::{Mutant, Suite};
use tree::Tree;

/// The time that a suite may take with a mutant. It hangs if it takes much longer than without one.
type Limits<'a> = BTreeMap<&'a Suite, Duration>;

/// Runs the mutants whose names contain one of the arguments, or all; or those that cargo-mutants makes. Returns whether every
/// one was caught.
pub(crate) fn run(arguments: &[&str]) -> Result<bool> {
    match arguments {
        ["--generated", parts @ ..] => generated::run(parts),
        names => run_list(names),
    }
}

fn run_list(names: &[&str]) -> Result<bool> {
    let named = |mutant: &Mutant| names.is_empty() || names.iter().any(|name| mutant.name.contains(name));
    let mutants: Vec<Mutant> = list::read()?.into_iter().filter(named).collect();
    ensure!(!mutants.is_empty(), "no mutant is called {}", names.join(" or "));
    let start = Instant::now();
    let tree = Tree::copy()?;
    let limits = limits(&tree, &mutants)?;
    let mut caught = 0;
    for mutant in &mutants {
        let start = Instant::now();
        let (verdict, why) = match try_one(&tree, mutant, &limits) {
            Ok(Some(by)) => ("caught", format!("by {by}")),
            Ok(None) => ("SURVIVED", String::new()),
            Err(error) => ("INVALID", format!("{error:#}")),
        };
        caught += usize::from(verdict == "caught");
        let (name, seconds) = (&mutant.name, start.elapsed().as_secs());
        output::line(format_args!("{verdict:<8} {seconds:>3} s  {name}  {why}"));
    }
    let (others, seconds) = (mutants.len() - caught, start.elapsed().as_secs());
    println!("\n{caught} passed, {others} failed, in {seconds} s");
    Ok(others == 0)
}

/// Runs every suite without a mutant. Each must pass, and its time sets its limit with a mutant.
fn limits<'a>(tree: &Tree, mutants: &'a [Mutant]) -> Result<Limits<'a>> {
    let metadata = workspace::metadata()?;
    let mut limits = Limits::new();
    for suite in mutants.iter().flat_map(|mutant| &mutant.suites) {
        if !limits.contains_key(suite) {
            suite::provide(&suite.needs(&metadata)?).with_context(|| suite.to_string())?;
            tree.build(suite)?;
            let start = Instant::now();
            if let Some(failed) = tree.failure(suite, tree::LIMIT)? {
                bail!("{suite} fails without any mutant: {failed}");
            }
            let elapsed = start.elapsed();
            output::line(format_args!("passes   {:>3} s  {suite}", elapsed.as_secs()));
            limits.insert(suite, Duration::from_secs(20) + 5 * elapsed);
        }
    }
    Ok(limits)
}

/// The tests that fail, if each of the mutant's suites fails with it.
fn try_one(tree: &Tree, mutant: &Mutant, limits: &Limits) -> Result<Option<String>> {
    let _planted = tree.plant(mutant)?;
    let mut failures = Vec::new();
    for suite in &mutant.suites {
        tree.build(suite).context("it does not compile")?;
        match tree.failure(suite, limits[suite])? {
            Some(failure) => failures.push(failure),
            None => return Ok(None),
        }
    }
    Ok(Some(failures.join(", ")))
}

/// Checks that every mutant applies to the sources. This is quick, so that whoever changes the text learns of it at once.
pub(crate) fn check() -> Result<()> {
    let mutants = list::read()?;
    let errors = mutants.iter().filter_map(|mutant| mutant.applied().err());
    let stale: Vec<String> = errors.map(|error| format!("{error:#}")).collect();
    ensure!(stale.is_empty(), "mutants that do not apply any more:\n{}", stale.join("\n"));
    Ok(())
}
