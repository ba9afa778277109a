//! Recordings: the file of a killed program has the figures that the program would have reported.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use memtrack_format::{Kind, Stage};
use memtrack_host_tools::extents::Extents;
use memtrack_host_tools::image;
use memtrack_tests::c;
use memtrack_tests::folded::{fold, fold_in_motion};
use memtrack_tests::program::{self, folder, run};
use memtrack_tests::snapshot::{self, Snapshot};
use memtrack_tests::{fork, limits};

const PROGRAM: &str = env!("CARGO_BIN_EXE_recorded");

/// A program that is recorded, and does not end by itself.
struct Recorded {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Recorded {
    fn start(arguments: &[&str], file: &Path) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env_remove("MEMTRACK_DUMP")
            .env("MEMTRACK_RECORD", file)
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("the program starts");
        let said = BufReader::new(process.stdout.take().expect("a pipe"));
        Recorded { process, said }
    }

    /// The numbers in the next lines, which have these names in this order.
    fn told<const N: usize>(&mut self, names: [&str; N]) -> [u64; N] {
        names.map(|name| {
            let mut line = String::new();
            self.said.read_line(&mut line).expect("the program prints a line");
            let number = line.trim_end().strip_prefix(name).and_then(|rest| rest.trim().parse().ok());
            number.unwrap_or_else(|| panic!("{line:?} is no line of {name}"))
        })
    }

