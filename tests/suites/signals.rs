//! A handler that allocates, in a storm of signals: no event is lost, only the attribution of those that came in the
//! middle of the hook, and each of these is counted.

use memtrack_format::LossCause;
use memtrack_tests::folded::fold;
use memtrack_tests::program::{folder, run};
use memtrack_tests::snapshot;

#[test]
fn a_storm_of_signals_loses_nothing_but_counted_attributions() {
    let dump = folder("signals").join("dump");
    let facts = run(env!("CARGO_BIN_EXE_signals"), &["10000"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    for name in ["allocs", "bytes", "live-blocks", "live", "reallocs"] {
        assert_eq!(facts.get(name), facts.get(&format!("audited {name}")), "{name}");
    }
    let bytes = snapshot::file(&dump);
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    let interrupted = snapshot.lost(LossCause::Reentered);
    let handled = facts.get("handled") as u64;
    // A storm that never met the hook would prove nothing. Three allocations a signal.
    assert!(interrupted > 0 && interrupted <= 3 * handled, "{interrupted} events in {handled} signals");
    assert_eq!(snapshot.losses.len(), 1, "{:?}", snapshot.losses);

    let graph = fold(&dump, &["--metric", "allocs"]);
    assert_eq!(graph.under("[unattributed]"), snapshot.cells(|cell| cell.id == 0).allocs);
    assert!(graph.under("signals::handler") + interrupted >= 3 * handled);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_signal_after_any_instruction_of_a_threads_first_event_leaves_it_one_slot() {
    let facts = run(env!("CARGO_BIN_EXE_stepped"), &[], &[]);
    let threads = facts.get("threads");
    assert_eq!(facts.get("slots taken"), threads);
    // Two events of each thread, and one of the handler on all but the last.
    assert_eq!(facts.all(["allocs", "live", "live-blocks"]), [3 * threads - 1, 0, 0]);
    // It came in the middle of the hook, and elsewhere.
    let inside = facts.get("in the hook");
    assert!(inside > 0 && inside < threads, "{inside} of {threads}");
}
