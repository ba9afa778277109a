//! Recordings: in the file that `MEMTRACK_RECORD` names, from the first event on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use memtrack_format::LossCause;
use memtrack_host_tools::input;
use memtrack_tests::folded::fold;
use memtrack_tests::snapshot;

use crate::{FILES, on_windows, output, place, text};

/// A program that records.
fn recorded(arguments: &[&str], file: &Path) -> Command {
    let mut command = on_windows(&[&["recorded"], arguments].concat());
    command.env("MEMTRACK_RECORD", file);
    command
}

/// The recording, which has no note, as a dump.
fn read(file: &Path) -> Vec<u8> {
    let input = input::open(file, None).expect("a recording");
    assert!(input.notes.is_empty() && !input.damaged, "{:?}", input.notes);
    input.bytes.to_vec()
}

/// A metric of the blocks with the tag `work`.
fn work(file: &Path, metric: &str, options: &[&str]) -> u64 {
    fold(file, &[&["-m", metric, "--tag", "work"], FILES, options].concat()).total()
}

#[test]
fn a_recording_outlives_a_terminated_program() {
    // The expansion is as elsewhere.
    let folder = place("recording", "");
    let output = output(recorded(&["terminated"], &folder.join("of-%p.image")));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(9), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("error this tracker is recorded already"), "{said}");
    let files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!(
        ["allocs", "live", "live-blocks"].map(|metric| work(file, metric, &[])),
        [23, 20 * 1000 + 3 * 700, 23]
    );
    assert_eq!(work(file, "live", &["--thread", "worker"]), 20_000);
    let dump = read(file);
    let last = snapshot::last(&dump);
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
    assert_eq!(file.file_stem().and_then(|name| name.to_str()), Some(&*format!("of-{}", last.target.pid)));
    assert!(last.stages.iter().any(|stage| stage.name == b"serve" && stage.running));
    assert!(last.modules.iter().any(|module| module.path.ends_with(b"on-windows.exe")));
    let named = fold(file, &[&["-m", "live", "--thread", "worker", "--tag", "work"], FILES].concat());
    assert_eq!(named.under("on_windows::recording::blocks"), 20_000);
}

#[test]
fn a_call_cannot_begin_a_recording() {
    let folder = place("recording-call", "");
    let mut command = on_windows(&["recorded", "terminated"]);
    command.current_dir(&folder);
    let said = String::from_utf8(output(command).stdout).expect("text");
    assert!(
        said.contains(
            "error on this system a recording begins with the program: start it with MEMTRACK_RECORD=path"
        ),
        "{said}"
    );
    assert!(fs::read_dir(&folder).expect("the folder").next().is_none());
}

#[test]
fn a_program_that_another_one_starts_records_beside_it() {
    let file = place("recording-family", "parent.image");
    assert_eq!(output(recorded(&["parent"], &file)).status.code(), Some(9));
    let dump = read(&file);
    assert_eq!(snapshot::last(&dump).live_of_tag("work"), 3 * 700);
    let begin = format!("{}.", text(&file));
    let beside = fs::read_dir(file.parent().expect("a folder")).expect("the folder");
    let beside: Vec<_> = beside
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| text(path).starts_with(&begin))
        .collect();
    let [of_child] = &beside[..] else { panic!("{beside:?}") };
    let dump = read(of_child);
    let child = snapshot::last(&dump);
    assert_eq!(
        (format!("{begin}{}", child.target.pid).as_str(), work(of_child, "bytes", &[])),
        (text(of_child), 200)
    );
    // The next program with this variable replaces the file.
    assert_eq!(output(recorded(&["terminated"], &file)).status.code(), Some(9));
    assert_eq!(work(&file, "live-blocks", &[]), 23);
}

#[test]
fn a_small_program_takes_little_of_the_disk() {
    let file = place("recording-size", "small.image");
    assert!(output(recorded(&["child"], &file)).status.success());
    let taken = taken(&file);
    assert!(taken < 4 << 20, "{taken} of {}", fs::metadata(&file).expect("the file").len());
}

/// The bytes that a file takes on the disk.
#[cfg(unix)]
fn taken(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).expect("the file").blocks() * 512
}

/// The bytes that a file takes on the disk.
#[cfg(windows)]
fn taken(file: &Path) -> u64 {
    let said = Command::new("fsutil").args(["sparse", "queryrange"]).arg(file).output().expect("fsutil runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    // Each range ends with its length in hexadecimal digits.
    let length = |line: &str| u64::from_str_radix(line.rsplit_once("0x")?.1.trim(), 16).ok();
    said.lines().filter_map(length).sum()
}

/// A small file system of its own, where the machine can make one. It is unmounted at the end.
#[cfg(unix)]
struct Small(PathBuf);

#[cfg(unix)]
impl Small {
    fn mount(size: &str) -> Option<Self> {
        let folder = place("recording-full", "");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", size, "memtrack-test"]).arg(&folder);
        output(mount).status.success().then_some(Small(folder))
    }
}

#[cfg(unix)]
impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// The tables go on with the threads and stacks that have room, and count the events of others as lost.
#[test]
#[cfg(unix)]
fn a_disk_that_fills_up_fills_the_tables() {
    let Some(small) = Small::mount("size=4m") else {
        return eprintln!("not tested: only root can mount a small file system");
    };
    let (file, dump) = (small.0.join("image"), place("recording-full-dump", "dump.memtrack"));
    let output = output(recorded(&["full", text(&dump)], &file));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    assert_eq!(said.matches("the recording has no more room").count(), 1, "{said}");
    // A full file system cannot even map a hole.
    let copy = dump.with_extension("image");
    fs::copy(&file, &copy).expect("a copy");
    let mut bytes = read(&copy);
    for what in ["recording", "dump"] {
        let last = snapshot::last(&bytes);
        last.assert_adds_up();
        let full = [LossCause::ThreadsFull, LossCause::StacksFull, LossCause::CellsFull];
        assert!(last.losses.iter().all(|loss| full.contains(&loss.cause)), "{what}: {:?}", last.losses);
        assert!(last.lost(LossCause::CellsFull) > 1000, "{what}: {:?}", last.losses);
        assert!(last.marks.figures.allocs > 4 << 15, "{what}");
        assert!(last.cells.len() > 1000, "{what}");
        bytes = snapshot::file(&dump);
    }
}

#[test]
fn a_file_that_cannot_be_made_is_said_and_the_program_runs() {
    let folder = place("recording-refused", "");
    let output = output(recorded(&["child"], &folder.join("missing").join("image")));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success()
            && said.contains("not recorded: ")
            && said.contains("The folder does not exist"),
        "{said}"
    );
}
