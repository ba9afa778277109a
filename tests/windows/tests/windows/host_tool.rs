//! `memtrack-fold.exe`: names by the debug information of a program, formats, and what the system lacks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_tests::folded::Folded;
use memtrack_tests::{c, program as programs};

use crate::{given, output, place, program, said, text};

/// A program of the workspace: the one that was given, or that cargo has built here.
fn of_workspace(variable: &str, name: &str) -> String {
    given(variable).unwrap_or_else(|| programs::of_workspace(name))
}

fn fold(arguments: &[&str]) -> Command {
    program(&of_workspace("FOLD", "memtrack-fold"), arguments)
}

/// A path as programs of Windows write it.
fn native(path: &Path) -> String {
    if cfg!(windows) { text(path).to_owned() } else { format!("Z:{}", text(path).replace('/', "\\")) }
}

/// The dump of forty chains of calls, which a program wrote at a path with a drive and backslashes.
fn chains(test: &str) -> PathBuf {
    let dump = place(test, "dump.memtrack");
    said(program(&of_workspace("EVERYWHERE", "everywhere"), &["chains", &native(&dump)]));
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
    refused(&["record", "--", "program.exe"], 2, "`record` works on Linux only");
    refused(&["top", "4711"], 2, "does not list the files of a process; give the file itself");
    refused(&["top", "Z:\\no such file"], 4, "cannot read Z:\\no such file");
    refused(&["Z:\\no such file"], 4, "cannot read Z:\\no such file");
}
