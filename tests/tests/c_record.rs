//! `memtrack-fold record`: the program and its caller see no difference, and each process leaves its dump.
//!
//! Planted bug: if the child inherits the signals that `record` blocks, the killed programs are not killed.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use memtrack_format::Cause;
use memtrack_tests::c::{self, Link, record};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn shell(dump: &Path, script: &str) -> Output {
    c::output(record(dump).args(["sh", "-c", script]))
}

/// The dumps in a folder, by name.
fn dumps(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn input_output_and_exit_code_are_passed_through() {
    let dump = program::folder("c_record-output").join("dump");
    let output = shell(&dump, "echo out; echo err >&2; exit 7");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(7), "out\n"));
    let said = text(&output.stderr);
    let (err, line) = said.split_once('\n').expect("the program's line, then the line of record");
    assert_eq!(err, "err");
    let path = dump.display();
    assert_eq!(line, format!("recorded: {path}; see memtrack-fold {path} -m peak -o peak.svg\n"));
    snapshot::last(&snapshot::file(&dump)).assert_adds_up();

    let mut command = record(&dump);
    command.arg("cat").stdin(std::fs::File::open(c::source("check.h")).unwrap());
    assert_eq!(c::output(&mut command).stdout, std::fs::read(c::source("check.h")).unwrap());
    let mut quiet = Command::new(program::of_workspace("memtrack-fold"));
    let output = c::output(quiet.args(["record", "-q", "-o"]).arg(&dump).args(["--", "sh", "-c", "exit 3"]));
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(3), ""));
}

#[test]
fn without_a_name_a_dump_is_named_after_the_program() {
    let folder = program::folder("c_record-names");
    let mut command = Command::new(program::of_workspace("memtrack-fold"));
    let output = c::output(command.args(["record", "--", "/bin/true"]).current_dir(&folder));
    assert!(output.status.success());
    let names: Vec<_> =
        dumps(&folder).iter().map(|path| text(path.file_name().unwrap().as_encoded_bytes())).collect();
    let [name] = &names[..] else { panic!("one dump: {names:?}") };
    let pid = name.strip_prefix("true.").and_then(|rest| rest.strip_suffix(".memtrack"));
    assert!(pid.is_some_and(|pid| pid.parse::<u32>().is_ok()), "{name}");
    assert_eq!(
        text(&output.stderr),
        format!("recorded: {name}; see memtrack-fold {name} -m peak -o peak.svg\n")
    );
}

#[test]
fn failures_to_run_or_record_are_reported() {
    let folder = program::folder("c_record-errors");
    let dump = folder.join("dump");
    let fail = |command: &mut Command, code: i32, what: &str| {
        let output = c::output(command);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(what), "{}", text(&output.stderr));
        assert_eq!(dumps(&folder), Vec::<PathBuf>::new());
    };
    fail(record(&dump).arg("/no/such/program"), 127, "cannot run /no/such/program");
    fail(record(&dump).arg("/dev/null"), 126, "cannot run /dev/null");
    fail(record(Path::new("/no/such/folder/dump")).arg("true"), 4, "/no/such/folder");
    fail(record(&dump).env("MEMTRACK_LIBRARY", "/no/such/library.so").arg("true"), 4, "/no/such/library.so");
    fail(&mut record(&dump), 2, "PROGRAM");
}

#[test]
fn a_program_that_cannot_be_tracked_is_reported() {
    let folder = program::folder("c_record-unseen");
    let (built, dump) = (folder.join("own"), folder.join("dump"));
    c::build("gcc", &["-std=gnu11", "-fno-builtin"], &c::source("own_allocator.c"), Link::None, &built);
    let output = c::output(record(&dump).arg(&built));
    let said = text(&output.stderr);
    let whose = format!("warning: the program has an allocator of its own (malloc in {})", built.display());
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "its own: 1\n"));
    assert!(said.lines().nth(1).is_some_and(|line| line.starts_with(&whose)), "{said}");
    let mut fold = Command::new(program::of_workspace("memtrack-fold"));
    let info = c::run(fold.arg("info").arg(&dump));
    assert!(
        info.starts_with("LOST     1 allocator not tracked (the program's malloc is another one)\n"),
        "{info}"
    );
    let mut quiet = Command::new(c::libraries().join("memtrack-fold"));
    let output = c::output(quiet.args(["record", "-q", "-o"]).arg(&dump).arg("--").arg(&built));
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));

    let built = folder.join("static");
    c::build("gcc", &["-static"], &c::source("empty.c"), Link::None, &built);
    let output = c::output(record(&folder.join("none")).arg(&built));
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        said.contains("left no dump (it is linked statically, and nothing can be preloaded into it"),
        "{said}"
    );
}

