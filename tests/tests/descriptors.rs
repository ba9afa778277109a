//! Descriptors belong to the program: whatever it does with them, its files and the tracker's stay intact.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use memtrack_host_tools::input;
use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::program::folder;
use memtrack_tests::snapshot;

const LEAVE: &str = env!("CARGO_BIN_EXE_leave");

/// The recording at `path` as a dump.
fn recorded(path: &Path) -> Vec<u8> {
    let input = input::open(path, None).expect("a recording");
    assert!(input.notes.is_empty() && !input.damaged, "{:?}", input.notes);
    input.bytes.to_vec()
}

#[test]
fn a_program_that_closes_all_descriptors_keeps_its_file_and_its_recording() {
    let folder = folder("descriptors-closed");
    let at = |name: &str| folder.join(name);
    c::build("gcc", &["-O1"], &c::source("closer.c"), Link::None, &at("closer"));
    c::build("gcc", &["-shared", "-fPIC", "-O1"], &c::source("plugin.c"), Link::None, &at("plugin.so"));
    let mut command = Command::new(at("closer"));
    command.arg(at("database")).arg(at("plugin.so"));
    command.env("MEMTRACK_RECORD", at("run")).env_remove("MEMTRACK_DUMP");
    command.env("LD_PRELOAD", c::libraries().join("libmemtrack.so"));
    let said = c::run(&mut command);
    assert_eq!(fs::read(at("database")).unwrap(), b"precious\n");

    // The library was loaded after the descriptors were closed, and so was the child started.
    let child = at(&format!("run.{}", said.trim()));
    for (path, of_the_child) in [(at("run"), 0), (child, 7777)] {
        let dump = recorded(&path);
        let snapshot = snapshot::last(&dump);
        snapshot.assert_adds_up();
        let held = |size: u64| snapshot.cells.iter().filter(|cell| cell.figures.live == size).count();
        assert_eq!((held(54_321), held(7777)), (1, usize::from(of_the_child > 0)), "{}", path.display());
        assert_eq!(fold(&path, &["--metric", "live"]).under("plugin_call"), 54_321);
    }
}

#[test]
fn output_to_a_closed_stream_reaches_no_file_of_the_tracker() {
    let folder = folder("descriptors-streams");
    for variable in ["MEMTRACK_DUMP", "MEMTRACK_RECORD"] {
        let path = folder.join(variable);
        let mut command = Command::new(LEAVE);
        command.arg("panic").env_remove("MEMTRACK_DUMP").env(variable, &path);
        let close = || {
            // SAFETY: the calls have no preconditions.
            (0..3).for_each(|stream| _ = unsafe { libc::close(stream) });
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes three system calls and allocates nothing.
        unsafe { command.pre_exec(close) };
        // The message of its panic is discarded.
        assert_eq!(command.status().unwrap().code(), Some(101));
        let bytes = snapshot::file(&path);
        let text = b"panicked";
        assert!(!bytes.windows(text.len()).any(|window| window == text), "{variable}");
        let dump = if variable == "MEMTRACK_RECORD" { recorded(&path) } else { bytes };
        snapshot::last(&dump).assert_adds_up();
    }
}
