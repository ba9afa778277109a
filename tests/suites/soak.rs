//! Everything at once, for long: threads, stages, resets, tags, dumps. Afterwards recorded and lost is observed.
//! `cargo xtask soak` runs the same for many more rounds.

use memtrack_format::LossCause;
use memtrack_tests::program::{folder, run};
use memtrack_tests::snapshot;

#[test]
fn after_a_storm_recorded_and_lost_is_observed() {
    let rounds = std::env::var("MEMTRACK_SOAK_ROUNDS").unwrap_or_else(|_| "20000".into());
    let folder = folder("soak");
    let (during, exit) = (folder.join("during"), folder.join("exit"));
    let arguments = [rounds.as_str(), during.to_str().unwrap()];
    let facts = run(env!("CARGO_BIN_EXE_soak"), &arguments, &[("MEMTRACK_DUMP", exit.as_os_str())]);
    assert!(facts.get("dumps") > 1, "the storm was over before it was looked at");
    for name in ["allocs", "bytes", "live-blocks", "live", "reallocs"] {
        assert_eq!(facts.get(name), facts.get(&format!("audited {name}")), "{name}");
    }
    // Taken in the middle of events: whole, though its sums need not agree.
    assert_eq!(snapshot::read(&snapshot::file(&during)).len(), 1);
    // Each stage's snapshots too, and the one at exit adds up.
    let bytes = snapshot::file(&exit);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let runs =
        |name: &str| last.stages.iter().find(|stage| stage.name == name.as_bytes()).expect("a stage").runs;
    assert_eq!([runs("one") + runs("two")], [facts.get("dumps") as u64], "every run of a stage was counted");
    let steps = last.stages.iter().filter(|stage| stage.scope != 0).map(|stage| stage.runs).sum::<u64>();
    let observed = 16 * rounds.parse::<u64>().unwrap() / 4;
    assert_eq!(steps + last.lost(LossCause::StagesFull), observed, "and every stage of a thread");
}
