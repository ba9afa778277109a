//! Several programs with one dump path: none destroys the snapshots of another running program, or of the same
//! process.

use std::path::Path;

use memtrack_format::Kind;
use memtrack_tests::folded::fold;
use memtrack_tests::program::{folder, run};
use memtrack_tests::snapshot;

const PROGRAM: &str = env!("CARGO_BIN_EXE_writers");

/// The names of the stages that have snapshots, and `program` for snapshots of the whole program.
fn contents(dump: &Path) -> Vec<String> {
    let bytes = snapshot::file(dump);
    let name = |snapshot: &snapshot::Snapshot<'_>| match snapshot.about.kind {
        Kind::Stage => String::from_utf8_lossy(snapshot.stages[0].name).into_owned(),
        _ => "program".into(),
    };
    snapshot::read(&bytes).iter().map(name).collect()
}

#[test]
fn a_program_that_replaces_itself_keeps_its_snapshots() {
    let dump = folder("writers-exec").join("dump");
    run(PROGRAM, &["exec"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    assert_eq!(contents(&dump), ["before", "of the last", "program"]);
    // The stacks of both programs are complete. By default only the last program is shown.
    let live = |arguments: &[&str]| fold(&dump, arguments);
    assert_eq!(live(&["-m", "peak", "--stage", "before"]).under("writers::first_keeps"), 10_000);
    assert_eq!(live(&["-m", "peak", "--stage", "of the last"]).under("writers::last_keeps"), 70_000);
    assert_eq!(live(&["-m", "live"]).under("writers::first_keeps"), 0);
    assert_eq!(live(&["-m", "live", "--tracker", "2"]).under("writers::last_keeps"), 70_000);
    assert_eq!(
        live(&["-m", "peak", "--tracker", "1", "--stage", "before"]).under("writers::first_keeps"),
        10_000
    );
}

#[test]
fn a_program_that_replaces_itself_keeps_its_recordings() {
    let recording = folder("writers-exec-record").join("recording");
    let facts = run(PROGRAM, &["exec", "exec"], &[("MEMTRACK_RECORD", recording.as_os_str())]);
    let beside = |times| {
        let name = format!("recording{}", format!(".{}", facts.get("pid")).repeat(times));
        let live = fold(&recording.with_file_name(name), &["-m", "live"]);
        [live.under("writers::first_keeps"), live.under("writers::last_keeps")]
    };
    assert_eq!([0, 1, 2].map(beside), [[0, 70_000], [10_000, 0], [10_000, 0]]);
}

/// The blocks inherited from the parent are in the parent's file.
#[test]
fn a_child_that_replaces_itself_at_once_has_one_recording() {
    let folder = folder("writers-start-record");
    let recording = folder.join("recording");
    let facts = run(PROGRAM, &["start"], &[("MEMTRACK_RECORD", recording.as_os_str())]);
    let of_child = folder.join(format!("recording.{}", facts.get("pid")));
    assert_eq!(fold(&of_child, &["-m", "live"]).under("writers::last_keeps"), 70_000);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn a_child_program_writes_beside_its_running_parent() {
    let dump = folder("writers-spawn").join("dump");
    let facts = run(PROGRAM, &["spawn"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    assert_eq!(contents(&dump), ["before", "after", "program"]);
    assert_eq!(fold(&dump, &["-m", "peak", "--stage", "after"]).under("writers::first_keeps"), 20_000);
    let of_child = dump.with_file_name(format!("dump.{}", facts.get("child")));
    assert_eq!(contents(&of_child), ["of the last", "program"]);
    assert_eq!(fold(&of_child, &["-m", "live"]).under("writers::last_keeps"), 70_000);
}

#[test]
fn a_second_run_replaces_the_first() {
    let dump = folder("writers-again").join("dump");
    run(PROGRAM, &["exec"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    run(PROGRAM, &["last"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    assert_eq!(contents(&dump), ["of the last", "program"]);
}
