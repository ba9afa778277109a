//! A handler that allocates, in a storm of signals: no event is lost. Only the attribution of events inside the hook
//! is lost, and each of these is counted. Also signals that trigger a dump and have a disposition in the program.

use std::os::unix::process::ExitStatusExt;

use memtrack_format::{Cause, LossCause};
use memtrack_tests::folded::fold;
use memtrack_tests::program::{folder, output, run};
use memtrack_tests::snapshot;

#[test]
fn a_storm_of_signals_loses_only_counted_attributions() {
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
    // A storm that never interrupted the hook would prove nothing. Each signal has three allocations.
    assert!(interrupted > 0 && interrupted <= 3 * handled, "{interrupted} events in {handled} signals");
    assert_eq!(snapshot.losses.len(), 1, "{:?}", snapshot.losses);

    let graph = fold(&dump, &["--metric", "allocs"]);
    assert_eq!(graph.under("[unattributed]"), snapshot.cells(|cell| cell.id == 0).allocs);
    assert!(graph.under("signals::handler") + interrupted >= 3 * handled);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_thread_interrupted_in_its_first_event_has_one_slot() {
    let facts = run(env!("CARGO_BIN_EXE_stepped"), &[], &[]);
    let threads = facts.get("threads");
    assert_eq!(facts.get("slots taken"), threads);
    // Each thread has two events; the handler has one on every thread but the last.
    assert_eq!(facts.all(["allocs", "live", "live-blocks"]), [3 * threads - 1, 0, 0]);
    // Some signals came inside the hook, others outside.
    let inside = facts.get("in the hook");
    assert!(inside > 0 && inside < threads, "{inside} of {threads}");
}

/// Runs a program that raises a signal twice, which has a disposition there. Returns the signal that ended the
/// program, the number of its handler's calls, and the causes of its snapshots.
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
fn after_the_dump_a_signal_acts_as_without_the_tracker() {
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
    // The handler is only for the first signal; the second one ends the program.
    assert_eq!(disposed("once", term), (Some(term), None, vec![signal, signal]));
}
