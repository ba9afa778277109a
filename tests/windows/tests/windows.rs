//! The program `on-windows`: keys of a console, the last error, names of threads, unloaded libraries.
//!
//! On Windows the suite runs the program that cargo built. Elsewhere `cargo xtask platforms` says by environment variables
//! which program it is and what runs it.

use std::env;
use std::path::{Path, PathBuf};
#[cfg(not(windows))]
use std::process::Stdio;
use std::process::{Command, Output};

use memtrack_format::{Cause, LossCause, ThreadState};
use memtrack_tests::folded::fold;
use memtrack_tests::snapshot::{self, Snapshot};
use memtrack_tests::{c, program};

/// Where Windows' drive Z is on the machine that runs the programs by Wine. Windows itself finds its own paths.
const FILES: &[&str] = if cfg!(windows) { &[] } else { &["--sysroot", "/"] };

/// A variable of `cargo xtask platforms`.
fn given(name: &str) -> Option<String> {
    env::var(format!("MEMTRACK_WINDOWS_{name}")).ok()
}

/// The program with its arguments, by what runs it.
fn command(arguments: &[&str]) -> Command {
    let program = given("PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_on-windows").to_owned());
    let runner = given("RUNNER");
    let mut words = runner.iter().map(String::as_str).chain([program.as_str()]);
    let mut command = Command::new(words.next().expect("at least the program"));
    command.args(words).args(arguments).env_remove("MEMTRACK_DUMP");
    command
}

