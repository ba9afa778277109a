//! `memtrack-fold.exe`: names by the debug information of a program, formats, the live view, and what the system lacks.

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use memtrack_tests::c;
use memtrack_tests::folded::Folded;
use memtrack_tests::program::Running;

use crate::{everywhere, fold_exe as fold, native, output, place, said};

/// The dump of forty chains of calls, which a program wrote at a path with a drive and backslashes.
fn chains(test: &str) -> PathBuf {
    let dump = place(test, "dump.memtrack");
    said(everywhere(&["chains", &native(&dump)]));
    dump
}

#[test]
fn it_names_the_functions_of_a_program() {
    let dump = chains("fold");
    let folded = said(fold(&[&native(&dump), "-m", "bytes", "--tag", "work"]));
    let expected = fs::read_to_string(c::workspace().join("tests/everywhere/tests/chains.folded"));
    assert_eq!(
        Folded::parse(&folded).chains(),
        expected.expect("the expected chains").lines().collect::<Vec<_>>()
    );
}

#[test]
fn it_prints_the_contents_and_draws() {
    let dump = chains("formats");
    let info = said(fold(&["info", &native(&dump)]));
    assert!(info.contains("target     windows x86_64") && info.contains("everywhere.exe chains"), "{info}");
    for (extension, begin) in [("svg", "<?xml"), ("html", "<!DOCTYPE html>"), ("pb.gz", "\u{1f}")] {
        let drawn = dump.with_extension(extension);
        said(fold(&[&native(&dump), "-o", &native(&drawn)]));
        let bytes = fs::read(&drawn).unwrap_or_else(|error| panic!("{}: {error}", drawn.display()));
        assert!(bytes.to_ascii_lowercase().starts_with(begin.to_lowercase().as_bytes()), "{extension}");
    }
}

#[test]
fn it_says_what_the_system_lacks() {
    let refused = |arguments: &[&str], code: i32, reason: &str| {
        let Output { status, stdout, stderr } = output(fold(arguments));
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(code), "{arguments:?}: {said}");
        assert!(stdout.is_empty() && said.contains(reason), "{arguments:?}: {said}");
    };
    refused(&["record", "--", "program.exe"], 2, "`record` works on Linux and macOS only");
    refused(&["top", "4711"], 2, "does not list the files of a process; give the file itself");
    refused(&["top", "Z:\\no such file"], 4, "cannot read Z:\\no such file");
    refused(&["Z:\\no such file"], 4, "cannot read Z:\\no such file");
}

/// A program that has its known blocks and waits; and its recording.
fn recorded(test: &str) -> (Running, PathBuf) {
    let image = place(test, "program.image");
    let mut command = everywhere(&["recording"]);
    command.env("MEMTRACK_RECORD", &image).stdin(Stdio::piped());
    let program = Running::start(command);
    assert_eq!(program.said.trim_end(), "ready");
    (program, image)
}

/// In a console the view has the alternate screen, and takes keys.
#[test]
#[cfg(not(windows))]
fn the_live_view_begins_and_ends_in_a_console() {
    use std::io::{Read, Write};
    const BEGIN: &str = "\u{1b}[?1049h";
    const END: &str = "\u{1b}[?1049l";

    let (_program, image) = recorded("console");
    let mut view = crate::keys::in_terminal(fold(&["top", &native(&image)]));
    let mut view = view.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the view starts");
    let (mut keys, mut screen) = (view.stdin.take().expect("a pipe"), view.stdout.take().expect("a pipe"));
    let (mut shown, mut piece) = (String::new(), [0; 4096]);
    let mut is_asked = false;
    // The key is pressed once the view is there.
    while let Ok(length @ 1..) = screen.read(&mut piece) {
        shown.push_str(&String::from_utf8_lossy(&piece[..length]));
        if !is_asked && shown.contains(BEGIN) && shown.contains("everywhere.exe") {
            is_asked = keys.write_all(b"q").and_then(|()| keys.flush()).is_ok();
        }
    }
    let status = view.wait().expect("the view ends");
    assert!(is_asked && status.success() && shown.contains(END), "{status}:\n{shown}");
}

#[test]
fn it_shows_a_running_program_to_its_end() {
    let (mut program, image) = recorded("top");
    let image = native(&image);
    let top = || said(fold(&["top", &image, "--once"]));
    let screen = top();
    let all = ["everywhere.exe", "running  after", "│▶ serve", "everywhere::block ←", "no losses"];
    all.iter().for_each(|what| assert!(screen.contains(what), "{what}:\n{screen}"));
    // 300 blocks of 1000 bytes.
    let is_worker = |line: &str| line.starts_with("│worker ") && line.contains(" 293 KiB ");
    assert!(screen.lines().any(is_worker), "{screen}");
    program.kill();
    let screen = top();
    assert!(screen.contains("ended  after") && screen.lines().any(is_worker), "{screen}");
}
