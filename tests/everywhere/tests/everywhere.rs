//! The program `everywhere` has the same figures and the same stacks on every platform.
//!
//! By itself the suite runs the program of this machine. `cargo xtask platforms` runs the suite for programs of other
//! platforms, and says by environment variables which one, what runs it, and what the platform lacks.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use memtrack_format::{Cause, LossCause};
use memtrack_host_tools::input;
use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::{program, snapshot};
use snapshot::Snapshot;

/// The expected chains, written by hand: each with its number of bytes.
const CHAINS: &str = include_str!("chains.folded");
const MIB: u64 = 1 << 20;

/// A variable of `cargo xtask platforms`; empty when it is not set.
fn given(name: &str) -> String {
    env::var(format!("MEMTRACK_EVERYWHERE_{name}")).unwrap_or_default()
}

/// Whether the platform lacks something: `stacks`, `backtrace`, `threads`, `unwinding`, `recordings`, or `callbacks` (stacks
/// through the C library's own code).
fn lacks(what: &str) -> bool {
    given("LACKS").split(' ').any(|lacking| lacking == what)
}

/// The program with its arguments, by what runs it.
fn everywhere(arguments: &[&str]) -> Command {
    let program = match given("PROGRAM") {
        program if program.is_empty() => program::of_workspace("everywhere"),
        program => program,
    };
    let runner = given("RUNNER");
    let mut words = runner.split(' ').filter(|word| !word.is_empty()).chain([program.as_str()]);
    let mut command = Command::new(words.next().expect("at least the program"));
    command.args(words).args(arguments).env_remove("MEMTRACK_DUMP").env_remove("MEMTRACK_RECORD");
    command
}

