//! Dumps that the program does not request, budgets, the timeline, the histogram of sizes, and the report.
//!
//! Planted bug: if setting a budget does not adjust its mark, the callback in `budgets_call_back_once` is never
//! called.

use std::ffi::OsStr;
use std::path::PathBuf;

use memtrack_format::{Cause, Kind};
use memtrack_tests::limits;
use memtrack_tests::program::{Facts, folder, of_workspace, output, run};
use memtrack_tests::snapshot::{self, Snapshot};

const PROGRAM: &str = env!("CARGO_BIN_EXE_watched");
const MEGABYTE: u64 = 1 << 20;

fn dump(scenario: &str) -> PathBuf {
    folder(&format!("watched-{scenario}")).join("dump")
}

/// Runs a scenario with variables beside `MEMTRACK_DUMP`.
fn scenario(name: &str, variables: &[(&str, &str)]) -> (PathBuf, Facts) {
    let dump = dump(name);
    // The part after a hyphen distinguishes runs of one scenario.
    let name = name.split('-').next().unwrap_or(name);
    let mut environment = vec![("MEMTRACK_DUMP", dump.as_os_str())];
    environment.extend(variables.iter().map(|(name, value)| (*name, OsStr::new(*value))));
    let facts = run(PROGRAM, &[name], &environment);
    (dump, facts)
}

