//! A handler that allocates, in a storm of signals: no event is lost, only the attribution of those that came in the
//! middle of the hook, and each of these is counted. And signals that ask for a dump and mean something else beside it.

use std::os::unix::process::ExitStatusExt;

use memtrack_format::{Cause, LossCause};
use memtrack_tests::folded::fold;
use memtrack_tests::program::{folder, output, run};
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

/// Runs a program that raises a signal twice, which has a meaning of its own there. The signal that ended it, how often its
/// handler was called, and why snapshots were taken.
fn disposed(how: &str, signal: i32) -> (Option<i32>, Option<String>, Vec<Cause>) {
    let dump = folder(&format!("signals-{how}-{signal}")).join("dump");
    let environment = [("MEMTRACK_DUMP", dump.as_os_str())];
    let output = output(env!("CARGO_BIN_EXE_dispositions"), &[how, &signal.to_string()], &environment);
    let said = String::from_utf8(output.stdout).expect("text");
    let bytes = snapshot::file(&dump);
    let causes = snapshot::read(&bytes).iter().map(|snapshot| snapshot.about.cause).collect();
    let calls = said.strip_prefix("calls ").map(|calls| calls.trim_end().to_owned());
    (output.status.signal(), calls, causes)
}

#[test]
fn behind_the_dump_a_signal_does_what_it_does_without_the_tracker() {
    let calls = |number: &str| Some(number.to_owned());
    let (signal, exit) = (Cause::Signal, Cause::Exit);
    for ends in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGALRM] {
        assert_eq!(disposed("default", ends), (Some(ends), None, vec![signal]), "{ends}");
    }
    for goes_on in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH, libc::SIGRTMIN() + 1] {
        assert_eq!(disposed("default", goes_on), (None, calls("0"), vec![signal, signal, exit]), "{goes_on}");
    }
    let term = libc::SIGTERM;
    assert_eq!(disposed("ignored", term), (None, calls("0"), vec![signal, signal, exit]));
    assert_eq!(disposed("handled", term), (None, calls("2"), vec![signal, signal, exit]));
    // The handler is for the first alone; the second ends the program.
    assert_eq!(disposed("once", term), (Some(term), None, vec![signal, signal]));
}
