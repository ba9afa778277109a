//! Everything at once, for a long time: threads, stages, resets, tags, dumps. Afterwards recorded and lost events are
//! all events. `cargo xtask soak` runs the same for many more rounds.

use memtrack_format::LossCause;
use memtrack_tests::program::{folder, run};
use memtrack_tests::{c, snapshot};

/// Rounds of each storm. The long run has two thousand: sixteen times a hundred thousand threads.
fn rounds() -> String {
    let rounds =
        std::env::var("MEMTRACK_SOAK_ROUNDS").map_or(20_000, |rounds| rounds.parse().expect("a number"));
    (rounds / 2_500).max(1).to_string()
}

/// Runs a storm. The program compares the accounts after each round.
fn storm(name: &str, libraries: &[&str]) -> i64 {
    let (dump, rounds) = (folder(&format!("storm-{name}")).join("dump"), rounds());
    let arguments = [&[name, rounds.as_str(), dump.to_str().unwrap()], libraries].concat();
    let facts = run(env!("CARGO_BIN_EXE_storms"), &arguments, &[]);
    assert_eq!(facts.get("rounds").to_string(), rounds);
    facts.get("called")
}

#[test]
fn every_thread_of_a_storm_is_counted() {
    storm("threads", &[]);
}

#[test]
fn after_a_storm_of_forks_parent_and_children_have_right_figures() {
    storm("forks", &[]);
}

#[test]
fn after_a_storm_of_libraries_the_accounts_agree() {
    let folder = folder("storm-libraries");
    let libraries = [48, 208, 1008].map(|size| c::plugin("storm", size, &[], &folder));
    let libraries = libraries.each_ref().map(|path| path.to_str().unwrap());
    assert_eq!(storm("plugins", &libraries), 100 * rounds().parse::<i64>().unwrap());
}

/// Signals whose handler allocates: hundreds per round.
#[test]
fn after_a_storm_of_signals_the_accounts_agree() {
    let signals = (250 * rounds().parse::<u64>().unwrap()).to_string();
    let facts = run(env!("CARGO_BIN_EXE_signals"), &[&signals], &[]);
    assert!(facts.get("handled") >= signals.parse().unwrap());
    for name in ["allocs", "bytes", "live-blocks", "live", "reallocs"] {
        assert_eq!(facts.get(name), facts.get(&format!("audited {name}")), "{name}");
    }
}

#[test]
fn after_a_storm_of_everything_the_accounts_agree() {
    let rounds = std::env::var("MEMTRACK_SOAK_ROUNDS").unwrap_or_else(|_| "20000".into());
    let folder = folder("soak");
    let (during, exit) = (folder.join("during"), folder.join("exit"));
    let arguments = [rounds.as_str(), during.to_str().unwrap()];
    let facts = run(env!("CARGO_BIN_EXE_soak"), &arguments, &[("MEMTRACK_DUMP", exit.as_os_str())]);
    assert!(facts.get("dumps") > 1, "several dumps during the storm");
    for name in ["allocs", "bytes", "live-blocks", "live", "reallocs"] {
        assert_eq!(facts.get(name), facts.get(&format!("audited {name}")), "{name}");
    }
    // This dump was written in the middle of events: it is complete, but its sums need not agree.
    assert_eq!(snapshot::read(&snapshot::file(&during)).len(), 1);
    // The dump at exit adds up.
    let bytes = snapshot::file(&exit);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let runs =
        |name: &str| last.stages.iter().find(|stage| stage.name == name.as_bytes()).expect("a stage").runs;
    assert_eq!([runs("one") + runs("two")], [facts.get("dumps") as u64], "all runs of stages");
    let steps = last.stages.iter().filter(|stage| stage.scope != 0).map(|stage| stage.runs).sum::<u64>();
    let observed = 16 * rounds.parse::<u64>().unwrap() / 4;
    assert_eq!(steps + last.lost(LossCause::StagesFull), observed, "all runs of spans");
}