fn causes(snapshots: &[Snapshot<'_>]) -> Vec<Cause> {
    snapshots.iter().for_each(Snapshot::assert_adds_up_at_rest);
    assert!(snapshots.iter().all(|snapshot| snapshot.about.kind == Kind::Program));
    snapshots.iter().map(|snapshot| snapshot.about.cause).collect()
}

#[test]
fn a_signal_dumps_a_running_program_and_a_waiting_one() {
    for name in ["signal", "idle"] {
        let (dump, _) = scenario(name, &[("MEMTRACK_DUMP_SIGNAL", "USR1")]);
        let bytes = snapshot::file(&dump);
        let snapshots = snapshot::read(&bytes);
        assert_eq!(causes(&snapshots), [Cause::Signal, Cause::Exit], "{name}");
        assert!(snapshots[0].marks.figures.live >= 3 * MEGABYTE, "{name}: live bytes at the signal");
    }
}

/// A limit refuses the file's bytes from the middle of the second snapshot on. The program continues.
#[test]
fn earlier_snapshots_are_read_when_the_next_one_has_no_room() {
    let (dump, _) = scenario("signal-whole", &[("MEMTRACK_DUMP_SIGNAL", "USR1")]);
    let whole = snapshot::file(&dump);
    let magic = memtrack_format::MAGIC;
    let second = whole.windows(magic.len()).rposition(|window| window == magic).expect("two snapshots");
    for part in 1..4 {
        let dump = self::dump("signal-cut");
        let environment = [("MEMTRACK_DUMP", dump.as_os_str()), ("MEMTRACK_DUMP_SIGNAL", OsStr::new("USR1"))];
        let most = second + (whole.len() - second) * part / 4;
        let limits = [(libc::RLIMIT_FSIZE, most as u64), (libc::RLIMIT_CORE, 0)];
        let ended = limits::output(PROGRAM, &["signal"], &environment, &limits);
        assert_eq!(ended.status.code(), Some(0), "at byte {most}");
        let bytes = snapshot::file(&dump);
        assert_eq!(bytes.len(), most);
        let [first] = &snapshot::complete(&bytes)[..] else { panic!("one snapshot is whole") };
        first.assert_adds_up();
        assert!(first.about.cause == Cause::Signal && first.marks.figures.live >= 3 * MEGABYTE);
        // The tool writes the readable part, and reports the rest.
        let fold = output(&of_workspace("memtrack-fold"), &[dump.to_str().unwrap(), "-m", "live"], &[]);
        let (stacks, said) = (String::from_utf8_lossy(&fold.stdout), String::from_utf8_lossy(&fold.stderr));
        assert_eq!(fold.status.code(), Some(3), "{said}");
        assert!(said.contains("cut off at byte") && stacks.contains("watched::held"), "{said}{stacks}");
    }
}

#[test]
fn an_interval_dumps_again_and_again() {
    let (dump, _) = scenario("interval", &[("MEMTRACK_DUMP_INTERVAL", "0.02")]);
    let bytes = snapshot::file(&dump);
    let causes = causes(&snapshot::read(&bytes));
    assert!(causes.len() >= 4, "{causes:?}");
    assert_eq!(causes.last(), Some(&Cause::Exit), "the snapshot at exit is the last one");
    assert!(causes[..causes.len() - 1].iter().all(|cause| *cause == Cause::Interval), "{causes:?}");
}

/// Setting the wall clock does not affect a wait by the monotonic clock, which this operation uses unless a flag is
/// set.
#[test]
fn an_interval_waits_by_the_monotonic_clock() {
    let (_, facts) = scenario("waiting", &[("MEMTRACK_DUMP_INTERVAL", "100")]);
    let expected = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
    assert_eq!(facts.get("futex operation"), i64::from(expected));
    assert_eq!(expected & libc::FUTEX_CLOCK_REALTIME, 0);
}

#[test]
fn a_forked_child_dumps_into_its_own_file() {
    let (dump, _) = scenario("fork", &[("MEMTRACK_DUMP_INTERVAL", "0.02")]);
    let name = dump.file_name().unwrap().to_string_lossy().into_owned();
    let child = std::fs::read_dir(dump.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{name}.")))
        .expect("the child's file");
    let (parents, childs) = (snapshot::file(&dump), snapshot::file(&child));
    let parent = snapshot::last(&parents).target.pid;
    // The child may have ended in the middle of another snapshot.
    let first = &snapshot::complete(&childs)[0];
    first.assert_adds_up();
    assert_eq!((first.about.cause, first.target.parent_pid), (Cause::Interval, parent));
}

#[test]
fn new_peaks_are_dumped_above_a_threshold() {
    let (dump, _) = scenario("peak", &[("MEMTRACK_DUMP_PEAK", "10MiB")]);
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    let peaks: Vec<u64> = snapshots.iter().map(|snapshot| snapshot.marks.figures.peak / MEGABYTE).collect();
    // Three megabytes are held from the start, then one more each time. A peak an eighth above the last one is
    // dumped.
    assert_eq!(peaks, [10, 12, 14, 16, 19, 22, 25, 29, 33, 38, 43, 43]);
    let causes = causes(&snapshots);
    assert!(causes[..11].iter().all(|cause| *cause == Cause::Peak), "{causes:?}");
    // The snapshot is taken at the peak.
    assert!(
        snapshots[..11].iter().all(|snapshot| snapshot.marks.figures.live == snapshot.marks.figures.peak)
    );
}

#[test]
fn a_limit_that_a_growing_program_sets_is_not_passed_unnoticed() {
    let (dump, facts) = scenario("limit", &[]);
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    assert_eq!(causes(&snapshots), [Cause::Peak, Cause::Exit]);
    let (peak, limit) = (snapshots[0].marks.figures.peak, facts.get("limit") as u64);
    assert!((limit + 1..limit + 4096).contains(&peak), "{peak}, above {limit}");
}

#[test]
fn a_failed_allocation_is_dumped_at_once() {
    let (dump, _) = scenario("failure", &[]);
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    assert_eq!(causes(&snapshots), [Cause::Failure], "once a second at most, and no exit handler ran");
    assert_eq!(snapshots[0].marks.failed_allocs, 1);
}

#[test]
fn budgets_call_back_once() {
    let (_, facts) = scenario("budget", &[]);
    assert_eq!(facts.all(["calls below", "calls above", "calls once", "calls again"]), [0, 1, 1, 2]);
    assert_eq!(facts.get("calls for a reallocation"), 3);
    // The figures include the allocation that exceeded the budget.
    assert_eq!(facts.get("seen"), facts.get("live"));
    assert!(facts.get("peak") as u64 >= 33 * MEGABYTE, "a budget does not change the program's peak");
}

#[test]
fn a_callback_that_panics_ends_the_program() {
    let dump = dump("panic");
    let output = output(PROGRAM, &["panic"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("on purpose") && !String::from_utf8_lossy(&output.stdout).contains("survived"),
        "{said}"
    );
}

#[test]
fn the_timeline_follows_the_program() {
    let (dump, _) = scenario("timeline", &[]);
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    let line = &last.timeline;
    assert!(line.windows(2).all(|pair| pair[0].time_ns < pair[1].time_ns), "{line:?}");
    assert!(line.iter().all(|point| point.high >= point.live && point.time_ns <= last.about.time_ns));
    // Four megabytes, three, six, in that order, however often each was sampled. Between them are a few kilobytes.
    let mut course: Vec<u64> = line.iter().map(|point| (point.high + MEGABYTE / 4) / MEGABYTE).collect();
    course.dedup();
    let plateaus: Vec<u64> = course.into_iter().filter(|height| [3, 4, 6].contains(height)).collect();
    assert!(plateaus.windows(3).any(|three| three == [4, 3, 6]), "{plateaus:?} of {line:?}");
}

#[test]
fn sizes_are_counted_by_thread_and_class() {
    let (dump, _) = scenario("timeline", &[]);
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    for thread in &last.threads {
        let own = last.sizes.iter().filter(|class| class.thread == thread.id);
        let (allocs, bytes) = own.fold((0, 0), |sum, class| (sum.0 + class.allocs, sum.1 + class.bytes));
        assert_eq!(
            (allocs, bytes),
            (thread.figures.allocs, thread.figures.bytes),
            "all of thread {}",
            thread.id
        );
    }
    let class = |number| {
        let of = last.sizes.iter().filter(|of| of.class == number);
        of.fold((0, 0), |sum, of| (sum.0 + of.allocs, sum.1 + of.bytes))
    };
    // Blocks of one byte; one of 1 MiB; two of 3 MiB.
    assert!(class(1).0 >= 600 && class(1).0 == class(1).1, "{:?}", class(1));
    assert_eq!((class(21), class(22)), ((1, MEGABYTE), (2, 6 * MEGABYTE)));
}

#[test]
fn the_report_has_the_figures_of_the_dump() {
    let output = output(PROGRAM, &["report"], &[("MEMTRACK_DUMP", dump("report").as_os_str())]);
    let said = String::from_utf8(output.stdout).expect("text");
    let line = |begin: &str| -> Vec<&str> {
        let found = said.lines().find(|line| line.trim_start().starts_with(begin));
        found.unwrap_or_else(|| panic!("{begin} in {said}")).split_whitespace().collect()
    };
    assert!(said.starts_with("lost: "), "the report begins with the losses: {said}");
    assert!(said.contains("\n               1  tracking paused\n"), "{said}");
    assert_eq!(line("peak")[1..3], ["6.00", "MiB"]);
    assert_eq!(line("peak")[4], "after", "the time of the peak: {said}");
    // Four megabytes of six, a little more than three, six.
    let drawn = line("over time").concat();
    let mut steps: Vec<char> = drawn.chars().filter(|bar| ['▆', '▅', '█'].contains(bar)).collect();
    steps.dedup();
    assert!(steps.windows(3).any(|three| three == ['▆', '▅', '█']), "{said}");
    let stage = line("shared");
    assert_eq!(stage[1..5], ["6.00", "MiB", "3.00", "MiB"]);
    assert_eq!(stage[stage.len() - 2..], ["(1", "lost)"]);
    assert_eq!(line("watched 5.00 MiB, ")[3..6], ["second", "1.00", "MiB,"]);
    assert_eq!(line("second")[2..6], ["1.00", "MiB", "1.00", "MiB"], "figures after its id");
    assert_eq!(line("1.00 MiB – 1.99 MiB")[5..9], ["2.00", "MiB", "19.9%", "2"]);
}

#[test]
fn the_bound_of_slack_is_in_the_dump_and_the_report() {
    let dump = dump("slack");
    let output = output(PROGRAM, &["slack"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("too high by 5.00 MiB at most"), "{said}");
    let number = |name: &str| -> u64 {
        said.lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("a figure")
            .trim()
            .parse()
            .expect("a number")
    };
    let (peak, error) = (number("peak "), number("error "));
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    // The main thread and four more. If the peak is too high, the cells hold less than it.
    assert_eq!((last.marks.peak_error, error), (5 * MEGABYTE, 5 * MEGABYTE));
    let own: u64 = last.threads.iter().map(|thread| thread.own_peak).sum();
    assert!(peak >= 35 * MEGABYTE, "all threads held their blocks at once: {peak}");
    assert!(peak - error <= own, "{peak} less {error} is no more than the threads' own peaks, {own}");
}

#[test]
fn invalid_values_are_reported() {
    for (name, value, expected) in [
        ("MEMTRACK_DUMP_SIGNAL", "KILLER", "a signal's name"),
        ("MEMTRACK_DUMP_INTERVAL", "often", "a number of seconds"),
        ("MEMTRACK_DUMP_PEAK", "64MB", "a number of bytes"),
        ("MEMTRACK_DUMP_SIGNAL", "KILL", "a signal's name"),
        ("MEMTRACK_DUMP_SIGNAL", "9", "the signal cannot be handled"),
    ] {
        let dump = dump("nothing");
        let environment = [("MEMTRACK_DUMP", dump.as_os_str()), (name, OsStr::new(value))];
        let output = output(PROGRAM, &["peak"], &environment);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.lines().count() == 1, "{said}");
        assert!(said.contains(&format!("{name}={value}")) && said.contains(expected), "{said}");
    }
}

#[test]
fn dumps_without_a_file_are_reported() {
    let output =
        output(env!("CARGO_BIN_EXE_size_tracked"), &[], &[("MEMTRACK_DUMP_PEAK", OsStr::new("10MiB"))]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.lines().count() == 1, "{said}");
    assert!(said.starts_with("memtrack: MEMTRACK_DUMP_PEAK=10MiB: the dump has no file to go to"), "{said}");
}
