//! A snapshot needs no stack of the thread in which it is caused: each cause, on the smallest stack that the system allows.
//!
//! Planted bug: in `dump_stack.rs`, `on_stack` that calls the function where it is.

use std::ffi::OsStr;
use std::path::PathBuf;

use memtrack_format::{Cause, Kind};
use memtrack_tests::program::{folder, output};
use memtrack_tests::snapshot;

const PROGRAM: &str = env!("CARGO_BIN_EXE_small_stacks");

/// Runs the program with variables beside `MEMTRACK_DUMP`. Its exit code has to be `code`. The dump.
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
    programs.inspect(|snapshot| snapshot.assert_adds_up()).map(|snapshot| snapshot.about.cause).collect()
}

#[test]
fn a_signals_handler_writes() {
    assert_eq!(causes("signal", &[("MEMTRACK_DUMP_SIGNAL", "USR1")], 0), [Cause::Signal, Cause::Exit]);
    let many = dump_of("asked", &[("MEMTRACK_DUMP_SIGNAL", "USR1")], 0);
    let bytes = snapshot::file(&many);
    // A signal that comes while the one before it is being served may be one with it.
    assert!((1..=51).contains(&(snapshot::read(&bytes).len() - 1)));
}

#[test]
fn an_interval_passes() {
    let causes = causes("interval", &[("MEMTRACK_DUMP_INTERVAL", "0.01")], 0);
    assert!(causes.len() > 1 && causes[0] == Cause::Interval, "{causes:?}");
}

#[test]
fn a_peak_rises_and_an_allocation_fails() {
    let above = causes("peak", &[("MEMTRACK_DUMP_PEAK", "2MiB")], 0);
    assert_eq!(above, [Cause::Peak, Cause::Peak, Cause::Peak, Cause::Exit]);
    assert_eq!(causes("failure", &[], 0), [Cause::Failure, Cause::Exit]);
}

#[test]
fn a_stage_ends() {
    for (trigger, file) in [("stage", "dump"), ("stages", "dump.other")] {
        let folder = dump_of(trigger, &[], 0);
        let bytes = snapshot::file(&folder.with_file_name(file));
        let snapshots = snapshot::read(&bytes);
        let stages = snapshots.iter().filter(|snapshot| snapshot.about.kind == Kind::Stage).count();
        assert_eq!(stages, 2, "{trigger}");
    }
}

#[test]
fn the_program_ends_in_that_thread() {
    assert_eq!(causes("exit", &[], 3), [Cause::Exit]);
}

#[test]
fn the_thread_asks_for_it() {
    let dump = dump_of("path", &[], 0);
    let bytes = snapshot::file(&dump.with_extension("other"));
    assert_eq!(snapshot::last(&bytes).about.cause, Cause::Request);
}

#[test]
fn a_recording_goes_on() {
    for trigger in ["forked", "event"] {
        let record = folder(&format!("small_stacks-record-{trigger}")).join("record");
        dump_of(trigger, &[("MEMTRACK_RECORD", record.to_str().expect("a path"))], 0);
        assert!(record.metadata().expect("a recording").len() > 0);
    }
}