#[test]
fn missing_blocks_of_another_namespace_are_reported() {
    let folder = program::folder("c_record-namespace");
    let (built, library, dump) = (folder.join("program"), folder.join("liblate.so"), folder.join("dump"));
    c::build("gcc", &["-O1", "-shared", "-fPIC"], &c::source("late_library.c"), Link::None, &library);
    c::build("gcc", &["-O1"], &c::source("namespace.c"), Link::None, &built);
    let said = |run: &mut Command| {
        let output = c::output(run);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let mut fold = Command::new(program::of_workspace("memtrack-fold"));
        (
            text(&output.stdout),
            c::run(fold.arg("info").arg(&dump)).contains("libc.so.6 is loaded 2 times (dlmopen)"),
        )
    };
    assert_eq!(said(record(&dump).arg(&built).arg(&library)), ("loaded\n".to_owned(), true));
    assert!(!said(record(&dump).arg("/bin/true")).1);
}

#[test]
fn a_killed_program_is_reported_with_its_signal() {
    let dump = program::folder("c_record-killed").join("dump");
    for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGSEGV] {
        let output = shell(&dump, &format!("kill -{signal} $$"));
        assert_eq!(output.status.signal(), Some(signal));
        assert!(
            text(&output.stderr).contains(&format!("killed by signal {signal}")),
            "{}",
            text(&output.stderr)
        );
        assert!(!dump.exists());
    }
}

#[test]
fn signals_reach_the_program() {
    let dump = program::folder("c_record-signals").join("dump");
    for (name, signal) in [
        ("HUP", libc::SIGHUP),
        ("INT", libc::SIGINT),
        ("TERM", libc::SIGTERM),
        ("USR1", libc::SIGUSR1),
        ("USR2", libc::SIGUSR2),
        ("ALRM", libc::SIGALRM),
        ("WINCH", libc::SIGWINCH),
    ] {
        // The shell itself prints `ready`, after it has set its trap.
        let script = format!("trap 'echo {name}; exit 9' {name}; echo ready; while :; do sleep 0.02; done");
        let mut command = record(&dump);
        command.args(["sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A shell cannot trap a signal that was ignored when it started, as SIGHUP under nohup and SIGINT in the
        // background are.
        // SAFETY: the default action needs no handler.
        let heed = move || match unsafe { libc::signal(signal, libc::SIG_DFL) } {
            libc::SIG_ERR => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        };
        // SAFETY: between fork and exec the closure makes one async-signal-safe call.
        unsafe { command.pre_exec(heed) };
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        // SAFETY: the process is a child of this one that has not been waited for.
        assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        assert_eq!((rest, child.wait().unwrap().code()), (format!("{name}\n"), Some(9)));
    }
}

#[test]
fn every_child_writes_its_own_dump() {
    let folder = program::folder("c_record-children");
    let tree = program::folder("c_record-tree").join("family_tree");
    c::build("gcc", &["-O1", "-Wno-deprecated-declarations"], &c::source("family_tree.c"), Link::None, &tree);
    let dump = folder.join("dump");
    let output = c::output(record(&dump).arg(&tree));
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(7), "all well\n"));
    assert!(
        text(&output.stderr).contains("and the dumps of 3 children beside it"),
        "{}",
        text(&output.stderr)
    );

    // Each process is identified by its own allocation; a forked child also has its parent's.
    let all = dumps(&folder);
    assert_eq!((all.len(), &all[0]), (4, &dump));
    let parent = snapshot::file(&dump);
    let parent = snapshot::last(&parent).target;
    let mut held = Vec::new();
    for path in &all {
        let bytes = snapshot::file(path);
        let last = snapshot::last(&bytes);
        last.assert_adds_up();
        if path != &dump {
            assert_eq!(path.extension().unwrap().to_str(), Some(last.target.pid.to_string().as_str()));
            assert_eq!(last.target.parent_pid, parent.pid);
        }
        let live = fold(path, &["-m", "live"]);
        held.push(["parents_own", "of_the_forked", "of_the_leaver", "of_the_program"].map(|f| live.under(f)));
    }
    assert_eq!(held[0], [10000, 0, 0, 0]);
    held.sort_unstable();
    assert_eq!(held, [[0, 0, 0, 40000], [10000, 0, 0, 0], [10000, 0, 30000, 0], [10000, 20000, 0, 0]]);
}

