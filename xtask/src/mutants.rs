//! `cargo xtask mutants`: plants known bugs, one at a time, and demands that the suites named for them fail. A suite
//! that passes with its bug proves nothing.
//!
//! A mutant replaces one piece of text in one file. Each is built and tested in a copy of the working tree, so the tree
//! itself never holds one. A mutant that no longer applies, or does not compile, is an error: it has to be rewritten.

mod generated;
mod list;
mod tree;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Metadata;
use crate::{output, suite};
use list::{Mutant, Suite};
use tree::Tree;

/// How long a suite may take with a mutant: it hangs if it takes much longer than without one.
type Limits<'a> = BTreeMap<&'a Suite, Duration>;

/// Runs the mutants whose names contain one of `names`, or all; or those that cargo-mutants makes. Whether every one was caught.
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

/// Runs every suite without a mutant: each has to pass, and what it takes limits what it may take with one.
fn limits<'a>(tree: &Tree, mutants: &'a [Mutant]) -> Result<Limits<'a>> {
    let metadata = Metadata::read()?;
    let mut limits = Limits::new();
    for suite in mutants.iter().flat_map(|mutant| &mutant.suites) {
        if !limits.contains_key(suite) {
            if let Some(missing) = suite::provide(&suite.needs(&metadata))? {
                bail!("{suite} {missing}");
            }
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

/// What failed, if each of the mutant's suites fails with it.
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

/// That every mutant still applies to the sources: quick, so that a change that moves the text is told at once.
pub(crate) fn check() -> Result<()> {
    let mutants = list::read()?;
    let stale: Vec<String> = mutants
        .iter()
        .filter_map(|mutant| mutant.applied().err())
        .map(|error| format!("{error:#}"))
        .collect();
    if !stale.is_empty() {
        bail!("mutants that do not apply any more:\n{}", stale.join("\n"));
    }
    Ok(())
}