/// Runs a program to its end.
fn output(mut command: Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// Runs a program that must succeed. Returns what it printed.
fn said(command: Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").replace('\r', "")
}

/// A path of a new folder for the files of one test.
fn place(test: &str, file: &str) -> PathBuf {
    program::folder(&format!("windows-{test}")).join(file)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// Runs a program in a console of its own, whose keys reach no other program. Returns its exit code.
#[cfg(windows)]
fn code_in_console(mut command: Command) -> Option<i32> {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_CONSOLE: u32 = 0x10;
    command.creation_flags(CREATE_NEW_CONSOLE);
    output(command).status.code()
}

/// Runs a program in a terminal of its own, from which Wine makes a console. Returns its exit code.
#[cfg(not(windows))]
fn code_in_console(command: Command) -> Option<i32> {
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().expect("text"));
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let line = words.map(quoted).collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.stdin(Stdio::null());
    output(script).status.code()
}

/// The live bytes of the tag `work`.
fn live_work(snapshot: &Snapshot<'_>) -> u64 {
    let tag = snapshot.tags.iter().find(|tag| tag.name == b"work").map_or(u32::MAX, |tag| tag.id);
    snapshot.cells(|cell| cell.tag == tag).live
}

/// Presses a key. Returns the exit code, and the causes of the snapshots with the live bytes of the tag `work`.
fn press(key: &str, end: &str, signal: &str) -> (Option<i32>, Vec<(Cause, u64)>) {
    let dump = place(&format!("key-{key}-{end}-{signal}"), "dump.memtrack");
    let mut command = command(&["key", key, end]);
    command.env("MEMTRACK_DUMP", &dump).env("MEMTRACK_DUMP_SIGNAL", signal);
    let code = code_in_console(command);
    let bytes = snapshot::file(&dump);
    let mut found: Vec<_> =
        snapshot::read(&bytes).iter().map(|one| (one.about.cause, live_work(one))).collect();
    // The end of `main` writes the last snapshot, and the end of the process another one if there were events.
    let end = found.iter().position(|(cause, _)| *cause == Cause::Exit).expect("a snapshot at the end");
    assert!(found.split_off(end + 1).iter().all(|(cause, _)| *cause == Cause::Exit));
    (code, found)
}

/// The keys, with the names of their signals.
const KEYS: [(&str, &str); 2] = [("c", "INT"), ("break", "SIGBREAK")];

#[test]
fn a_key_leaves_a_snapshot_and_the_programs_handler_runs() {
    for (key, signal) in KEYS {
        let expected = vec![(Cause::Signal, 12345), (Cause::Exit, 0)];
        assert_eq!(press(key, "asked", signal), (Some(5), expected), "{key}");
    }
}

#[test]
fn a_key_that_ends_the_program_leaves_a_snapshot_before_the_last_one() {
    for (key, signal) in KEYS {
        let (code, snapshots) = press(key, "default", signal);
        assert!(code.is_none_or(|code| ![5, 6].contains(&code)), "{key}: {code:?}");
        assert_eq!(snapshots, [(Cause::Signal, 12345), (Cause::Exit, 12345)], "{key}");
    }
}

#[test]
fn a_later_handler_of_the_program_or_another_signal_leaves_the_last_snapshot_alone() {
    let expected = (Some(5), vec![(Cause::Exit, 0)]);
    assert_eq!(press("c", "handled", "INT"), expected);
    assert_eq!(press("c", "handled", "BREAK"), expected);
}

#[test]
fn the_last_error_is_the_same_behind_every_event() {
    let dump = place("last-error", "dump.memtrack");
    let mut command = command(&["last-error"]);
    // New peaks write snapshots in the middle of events.
    command.env("MEMTRACK_DUMP", &dump).env("MEMTRACK_DUMP_PEAK", "4KiB");
    let said = said(command);
    // Four threads with 400 rounds of seven events, and a free of another thread's block for each round.
    assert!(said.starts_with("events 12800\nchanged 0\n"), "{said}");
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    assert!(snapshots.iter().any(|snapshot| snapshot.about.cause == Cause::Peak));
    let last = snapshots.last().expect("a snapshot at the end");
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
}

#[test]
fn threads_have_names_and_ends() {
    let dump = place("names", "dump.memtrack");
    said(command(&["names", text(&dump)]));
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let tag = last.tags.iter().find(|tag| tag.name == b"work").expect("the tag").id;
    let mut found = Vec::new();
    for thread in &last.threads {
        let work = last.cells(|cell| cell.thread == thread.id && cell.tag == tag);
        if work.allocs > 0 {
            found.push((work.bytes, String::from_utf8_lossy(thread.name), thread.state));
        }
    }
    found.sort_by_key(|(bytes, ..)| *bytes);
    let expected = [
        (1000, "short".into(), ThreadState::Exited),
        (1001, "a-name-of-more-".into(), ThreadState::Exited),
        // Fifteen bytes.
        (1002, "größte-größ".into(), ThreadState::Exited),
        (1003, "".into(), ThreadState::Running),
    ];
    assert_eq!(found, expected);
}

/// Builds a library whose function `name` calls back from a frame of `size` bytes. All are at one address.
fn library(folder: &Path, name: &str, size: &str) -> PathBuf {
    let built = folder.join(name).with_extension("dll");
    let mut gcc = Command::new(given("GCC").unwrap_or_else(|| "gcc".to_owned()));
    gcc.args(["-shared", "-O1", "-g", "-fno-optimize-sibling-calls", "-Wl,--image-base,0x6b000000"]);
    gcc.args([format!("-DNAME={name}"), format!("-DSIZE={size}"), "-o".to_owned()]).arg(&built);
    gcc.arg(c::source("framed_plugin.c"));
    said(gcc);
    built
}

#[test]
fn blocks_of_unloaded_libraries_keep_the_names_of_their_own_library() {
    let dump = place("libraries", "dump.memtrack");
    let folder = dump.parent().expect("a folder");
    let (first, second) = (library(folder, "first", "208"), library(folder, "second", "400"));
    let (first, second) = (text(&first), text(&second));
    let arguments =
        ["libraries", text(&dump), first, "first", "1", second, "second", "20", first, "first", "300"];
    let places = said(command(&arguments));
    let places: Vec<&str> = places.lines().collect();
    assert!(places.len() == 3 && places.iter().all(|place| *place == places[0]), "{places:?}");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert_eq!(last.lost(LossCause::Unwind), 0, "{:?}", last.losses);
    let blocks = fold(&dump, &[&["-m", "live-blocks", "--tag", "work"], FILES].concat());
    assert_eq!(["first", "second"].map(|name| blocks.under(name)), [301, 20]);
    let callers = |frames: &[&str]| frames.iter().any(|frame| frame.ends_with("libraries::run"));
    assert!(blocks.stacks().all(|(frames, _)| callers(&frames)), "the stacks lead to the program");
}
