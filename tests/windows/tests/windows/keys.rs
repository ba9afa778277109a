//! Ctrl-C and Ctrl-Break.

use std::process::Command;
#[cfg(not(windows))]
use std::process::Stdio;

use memtrack_format::Cause;
use memtrack_tests::snapshot;

use crate::{on_windows, output, place};

/// Runs a program in a console of its own, whose keys reach no other program. Returns its exit code.
#[cfg(windows)]
fn code_in_console(mut command: Command) -> Option<i32> {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_CONSOLE: u32 = 0x10;
    command.creation_flags(CREATE_NEW_CONSOLE);
    output(command).status.code()
}

/// Runs a program in a console of its own. Returns its exit code.
#[cfg(not(windows))]
fn code_in_console(command: Command) -> Option<i32> {
    let mut script = in_terminal(command);
    script.stdin(Stdio::null());
    output(script).status.code()
}

/// A program in a terminal of its own, from which Wine makes a console.
#[cfg(not(windows))]
pub(crate) fn in_terminal(command: Command) -> Command {
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
    script
}

/// Presses a key. Returns the exit code, and the causes of the snapshots with the live bytes of the tag `work`.
fn press(key: &str, end: &str, signal: &str) -> (Option<i32>, Vec<(Cause, u64)>) {
    let dump = place(&format!("key-{key}-{end}-{signal}"), "dump.memtrack");
    let mut command = on_windows(&["key", key, end]);
    command.env("MEMTRACK_DUMP", &dump).env("MEMTRACK_DUMP_SIGNAL", signal);
    let code = code_in_console(command);
    let bytes = snapshot::file(&dump);
    let mut found: Vec<_> =
        snapshot::read(&bytes).iter().map(|one| (one.about.cause, one.live_of_tag("work"))).collect();
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
