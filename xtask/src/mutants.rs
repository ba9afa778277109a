//! `cargo xtask mutants`: plants known bugs, one at a time, and demands that the suites named for them fail. A suite
//! that passes with its bug proves nothing.
//!
//! A mutant replaces one piece of text in one file. Each is built and tested in a copy of the working tree, so the tree
//! itself never holds one. A mutant that no longer applies, or does not compile, is an error: it has to be rewritten.

mod list;
mod tree;

use anyhow::{Context, Result, bail, ensure};

use crate::output;
use list::{Mutant, Suite};
use tree::Tree;

/// Runs the mutants whose names contain one of `names`, or all. Whether every one was caught.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    let named = |mutant: &Mutant| names.is_empty() || names.iter().any(|name| mutant.name.contains(name));
    let mutants: Vec<Mutant> = list::read()?.into_iter().filter(named).collect();
    ensure!(!mutants.is_empty(), "no mutant is called {}", names.join(" or "));
    let tree = Tree::copy()?;
    let mut suites: Vec<&Suite> = mutants.iter().flat_map(|mutant| &mutant.suites).collect();
    suites.sort();
    suites.dedup();
    for suite in suites {
        tree.build(suite)?;
        ensure!(tree.passes(suite)?, "{suite} fails without any mutant");
    }
    let mut survivors = Vec::new();
    for mutant in &mutants {
        let caught = try_one(&tree, mutant).with_context(|| format!("mutant {}", mutant.name))?;
        output::line(format_args!("{}  {}", if caught { "caught  " } else { "SURVIVED" }, mutant.name));
        if !caught {
            survivors.push(mutant.name.as_str());
        }
    }
    println!("\n{} passed, {} failed", mutants.len() - survivors.len(), survivors.len());
    Ok(survivors.is_empty())
}

/// Whether each of the mutant's suites fails with it.
fn try_one(tree: &Tree, mutant: &Mutant) -> Result<bool> {
    let _planted = tree.plant(mutant)?;
    for suite in &mutant.suites {
        tree.build(suite).context("it does not compile")?;
        if tree.passes(suite)? {
            return Ok(false);
        }
    }
    Ok(true)
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
