//! Programs that forbid themselves system calls, or request something that only a process with one thread gets: they
//! behave the same with the preloaded library as without it.
//!
//! Planted bug: in `sandbox.rs`, `allows` that is always true.

use std::path::PathBuf;
use std::process::Command;

use memtrack_format::Cause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::program::folder;
use memtrack_tests::snapshot;

/// Builds a C program.
fn built(name: &str, test: &str) -> PathBuf {
    let program = folder(&format!("sandbox-{test}")).join(name);
    c::build("gcc", &["-O1", "-fno-builtin"], &c::source(&format!("{name}.c")), Link::None, &program);
    program
}

/// Runs the program in a sandbox that it makes itself, without and with the library. Returns the causes of its
/// snapshots, and the live bytes in the last one.
fn sealed(how: &str) -> (Vec<Cause>, u64) {
    let program = built("sandbox", how);
    let dump = program.with_extension("dump");
    let plain = c::output(Command::new(&program).arg(how));
    let code = if how == "strict" { 0 } else { 3 };
    assert_eq!(plain.status.code(), Some(code), "{how}: without the library: {}", plain.status);
    c::assert_same(&plain, &c::preloaded(Command::new(&program).arg(how), &dump));
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    snapshots.iter().for_each(snapshot::Snapshot::assert_adds_up);
    let live = snapshots.last().expect("a snapshot").marks.figures.live;
    (snapshots.iter().map(|snapshot| snapshot.about.cause).collect(), live)
}

#[test]
fn a_program_continues_and_its_last_snapshot_precedes_the_sandbox() {
    for how in ["errno", "kill", "strict", "seccomp", "thread"] {
        let (causes, live) = sealed(how);
        assert_eq!(causes, [Cause::Sandbox], "{how}");
        assert!(live >= 12345, "{how}: {live} bytes");
    }
}

#[test]
fn a_sandbox_that_allows_files_has_a_snapshot_at_exit() {
    assert_eq!(sealed("open").0, [Cause::Exit]);
}

#[test]
fn a_filter_that_the_system_refuses_changes_nothing() {
    // The snapshot is taken before the tracker can know that the system refuses the first filter.
    let (causes, _) = sealed("probe");
    assert_eq!(causes.last(), Some(&Cause::Exit), "{causes:?}");
}

#[test]
fn an_interval_leaves_the_process_one_thread_when_it_needs_that() {
    let program = built("unshare", "unshare");
    for how in ["function", "call"] {
        let plain = c::output(Command::new(&program).arg(how).env_remove("MEMTRACK_DUMP"));
        let dump = program.with_extension(how);
        let mut command = Command::new(&program);
        command.arg(how).env("MEMTRACK_DUMP_INTERVAL", "0.01");
        c::assert_same(&plain, &c::preloaded(&mut command, &dump));
        let bytes = snapshot::file(&dump);
        let causes: Vec<Cause> = snapshot::read(&bytes).iter().map(|snapshot| snapshot.about.cause).collect();
        let (last, before) = causes.split_last().expect("snapshots");
        assert_eq!(*last, Cause::Exit);
        assert!(before.len() >= 2 && before.iter().all(|cause| *cause == Cause::Interval), "{causes:?}");
    }
}
