//! A snapshot does not use the stack of the thread that triggers it. Each trigger runs on the smallest stack that the
//! system allows.
//!
//! Planted bug: in `other_stack.rs`, `on_stack` that calls the function on the current stack.

use std::ffi::OsStr;
use std::path::PathBuf;

use memtrack_format::{Cause, Kind};
use memtrack_tests::program::{folder, output};
use memtrack_tests::snapshot;

const PROGRAM: &str = env!("CARGO_BIN_EXE_small_stacks");

/// Runs the program with variables beside `MEMTRACK_DUMP`, and checks its exit code. Returns the path of the dump.
fn dump_of(trigger: &str, variables: &[(&str, &str)], code: i32) -> PathBuf {
    let dump = folder(&format!("small_stacks-{trigger}")).join("dump");
    let other = dump.with_extension("other");
    let mut environment = vec![("MEMTRACK_DUMP", dump.as_os_str()), ("OTHER", other.as_os_str())];
    environment.extend(variables.iter().map(|(name, value)| (*name, OsStr::new(*value))));
    let output = output(PROGRAM, &[trigger], &environment);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{trigger}: {}\n{said}", output.status);
    dump
}

/// The causes of the snapshots of the whole program.
fn causes(trigger: &str, variables: &[(&str, &str)], code: i32) -> Vec<Cause> {
    let bytes = snapshot::file(&dump_of(trigger, variables, code));
    let snapshots = snapshot::read(&bytes);
    let programs = snapshots.iter().filter(|snapshot| snapshot.about.kind == Kind::Program);
    programs
        .inspect(|snapshot| snapshot.assert_adds_up_at_rest())
        .map(|snapshot| snapshot.about.cause)
        .collect()
}

#[test]
fn a_snapshot_in_a_signal_handler() {
    assert_eq!(causes("signal", &[("MEMTRACK_DUMP_SIGNAL", "USR1")], 0), [Cause::Signal, Cause::Exit]);
    let many = dump_of("asked", &[("MEMTRACK_DUMP_SIGNAL", "USR1")], 0);
    let bytes = snapshot::file(&many);
    // A signal that arrives while the previous one is handled may be merged with it.
    assert!((1..=51).contains(&(snapshot::read(&bytes).len() - 1)));
}

#[test]
fn a_snapshot_at_an_interval() {
    let causes = causes("interval", &[("MEMTRACK_DUMP_INTERVAL", "0.01")], 0);
    assert!(causes.len() > 1 && causes[0] == Cause::Interval, "{causes:?}");
}

#[test]
fn a_snapshot_at_a_peak_and_at_a_failure() {
    let above = causes("peak", &[("MEMTRACK_DUMP_PEAK", "2MiB")], 0);
    assert_eq!(above, [Cause::Peak, Cause::Peak, Cause::Peak, Cause::Exit]);
    assert_eq!(causes("failure", &[], 0), [Cause::Failure, Cause::Exit]);
}

#[test]
fn a_snapshot_at_the_end_of_a_stage() {
    for (trigger, file) in [("stage", "dump"), ("stages", "dump.other")] {
        let folder = dump_of(trigger, &[], 0);
        let bytes = snapshot::file(&folder.with_file_name(file));
        let snapshots = snapshot::read(&bytes);
        let stages = snapshots.iter().filter(|snapshot| snapshot.about.kind == Kind::Stage).count();
        assert_eq!(stages, 2, "{trigger}");
    }
}

#[test]
fn a_snapshot_at_an_exit_in_that_thread() {
    assert_eq!(causes("exit", &[], 3), [Cause::Exit]);
}

#[test]
fn a_snapshot_on_request() {
    let dump = dump_of("path", &[], 0);
    let bytes = snapshot::file(&dump.with_extension("other"));
    assert_eq!(snapshot::last(&bytes).about.cause, Cause::Request);
}

#[test]
fn a_recording_continues() {
    for trigger in ["forked", "event"] {
        let record = folder(&format!("small_stacks-record-{trigger}")).join("record");
        dump_of(trigger, &[("MEMTRACK_RECORD", record.to_str().expect("a path"))], 0);
        assert!(record.metadata().expect("a recording").len() > 0);
    }
}