    /// Kills the program, which cannot prepare for it.
    fn kill(&mut self) {
        self.process.kill().expect("the program runs");
        self.process.wait().expect("the program ends");
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // This is needed if a test fails before it kills the program. The call fails if the program has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const TOLD: [&str; 6] = ["live", "live-blocks", "peak", "bytes", "allocs", "lost"];

fn names(when: &str) -> [String; 6] {
    TOLD.map(|name| format!("{when} {name}"))
}

fn told(recorded: &mut Recorded, when: &str) -> [u64; 6] {
    let names = names(when);
    recorded.told(names.each_ref().map(String::as_str))
}

fn dump_of(path: &Path) -> Vec<u8> {
    let image = image::read(&snapshot::file(path), &Extents::default(), None).expect("an image");
    assert!(image.notes.is_empty() && !image.damaged, "{:?}", image.notes);
    image.dump
}

/// The figures of a stage that do not depend on the time of the snapshot.
fn timeless(stage: &Stage<'_>) -> (Vec<u8>, [u64; 12], Vec<(u32, u64)>) {
    let threads = stage.threads.iter().map(|of| (of.thread, of.peak)).collect();
    let figures = [
        stage.depth.into(),
        stage.scope.into(),
        stage.running.into(),
        stage.runs,
        stage.begin_ns,
        stage.allocs,
        stage.bytes,
        stage.live_before,
        stage.live_after,
        stage.peak,
        stage.peak_blocks,
        stage.lost,
    ];
    (stage.name.to_vec(), figures, threads)
}

fn assert_same(image: &Snapshot<'_>, dump: &Snapshot<'_>) {
    assert_eq!(image.about.kind, Kind::Program);
    assert_eq!(image.target, dump.target);
    assert_eq!(image.modules, dump.modules);
    assert_eq!(image.threads, dump.threads);
    assert_eq!(image.tags, dump.tags);
    assert_eq!(image.nodes, dump.nodes);
    assert_eq!(image.cells, dump.cells);
    assert_eq!(image.sizes, dump.sizes);
    assert_eq!(image.timeline, dump.timeline);
    assert_eq!(image.losses, dump.losses);
    assert_eq!(image.marks, dump.marks);
    let stages = |of: &Snapshot<'_>| of.stages.iter().map(timeless).collect::<Vec<_>>();
    assert_eq!(stages(image), stages(dump));
}

#[test]
fn a_recording_equals_a_dump_of_the_same_moment() {
    let folder = folder("record");
    let (file, dump) = (folder.join("run.image"), folder.join("run.memtrack"));
    let mut program = Recorded::start(&["quiet", dump.to_str().unwrap()], &file);
    let [live, live_blocks, peak, bytes, allocs, lost] = told(&mut program, "quiet");
    program.kill();

    let (image, dumped) = (dump_of(&file), snapshot::file(&dump));
    let (image, dumped) = (snapshot::last(&image), snapshot::last(&dumped));
    assert_same(&image, &dumped);
    image.assert_adds_up();
    let figures = image.marks.figures;
    assert_eq!(
        (figures.live, figures.live_blocks, figures.peak, figures.bytes, figures.allocs),
        (live, live_blocks, peak, bytes, allocs)
    );
    assert_eq!(image.losses.iter().map(|loss| loss.events).sum::<u64>(), lost);
    // The compared parts are not empty.
    assert!(image.stages.len() >= 4 && image.stages.iter().any(|stage| stage.running));
    assert!(image.tags.len() == 2 && image.threads_called("worker-2").count() == 1);
    assert!(image.modules.len() > 2 && !image.timeline.is_empty() && !image.sizes.is_empty());
    assert!(image.cells.iter().any(|cell| cell.heap == 1 && cell.figures.live == 4321));
    let graph = fold(&file, &["--metric", "live"]);
    assert_eq!(graph.total(), live);
    assert_eq!(graph.under("recorded::blocks"), fold(&dump, &["--metric", "live"]).under("recorded::blocks"));
}

#[test]
fn a_program_killed_at_work_leaves_its_profile() {
    let folder = folder("record_busy");
    for round in 0..3 {
        let file = folder.join(format!("{round}.image"));
        let mut program = Recorded::start(&["busy"], &file);
        let [.., allocs, _] = told(&mut program, "known");
        std::thread::sleep(std::time::Duration::from_millis(30));
        program.kill();
        let image = dump_of(&file);
        let image = snapshot::last(&image);
        let all = image.cells(|_| true);
        assert!(all.allocs > allocs, "{} after {allocs}", all.allocs);
        // Each thread was in the middle of at most one event.
        let whole = image.marks.figures;
        assert!(all.allocs.abs_diff(whole.allocs) <= 4, "{all:?} {whole:?}");
        assert!(all.live.abs_diff(whole.live) <= 4 * 1000, "{all:?} {whole:?}");
        let graph = fold_in_motion(&file, &["--metric", "live"]);
        // The blocks, and the list that holds them.
        assert_eq!(graph.under("recorded::known"), 100 * 1234 + 100 * 24);
        assert!(graph.stacks().all(|(frames, _)| frames[0] != "[truncated]"), "the file has every stack");
    }
}

#[test]
fn a_program_that_runs_out_of_memory_leaves_its_profile() {
    use std::os::unix::process::ExitStatusExt;
    let file = folder("record_grow").join("image");
    let limits = [(libc::RLIMIT_AS, 600 << 20), (libc::RLIMIT_CORE, 0)];
    let environment = [("MEMTRACK_RECORD", file.as_os_str())];
    let output = limits::output(PROGRAM, &["grow"], &environment, &limits);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "a failed allocation aborts the program");
    let dump = dump_of(&file);
    let snapshot = snapshot::last(&dump);
    snapshot.assert_adds_up();
    assert_eq!(snapshot.marks.failed_allocs, 1);
    let grown = fold(&file, &["--metric", "live"]).under("recorded::grow");
    let list = (1 << 16) * size_of::<Vec<u8>>() as u64;
    // Whole blocks, and the memory of the runtime's message.
    assert!(grown > 100 << 20 && (grown - list) % (1 << 20) < 4096, "{grown}");
}

#[test]
fn only_used_pages_take_space() {
    use std::os::unix::fs::MetadataExt;
    let folder = folder("record_space");
    let file = folder.join("sparse.image");
    let mut program = Recorded::start(&["busy"], &file);
    told(&mut program, "known");
    program.kill();
    let file = fs::metadata(&file).unwrap();
    assert!(file.len() > 30 << 20, "all tables: {}", file.len());
    assert!(file.blocks() * 512 < 4 << 20, "what is used of them: {} blocks", file.blocks());
}

/// Only an event shows that the library is loaded, and its names are in the recording.
#[test]
fn a_library_that_is_loaded_later_has_names() {
    let folder = folder("record_load");
    let (library, file) = (folder.join("plugin.so"), folder.join("load.image"));
    let flags = ["-shared", "-fPIC", "-O1"];
    c::build("gcc", &flags, &c::source("plugin.c"), c::Link::None, &library);
    let mut program = Recorded::start(&["load", library.to_str().unwrap()], &file);
    told(&mut program, "loaded");
    program.kill();
    assert_eq!(fold(&file, &["--metric", "live"]).under("plugin_call"), 54_321);
}

#[test]
fn a_child_records_to_a_file_of_its_own() {
    for (way, name, template) in [
        (fork::FUNCTION, "record_fork", "run"),
        (fork::FUNCTION, "record_fork_named", "run.%p"),
        (fork::CALL, "record_fork_call", "run"),
        (fork::INSTRUCTION, "record_fork_instruction", "run"),
    ] {
        let folder = folder(name);
        let facts = run(PROGRAM, &["fork", way], &[("MEMTRACK_RECORD", folder.join(template).as_os_str())]);
        assert_eq!(facts.get("status"), 0);
        let child = folder.join(format!("run.{}", facts.get("child pid")));
        let files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        let [parent] = &files.iter().filter(|file| **file != child).collect::<Vec<_>>()[..] else {
            panic!("two files: {files:?}")
        };
        let under = |file: &Path, name: &str| fold(file, &["--metric", "allocs"]).under(name);
        // The blocks and the list of each: before the fork, in the child, in the parent.
        let functions = ["recorded::known", "recorded::of_the_child", "recorded::of_the_parent"];
        let [before, own, parents] = functions.map(|name| under(&child, name));
        assert_eq!((before, own), (101, 100), "{way}");
        // After a fork that bypasses the C library, the child separates its tables at its first event. They include
        // the parent's events up to then.
        assert!(parents == 0 || way == fork::INSTRUCTION && parents <= 300, "{way}: {parents}");
        assert_eq!(functions.map(|name| under(parent, name)), [101, 0, 300]);
        let (own, parents) = (dump_of(&child), dump_of(parent));
        let (own, parents) = (snapshot::last(&own), snapshot::last(&parents));
        own.assert_adds_up();
        parents.assert_adds_up();
        assert_eq!(i64::from(own.target.pid), facts.get("child pid"));
        assert_eq!((own.target.parent_pid, &own.modules), (parents.target.pid, &parents.modules));
    }
}

#[test]
fn impossible_recordings_are_refused() {
    let folder = folder("record_refused");
    let taken = folder.join("taken");
    let mut other = Recorded::start(&["busy"], &taken);
    let known = told(&mut other, "known");
    let mut command = Command::new(PROGRAM);
    let output = command.args(["refused", folder.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let number = |name: &str| -> u64 {
        let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{name} in {said}"))
    };
    assert_eq!(["missing", "threads", "taken", "begun", "again"].map(number), [1; 5], "{said}");
    assert_eq!(number("threads made a file"), 0);
    // The recording includes the allocations before it began.
    let image = dump_of(&folder.join("file"));
    assert_eq!(snapshot::last(&image).marks.figures.allocs, number("allocs"));

    // A second process with the same variable records to a file beside the first one, which stays intact.
    let mut second = Recorded::start(&["busy"], &taken);
    assert_eq!(told(&mut second, "known")[0..2], known[0..2]);
    let beside = folder.join(format!("taken.{}", second.process.id()));
    second.kill();
    other.kill();
    for (file, process) in [(&beside, &second), (&taken, &other)] {
        let image = dump_of(file);
        assert_eq!(snapshot::last(&image).target.pid, process.process.id());
    }

    // A program that cannot be recorded runs on, and reports the reason.
    let missing = folder.join("no/where");
    let environment = [("MEMTRACK_RECORD", missing.as_os_str())];
    let output = program::output(PROGRAM, &["fork", fork::FUNCTION], &environment);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.starts_with("memtrack: not recorded: "), "{said}");
    assert!(said.contains("No such file or directory") && said.contains("no/where"), "{said}");
}