/// Blocks inherited from the parent are in the dumps of all children, and count once.
#[test]
fn the_dumps_of_a_family_are_merged_even_if_it_clears_its_environment() {
    for how in ["keep", "clear"] {
        let folder = program::folder(&format!("c_record-children-{how}"));
        let (built, dumped) = (folder.join("children"), folder.join("dumps"));
        c::build("gcc", &["-O1", "-fno-builtin"], &c::source("children.c"), Link::None, &built);
        std::fs::create_dir(&dumped).unwrap();
        let dump = dumped.join("dump");
        let output = c::output(record(&dump).arg(&built).arg(how));
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "all well\n"), "{how}");
        assert!(
            text(&output.stderr).contains("and the dumps of 10 children beside it"),
            "{}",
            text(&output.stderr)
        );
        let all = dumps(&dumped);
        assert_eq!(all.len(), 11, "{how}: {all:?}");
        let merged = folder.join("merged");
        let mut merge = Command::new(program::of_workspace("memtrack-fold"));
        c::run(merge.args(["merge", "-o"]).arg(&merged).args(&all));
        let allocs = fold(&merged, &["-m", "allocs"]);
        assert_eq!((allocs.under("parents_own"), allocs.under("childs_own")), (1000, 10), "{how}");
    }
}

#[test]
fn a_new_peak_is_dumped_on_request() {
    let folder = program::folder("c_record-peak");
    let (built, dump) = (folder.join("known"), folder.join("dump"));
    c::build("gcc", &["-std=gnu11", "-fno-builtin"], &c::source("known.c"), Link::None, &built);
    assert!(c::output(record(&dump).env("MEMTRACK_DUMP_PEAK", "50KiB").arg(&built)).status.success());
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    let causes: Vec<Cause> = snapshots.iter().map(|snapshot| snapshot.about.cause).collect();
    assert_eq!(causes, [Cause::Peak, Cause::Exit]);
    // The peak snapshot is taken when all blocks are live.
    assert_eq!(snapshots[0].marks.figures.live, snapshots[1].marks.figures.peak);
}

#[test]
fn names_of_cpp_and_of_stripped_programs_are_readable() {
    let folder = program::folder("c_record-names-of-code");
    let (built, dump) = (folder.join("shapes"), folder.join("dump"));
    let source = c::source("threads.cpp");
    c::build("g++", &["-O1", "-rdynamic"], &source, Link::None, &built);
    c::run(Command::new("strip").arg(&built));
    assert!(c::output(record(&dump).arg(&built)).status.success());
    let allocs = fold(&dump, &["-m", "allocs"]);
    // The destructor is the only exported function of the program; its other functions have no names left.
    assert_eq!(allocs.under("destroy"), 400 * 2);
    let readable = |frames: &[&str]| frames.iter().any(|frame| frame.contains("std::thread::"));
    assert!(
        allocs.stacks().any(|(frames, _)| readable(&frames)),
        "demangled dynamic symbols of the C++ library"
    );
}
