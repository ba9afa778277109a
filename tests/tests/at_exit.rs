//! `MEMTRACK_DUMP`: however a program ends, its dump is written, under the requested name.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::time::{SystemTime, UNIX_EPOCH};

use memtrack_format::Cause;
use memtrack_tests::folded::fold;
use memtrack_tests::program::{folder, output, run};
use memtrack_tests::snapshot;

const LEAVE: &str = env!("CARGO_BIN_EXE_leave");

#[test]
fn a_dump_is_written_however_the_program_ends() {
    let folder = folder("at-exit");
    for (way, code) in [("return", 0), ("exit", 7), ("thread", 7), ("panic", 101)] {
        let dump = folder.join(way);
        let output = output(LEAVE, &[way], &[("MEMTRACK_DUMP", dump.as_os_str())]);
        assert_eq!(output.status.code(), Some(code), "{way}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{way}: the tracker prints nothing");
        let bytes = snapshot::file(&dump);
        let snapshot = snapshot::last(&bytes);
        assert_eq!(snapshot.about.cause, Cause::Exit);
        snapshot.assert_adds_up();
        assert_eq!(fold(&dump, &["--metric", "live"]).under("leave::kept"), 12345, "{way}");
    }
    // A program that is killed leaves a file without a snapshot.
    let dump = folder.join("abort");
    let output = output(LEAVE, &["abort"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert_eq!(snapshot::read(&snapshot::file(&dump)).len(), 0);
}

#[test]
fn a_relative_path_starts_at_the_initial_folder() {
    let folder = folder("at-exit-moved");
    let mut program = std::process::Command::new(LEAVE);
    let status = program.arg("moved").current_dir(&folder).env("MEMTRACK_DUMP", "dump").status().unwrap();
    assert!(status.success());
    snapshot::last(&snapshot::file(&folder.join("dump"))).assert_adds_up();
}

#[test]
fn names_contain_process_and_time() {
    let folder = folder("at-exit-names");
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let before = now();
    run(LEAVE, &["return"], &[("MEMTRACK_DUMP", folder.join("%p at %t, 100%%").as_os_str())]);
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    let name = file.file_name().into_string().unwrap();
    let bytes = snapshot::file(&file.path());
    let (process, time) = name.strip_suffix(", 100%").and_then(|name| name.split_once(" at ")).expect(&name);
    assert_eq!(process.parse(), Ok(snapshot::last(&bytes).target.pid));
    assert!((before..=now()).contains(&time.parse().unwrap()), "{time}");
}

#[test]
fn a_file_that_cannot_be_written_is_reported_once_and_changes_nothing() {
    for (path, why) in [("/nowhere/dump", "No such file or directory"), ("/", "Is a directory")] {
        let output = output(LEAVE, &["exit"], &[("MEMTRACK_DUMP", OsStr::new(path))]);
        assert_eq!(output.status.code(), Some(7));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.starts_with(&format!("memtrack: MEMTRACK_DUMP={path}: ")) && said.contains(why),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    // With an empty variable it prints and writes nothing.
    let output = output(LEAVE, &["exit"], &[("MEMTRACK_DUMP", OsStr::new(""))]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(7), 0));
}

#[test]
fn a_caught_panic_leaves_the_figures_right() {
    let dump = folder("at-exit-caught").join("dump");
    let facts = run(LEAVE, &["caught"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    assert_eq!(facts.all(["live", "live-blocks", "runs", "running"]), [0, 0, 101, 0]);
    let bytes = snapshot::file(&dump);
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    assert!(snapshot.losses.is_empty(), "{:?}", snapshot.losses);
    let graph = fold(&dump, &[]);
    // 300, 200 and 100 bytes on the way down, under the tag. The block allocated afterwards is not under the tag.
    let tagged = |frames: &[&str]| frames[0] == "tag panicking";
    let of = |name: &str, is_tagged: bool| -> u64 {
        let found =
            graph.stacks().filter(|(frames, _)| frames.contains(&name) && tagged(frames) == is_tagged);
        found.map(|(_, bytes)| bytes).sum()
    };
    assert!(of("leave::holds_a_block", true) >= 101 * 600, "{}", of("leave::holds_a_block", true));
    assert_eq!((of("leave::holds_a_block", false), of("leave::after_all", true)), (0, 0));
    assert_eq!(of("leave::after_all", false), 777);
}