fn run(mut command: Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// An empty folder for the dumps of one test.
fn folder(test: &str) -> PathBuf {
    program::folder(&format!("everywhere-{}-{test}", given("PLATFORM")))
}

/// Runs a mode that writes one dump: at a path that it gets, or at the one that the environment names. Returns the dump
/// and what the program printed.
fn dump(mode: &str) -> (PathBuf, String) {
    let path = folder(mode).join("dump.memtrack");
    let mut command = everywhere(&[mode]);
    match mode {
        "stages" => command.env("MEMTRACK_DUMP", &path),
        _ => command.arg(&path),
    };
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let mut losses = snapshot::last(&snapshot::file(&path)).losses.clone();
    // A backtrace of the standard library has the C library call back, and that function allocates.
    let lacking = ["stacks", "callbacks"].into_iter().any(lacks);
    losses.retain(|loss| !lacking || loss.cause != LossCause::Unwind);
    assert!(losses.is_empty(), "nothing is lost: {losses:?}");
    (path, String::from_utf8(output.stdout).expect("text"))
}

/// What the tag `work` has of a metric.
fn work(dump: &Path, metric: &str, options: &[&str]) -> Folded {
    fold(dump, &[&["-m", metric, "--tag", "work"], options].concat())
}

fn total(dump: &Path, metric: &str, options: &[&str]) -> u64 {
    work(dump, metric, &[&["--no-symbols"], options].concat()).total()
}

#[test]
fn figures_are_exact() {
    let (dump, _) = dump("figures");
    let expected = [
        ("allocs", 8),
        ("bytes", 6 * MIB + 100 + 300 + 200 + 3 * 1024),
        ("live-blocks", 2),
        ("live", 3 * 1024),
        ("peak", 6 * MIB),
    ];
    for (metric, count) in expected {
        assert_eq!(total(&dump, metric, &[]), count, "{metric}");
    }
}

#[test]
fn threads_have_figures_of_their_own() {
    if lacks("threads") {
        return;
    }
    let (dump, _) = dump("threads");
    for (number, blocks) in (1..=4u64).enumerate() {
        let thread = format!("worker-{number}");
        let counted =
            ["allocs", "bytes", "live-blocks"].map(|metric| total(&dump, metric, &["--thread", &thread]));
        assert_eq!(counted, [blocks.pow(2), 1000 * blocks.pow(3), blocks], "{thread}");
    }
}

#[test]
fn stages_have_peaks_of_their_own() {
    let (dump, _) = dump("stages");
    for (stage, peak) in [("read", 5 * MIB), ("index", 5 * MIB), ("write", MIB)] {
        assert_eq!(total(&dump, "peak", &["--stage", stage]), peak, "{stage}");
    }
}

#[test]
fn chains_of_calls_are_whole() {
    let (dump, printed) = dump("chains");
    if lacks("stacks") {
        return;
    }
    let program = given("PROGRAM");
    let named: &[&str] = if program.is_empty() { &[] } else { &["--binary", &program] };
    let found = work(&dump, "bytes", named).chains();
    assert_eq!(found, CHAINS.lines().collect::<Vec<_>>());
    // The standard library's backtraces, which end in `leaf`, say the same.
    if !lacks("backtrace") {
        let said = |line: &str| {
            let (number, chain) = line.split_once(' ').expect("a number and a chain");
            format!("{chain} {}", 1000 + number.parse::<usize>().expect("a number"))
        };
        assert_eq!(printed.lines().map(said).collect::<Vec<_>>(), found);
    }
}

#[test]
fn stacks_through_the_c_library_are_whole() {
    if lacks("stacks") || lacks("callbacks") {
        return;
    }
    let (dump, _) = dump("sorted");
    let program = given("PROGRAM");
    let named: &[&str] = if program.is_empty() { &[] } else { &["--binary", &program] };
    let work = work(&dump, "live", named);
    let inner = ["everywhere::sorted::sort", "everywhere::sorted::compare"];
    for (frames, bytes) in work.stacks() {
        let places = ["everywhere::main", inner[0], inner[1]].map(|name| {
            let place = frames.iter().position(|frame| *frame == name);
            place.unwrap_or_else(|| panic!("{name} is missing in {frames:?}"))
        });
        assert!(places.is_sorted() && places[2] > places[1] + 1, "{frames:?}");
        assert!(bytes >= 100 && bytes % 100 == 0, "{frames:?} {bytes}");
    }
    // So many comparisons a sort of twenty numbers takes at least.
    assert!(work.total() >= 19 * 100, "{}", work.total());
}

#[test]
fn each_end_of_a_program_leaves_a_dump() {
    let folder = folder("exit");
    let ends = [
        ("main", 0, None),
        ("process", 3, None),
        ("thread", 4, Some("threads")),
        ("panic", 101, Some("unwinding")),
    ];
    for (kind, code, _) in ends.into_iter().filter(|(_, _, needs)| !needs.is_some_and(lacks)) {
        let path = folder.join(kind).with_extension("memtrack");
        let mut command = everywhere(&["exit", kind]);
        command.env("MEMTRACK_DUMP", &path);
        let output = run(command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{kind}: {said}");
        assert!(fs::metadata(&path).is_ok(), "{kind} left no dump: {said}");
        assert_eq!((total(&path, "live", &[]), total(&path, "live-blocks", &[])), (12345, 1), "{kind}");
    }
}

/// Runs the program with a trigger. Returns the live bytes of the tag `work` in each snapshot that the trigger has caused,
/// and in no other but the one at the end.
fn at_trigger(kind: &str, cause: Cause, variable: Option<(&str, &str)>) -> Vec<u64> {
    let path = folder(&format!("trigger-{kind}")).join("dump.memtrack");
    let mut command = everywhere(&["trigger", kind]);
    command.env("MEMTRACK_DUMP", &path).envs(variable);
    let output = run(command);
    assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
    let bytes = snapshot::file(&path);
    let snapshots = snapshot::read(&bytes);
    // On some systems the end of `main` and the end of the process write one each.
    let end = snapshots.iter().position(|snapshot| snapshot.about.cause == Cause::Exit);
    let (caused, at_end) = snapshots.split_at(end.expect("a snapshot at the end"));
    assert!(at_end.iter().all(|snapshot| snapshot.about.cause == Cause::Exit), "{kind}");
    assert!(caused.iter().all(|snapshot| snapshot.about.cause == cause), "{kind}");
    snapshots.iter().for_each(Snapshot::assert_adds_up_at_rest);
    caused.iter().map(|snapshot| snapshot.live_of_tag("work")).collect()
}

#[test]
fn snapshots_at_an_interval_are_written_while_the_program_waits() {
    let caused = at_trigger("interval", Cause::Interval, Some(("MEMTRACK_DUMP_INTERVAL", "0.05")));
    // The interval goes on until the program has ended: one more may come before the block is allocated or after its end.
    let live = caused.iter().filter(|&&live| live == 12345).count();
    assert!(live >= 1 && caused.iter().all(|live| [0, 12345].contains(live)), "{caused:?}");
}

#[test]
fn snapshots_at_new_peaks_have_the_blocks_of_the_peak() {
    let caused = at_trigger("peak", Cause::Peak, Some(("MEMTRACK_DUMP_PEAK", "1MiB")));
    assert_eq!(caused, [3 * MIB, 5 * MIB]);
}

#[test]
fn a_failed_allocation_leaves_a_snapshot() {
    assert_eq!(at_trigger("failure", Cause::Failure, None), [2345]);
}

/// Runs the program until its blocks are there, reads its recording, and kills it.
#[test]
fn a_recording_shows_a_running_program_and_outlives_it() {
    if lacks("recordings") {
        return;
    }
    let image = folder("recording").join("program.image");
    let mut command = everywhere(&["recording"]);
    command
        .env("MEMTRACK_RECORD", &image)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut program = command.spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(program.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let check = |when: &str| {
        let figures = ["allocs", "live", "live-blocks"].map(|metric| total(&image, metric, &[]));
        assert_eq!(figures, [302, 12345 + 300 * 1000, 301], "{when}");
        assert_eq!(total(&image, "live-blocks", &["--thread", "worker"]), 300, "{when}");
        let input = input::open(&image, None).expect("a recording");
        assert!(input.notes.is_empty() && !input.damaged, "{when}: {:?}", input.notes);
        let last = snapshot::last(&input.bytes);
        last.assert_adds_up();
        assert!(last.losses.is_empty(), "{when}: {:?}", last.losses);
        assert!(last.stages.iter().any(|stage| stage.name == b"serve" && stage.running), "{when}");
    };
    let running = std::panic::catch_unwind(|| check("while it runs"));
    program.kill().expect("the program runs");
    let said = program.wait_with_output().expect("the program ends").stderr;
    assert!(running.is_ok() && line.trim_end() == "ready", "{line}{}", String::from_utf8_lossy(&said));
    check("after its end");
}
