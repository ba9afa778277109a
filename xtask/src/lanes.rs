//! Runs suites in two lanes. The suites of a lane run one after the other; the second lane has those that may run beside
//! others. One lane alone does not keep two processors busy. The output of the second lane appears between two suites of the
//! first.

use std::fmt::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::output;
use crate::suite::{Suite, Verdict};

/// A suite, and its place in the order of all.
type Numbered = (usize, Suite);

/// A suite that ran.
struct Ended {
    number: usize,
    name: String,
    verdict: Result<Verdict>,
}

/// Runs the suites whose names contain one of `names` and those that they come after; without names, all. Prints a line for
/// each that did not pass, and a summary. Returns whether all is well: in continuous integration (`CI=true`) a skipped suite is
/// a failure.
pub(crate) fn run_all(suites: Vec<Suite>, names: &[&str]) -> Result<bool> {
    let named = |suite: &Suite| names.is_empty() || names.iter().any(|name| suite.name.contains(name));
    let makers: Vec<_> =
        suites.iter().filter(|suite| named(suite)).filter_map(|suite| suite.after.clone()).collect();
    let chosen = suites.into_iter().filter(|suite| named(suite) || makers.contains(&suite.name));
    let (beside, first): (Vec<Numbered>, Vec<_>) = chosen.enumerate().partition(|(_, suite)| suite.beside);
    let mut ended =
        if first.is_empty() { beside.into_iter().map(run).collect() } else { in_two_lanes(first, beside)? };
    ensure!(!ended.is_empty(), "no suite is called {}", names.join(" or "));
    ended.sort_by_key(|suite| suite.number);
    let strict = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let (text, well) = summary(&ended, strict)?;
    println!("\n{text}");
    Ok(well)
}

fn in_two_lanes(first: Vec<Numbered>, beside: Vec<Numbered>) -> Result<Vec<Ended>> {
    let (sender, kept) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            // The receiver is gone when the first lane has failed.
            beside.into_iter().try_for_each(|suite| sender.send(output::keep(|| run(suite))))
        });
        let show = |kept: Result<(Ended, String)>| {
            kept.map(|(suite, printed)| {
                print!("{printed}");
                suite
            })
        };
        let mut ended = Vec::new();
        for suite in first {
            ended.push(run(suite));
            for suite in kept.try_iter() {
                ended.push(show(suite)?);
            }
        }
        for suite in kept {
            ended.push(show(suite)?);
        }
        Ok(ended)
    })
}

/// Runs a suite. Prints its name, its time and its error.
fn run((number, suite): Numbered) -> Ended {
    let name = suite.name.clone();
    output::line(format_args!("\n── {name}"));
    let start = Instant::now();
    let verdict = suite.run();
    output::line(format_args!("── {name}: {:.1} s", start.elapsed().as_secs_f64()));
    if let Err(error) = &verdict {
        output::line(format_args!("{error:#}"));
    }
    Ended { number, name, verdict }
}

/// A line for each suite that did not pass, and the numbers of all; and whether all is well.
fn summary(ended: &[Ended], strict: bool) -> Result<(String, bool)> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut text = String::new();
    for Ended { name, verdict, .. } in ended {
        match verdict {
            Ok(Verdict::Passed) => passed += 1,
            Ok(Verdict::Skipped(why)) if strict => {
                failed += 1;
                writeln!(text, "failed   {name}: skipped, and CI=true: {why}")?;
            }
            Ok(Verdict::Skipped(why)) => {
                skipped += 1;
                writeln!(text, "skipped  {name}: {why}")?;
            }
            Err(error) => {
                failed += 1;
                let said = format!("{error:#}");
                writeln!(text, "failed   {name}: {}", said.lines().next().unwrap_or_default())?;
            }
        }
    }
    write!(text, "{passed} passed, {failed} failed, {skipped} skipped")?;
    Ok((text, failed == 0))
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::{in_two_lanes, summary};
    use crate::suite::{Missing, Suite};

    #[test]
    fn both_lanes_are_counted_in_the_order_of_all() {
        let first = vec![(0, Suite::new("a", || Ok(()))), (2, Suite::new("c", || bail!("one\ntwo")))];
        let beside = vec![
            (1, Suite::new("b", || bail!(Missing("needs x".into()))).beside()),
            (3, Suite::new("d", || bail!("three")).beside()),
        ];
        let mut ended = in_two_lanes(first, beside).unwrap();
        ended.sort_by_key(|suite| suite.number);
        let (text, well) = summary(&ended, false).unwrap();
        assert_eq!(
            (text.as_str(), well),
            ("skipped  b: needs x\nfailed   c: one\nfailed   d: three\n1 passed, 2 failed, 1 skipped", false)
        );
        let (text, _) = summary(&ended, true).unwrap();
        assert!(text.starts_with("failed   b: skipped, and CI=true: needs x\n"), "{text}");
        assert!(text.ends_with("\n1 passed, 3 failed, 0 skipped"), "{text}");
        assert!(summary(&ended[..1], true).unwrap().1);
    }
}
