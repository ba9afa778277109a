//! A file that cannot be written, or that another program destroys, costs the figures in it, never the program.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_format::LossCause;
use memtrack_host_tools::input;
use memtrack_tests::c;
use memtrack_tests::limits;
use memtrack_tests::program::{self, folder};
use memtrack_tests::snapshot;

const HARMED: &str = env!("CARGO_BIN_EXE_harmed");
const LEAVE: &str = env!("CARGO_BIN_EXE_leave");

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A small file system of its own. It is unmounted at the end.
struct Small(PathBuf);

impl Small {
    /// `None` if the user may not mount.
    fn mount(name: &str, size: &str) -> Option<Self> {
        // A test that was killed may have left it mounted.
        let _ = Command::new("umount").arg("-q").arg(program::programs().join("suites").join(name)).status();
        let folder = folder(name);
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", size, "memtrack-test"]).arg(&folder);
        let output = c::output(&mut mount);
        // SAFETY: the call only returns a number.
        let is_root = unsafe { libc::geteuid() == 0 };
        assert!(output.status.success() || !is_root, "{}", text(&output.stderr));
        output.status.success().then_some(Small(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn harmed(arguments: &[&str], recording: &Path) -> Output {
    program::output(HARMED, arguments, &[("MEMTRACK_RECORD", recording.as_os_str())])
}

/// The program ran to its end and reported once that the recording has ended. Its own dump reports it too, and counts
/// on.
fn assert_survived(output: &Output, why: &str, dump: &Path, is_whole: bool) {
    let said = text(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    assert!(said.starts_with("memtrack: the recording has ended: ") && said.contains(why), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let bytes = snapshot::file(dump);
    let snapshot = snapshot::last(&bytes);
    let lost: Vec<_> = snapshot.losses.iter().filter(|loss| loss.cause == LossCause::RecordingLost).collect();
    assert!(matches!(lost[..], [loss] if loss.events == 1), "{:?}", snapshot.losses);
    if is_whole {
        snapshot.assert_adds_up();
        let allocs: u64 = text(&output.stdout)
            .lines()
            .find_map(|line| line.strip_prefix("allocs ")?.parse().ok())
            .expect("allocations");
        assert!(snapshot.marks.figures.allocs >= 1 << 15 && allocs >= snapshot.marks.figures.allocs);
    }
}

#[test]
fn a_file_system_that_fills_up_ends_the_recording_and_not_the_program() {
    let Some(small) = Small::mount("full_disk-recording", "size=3m") else {
        return eprintln!("not tested: only root can mount a small file system");
    };
    let (recording, dump) = (small.0.join("image"), folder("full_disk-dump").join("dump"));
    let output = harmed(&["room", dump.to_str().unwrap()], &recording);
    assert_survived(&output, "full", &dump, true);
    // The file holds the counts up to then, and a mark that it is incomplete.
    // It is copied first: on a full tmpfs, not even a hole in a file can be mapped.
    let copy = dump.with_extension("image");
    fs::copy(&recording, &copy).unwrap();
    let input = input::open(&copy, None).unwrap();
    assert!(input.notes.iter().any(|note| note.contains("ended before its program")), "{:?}", input.notes);
    let early = snapshot::last(&input.bytes).marks.figures.allocs;
    assert!(early > 1000 && early < 1 << 15, "{early}");
}

#[test]
fn a_destroyed_recording_ends_and_not_the_program() {
    let folder = folder("full_disk-destroyed");
    for (how, why) in [
        ("empty", "cut off or replaced"),
        ("half", "cut off: its end"),
        ("replaced", "replaced"),
        ("other", "replaced"),
        ("ones", "replaced"),
    ] {
        let (recording, dump) = (folder.join(format!("{how}.image")), folder.join(how));
        let output = harmed(&[how, dump.to_str().unwrap()], &recording);
        assert_survived(&output, why, &dump, false);
    }
}

/// The tracker cannot distinguish the scrambled tables from its own: the figures are wrong, and the program
/// continues.
#[test]
fn a_scrambled_recording_costs_only_the_figures() {
    let folder = folder("full_disk-scrambled");
    let dump = folder.join("dump");
    let output = harmed(&["middle", dump.to_str().unwrap()], &folder.join("image"));
    assert!(output.status.success(), "{}: {}", output.status, text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn the_programs_own_faults_reach_it() {
    let folder = folder("full_disk-faults");
    let run = |whose: &str| {
        let recording = folder.join(whose);
        program::output(HARMED, &["fault", whose], &[("RECORDING", recording.as_os_str())]).status
    };
    assert_eq!(run("own").code(), Some(77));
    assert_eq!(run("none").signal(), Some(libc::SIGBUS));
}

#[test]
fn a_limit_on_file_size_costs_the_file() {
    let folder = folder("full_disk-limit");
    for variable in ["MEMTRACK_DUMP", "MEMTRACK_RECORD"] {
        for limit in [0, 1000] {
            let path = folder.join(format!("{variable}.{limit}"));
            let environment = [(variable, path.as_os_str())];
            let limits = [(libc::RLIMIT_FSIZE, limit)];
            let output = limits::output(LEAVE, &["exit"], &environment, &limits);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(7), "{variable} {limit}: {} {said}", output.status);
            assert!(said.starts_with("memtrack: ") && said.contains("File too large"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}

#[test]
fn a_dump_to_a_full_file_system_does_not_change_the_programs_end() {
    let Some(small) = Small::mount("full_disk-dumped", "size=4k") else {
        return eprintln!("not tested: only root can mount a small file system");
    };
    fs::write(small.0.join("filler"), vec![0; 4096]).unwrap();
    let output = program::output(LEAVE, &["exit"], &[("MEMTRACK_DUMP", small.0.join("dump").as_os_str())]);
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(7), ""));
    assert!(said.contains("No space left") && said.lines().count() == 1, "{said}");
}
