//! Third-party programs under `record`: results and exit codes are the same as without it, allocations are frees plus
//! live blocks, and the flame graph shows the programs' own function names, as far as they were not stripped.
//!
//! Planted bug: with a `realloc` that forgets the cell of its block, sqlite3 holds the wrong bytes at the end.

use std::fs;
use std::io::Write as _;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use memtrack_format::ThreadState;
use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::{c, inputs, program, snapshot};

/// `memtrack-fold record`, which prints nothing itself.
fn record(dump: &Path) -> Command {
    let mut command = Command::new(program::of_workspace("memtrack-fold"));
    command.args(["record", "-q", "-o"]).arg(dump).arg("--");
    command
}

/// Runs `arguments` in `folder`, with `input` as standard input.
fn run(mut command: Command, arguments: &[&str], folder: &Path, input: &str) -> Output {
    command.args(arguments).current_dir(folder).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe to standard input");
    // The program may write output before it has read all input.
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the program's output");
    let _closed_early = writer.join();
    output
}

/// Runs a program plainly and recorded, each in a folder of its own. Both behave the same.
fn same(arguments: &[&str], folders: [&Path; 2], dump: &Path, input: &str) {
    let mut plain = Command::new(arguments[0]);
    plain.args(&arguments[1..]);
    let expected = run(plain, &[], folders[0], input);
    let recorded = run(record(dump), arguments, folders[1], input);
    c::assert_same(&expected, &recorded);
    assert!(expected.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&expected.stderr));
}

/// Dumps that need not add up: ending threads may free blocks while the dump is written, and the dump does not show
/// it. A few of the programs in Python's tests end while their threads do.
const ENDED_UNDER_THREADS: usize = 2;

/// Dumps without a complete snapshot: their process was killed while it wrote. Three of Python's tests of
/// `subprocess` kill a child one second after its start, and expect that it has already ended.
const KILLED_WHILE_WRITING: usize = 3;

/// Asserts that the dumps of a process and of its children add up. Returns the number of their events.
fn assert_all_add_up(dump: &Path) -> u64 {
    let name = dump.file_name().and_then(|name| name.to_str()).expect("a name");
    let of_this_run = |path: &PathBuf| {
        path.file_name().and_then(|other| other.to_str()).is_some_and(|other| other.starts_with(name))
    };
    let files = fs::read_dir(dump.parent().expect("a folder")).unwrap().map(|entry| entry.unwrap().path());
    let (mut events, mut torn, mut cut_off) = (0, 0, 0);
    for path in files.filter(of_this_run) {
        let bytes = snapshot::file(&path);
        if snapshot::complete(&bytes).is_empty() {
            cut_off += 1;
            continue;
        }
        let last = snapshot::last(&bytes);
        let threads = |state| last.threads.iter().filter(|thread| thread.state == state).count();
        // The equation holds if no other thread runs while the dump is written.
        match (threads(ThreadState::Running), threads(ThreadState::Exited)) {
            (2.., _) => {}
            (_, 0) => last.assert_adds_up(),
            _ => torn += usize::from(catch_unwind(|| last.assert_adds_up()).is_err()),
        }
        let cut = last.cells(|cell| cell.cut).allocs;
        assert_eq!(cut, 0, "{}: no stack is cut", path.display());
        events += last.marks.figures.allocs + last.marks.frees;
    }
    assert!(torn <= ENDED_UNDER_THREADS, "{torn} dumps do not add up");
    assert!(cut_off <= KILLED_WHILE_WRITING, "{cut_off} dumps are cut off");
    events
}

/// The largest dump in a folder: the one of the process that did the work.
fn largest(folder: &Path) -> PathBuf {
    let dumps = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let dumps = dumps.filter(|path| path.is_file());
    dumps.max_by_key(|path| fs::metadata(path).unwrap().len()).expect("a dump")
}

/// The count under stacks that contain all of these functions.
fn under_all(folded: &Folded, names: &[&str]) -> u64 {
    let has_all = |frames: &[&str]| names.iter().all(|name| frames.contains(name));
    folded.stacks().filter(|(frames, _)| has_all(frames)).map(|(_, count)| count).sum()
}

#[test]
fn the_tests_of_cpython() {
    let folder = program::folder("c_programs-python");
    let python =
        c::run(Command::new("python3").args(["-c", "import sys, test.test_json; print(sys.executable)"]));
    let python = python.trim();
    let dump = folder.join("dump");
    let tests = [python, "-m", "test", "-j4", "test_json", "test_threading", "test_fork1", "test_subprocess"];
    // Both run at the same time, because they mostly wait.
    let start = |mut command: Command, name: &str, arguments: &[&str]| -> Child {
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        let output = fs::File::create(folder.join("output")).unwrap();
        command.args(arguments).current_dir(&folder).stdin(Stdio::null());
        command.stderr(output.try_clone().unwrap()).stdout(output).spawn().unwrap()
    };
    let mut plain = start(Command::new(python), "plain", &tests[1..]);
    let mut recorded = start(record(&dump), "recorded", &tests);
    let (plain, recorded) = (plain.wait().unwrap(), recorded.wait().unwrap());

    // Tests that fail on this machine without the library must fail equally with it.
    let result = |name: &str| -> String {
        let text = fs::read_to_string(folder.join(name).join("output")).unwrap();
        let result = |line: &&str| line.starts_with("Total tests") || line.starts_with("Result:");
        let failed = text.lines().skip_while(|line| !line.contains("failed:")).skip(1);
        let failed = failed.take_while(|line| line.starts_with("    "));
        failed.chain(text.lines().filter(result)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(result("plain"), result("recorded"));
    assert!(result("plain").contains("run="), "{}", result("plain"));
    assert_eq!(plain.code(), recorded.code());
    assert!(assert_all_add_up(&dump) > 100_000);
    // Each of the four tests ran in a process of its own.
    let bytes = fold(&largest(&folder), &["-m", "bytes"]);
    // A Python without debug information still has the symbols that extensions need.
    assert!(under_all(&bytes, &["Py_BytesMain"]) > 1 << 20);
    assert!(under_all(&bytes, &["_PyEval_EvalFrameDefault"]) > 1 << 20);
}

#[test]
fn git_over_thousands_of_commits() {
    let folder = program::folder("c_programs-git");
    let (plain, tracked) = (folder.join("plain"), folder.join("tracked"));
    // No settings of the user who runs this test, and fixed times.
    let settings =
        ["-c", "gc.auto=0", "-c", "pack.threads=1", "-c", "user.name=A", "-c", "user.email=a@example.com"];
    for repository in [&plain, &tracked] {
        c::run(Command::new("git").args(["init", "-q", "-b", "main"]).arg(repository));
    }
    let history = inputs::history(3000);
    let commands: [(&str, &[&str], &str); 5] = [
        ("import", &["fast-import", "--quiet"], &history),
        ("log", &["log", "--stat", "-p", "--no-color"], ""),
        ("blame", &["blame", "main", "--", "dir1/file1"], ""),
        ("repack", &["repack", "-adfq"], ""),
        ("objects", &["rev-list", "--objects", "--all"], ""),
    ];
    for (name, arguments, input) in commands {
        let dump = folder.join(format!("{name}.dump"));
        let arguments = [&["git"][..], &settings, arguments].concat();
        same(&arguments, [&plain, &tracked], &dump, input);
        assert!(assert_all_add_up(&dump) > 200, "{name}");
    }
    let count = c::run(Command::new("git").args(["rev-list", "--count", "main"]).current_dir(&tracked));
    assert_eq!(count, "3000\n");
    let log = fold(&folder.join("log.dump"), &["-m", "allocs"]);
    // Distributions strip git's own symbols; then its frames are its module and an offset.
    let of_git = |frames: &[&str]| {
        frames.iter().any(|frame| frame.starts_with("git+0x") || *frame == "cmd_log" || *frame == "cmd_main")
    };
    let of_git: u64 = log.stacks().filter(|(frames, _)| of_git(frames)).map(|(_, count)| count).sum();
    assert!(of_git > log.total() / 2, "{of_git} of {}", log.total());
}

#[test]
fn sqlite_with_a_million_rows() {
    let folder = program::folder("c_programs-sqlite");
    let script = "
        pragma journal_mode = off;
        create table t(id integer primary key, name text, value real);
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000)
            insert into t select i, 'name ' || (i % 1000), i * 0.5 from n;
        create index by_name on t(name);
        select count(*), sum(value) from t;
        select name, count(*) from t group by name order by name limit 5;
        delete from t where id % 3 = 0;
        select count(*) from t;";
    let (plain, tracked) = (folder.join("plain"), folder.join("tracked"));
    [&plain, &tracked].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
    let dump = folder.join("dump");
    same(&["sqlite3", "-batch", "rows.db"], [&plain, &tracked], &dump, script);
    assert_eq!(fs::read(plain.join("rows.db")).unwrap(), fs::read(tracked.join("rows.db")).unwrap());
    assert!(assert_all_add_up(&dump) > 1_000_000);
    let allocs = fold(&dump, &["-m", "allocs"]);
    let of_sqlite = |frames: &[&str]| frames.iter().any(|frame| frame.starts_with("sqlite3_"));
    let of_sqlite: u64 =
        allocs.stacks().filter(|(frames, _)| of_sqlite(frames)).map(|(_, count)| count).sum();
    assert!(of_sqlite > 1_000_000, "{of_sqlite} of {}", allocs.total());
    // It frees everything when it closes the database.
    let live = fold(&dump, &["-m", "live"]);
    assert_eq!((live.under("sqlite3_prepare_v2"), live.under("sqlite3_step")), (0, 0));
}

/// Runs a redis-server under load on a socket in its folder. Returns its answers and how it ended.
fn redis(command: Command, folder: &Path) -> (Vec<String>, Output) {
    fs::create_dir(folder).unwrap();
    let mut command = command;
    let socket = folder.join("socket");
    let socket = socket.to_str().unwrap();
    command.args(["--port", "0", "--unixsocket", socket, "--save", "", "--daemonize", "no"]);
    let server = command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ask = |arguments: &[&str]| c::output(Command::new("redis-cli").args(["-s", socket]).args(arguments));
    let answer = |arguments: &[&str]| String::from_utf8_lossy(&ask(arguments).stdout).into_owned();
    // Waits for up to a minute until the server answers.
    let ready = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        answer(&["ping"]) == "PONG\n"
    });
    assert!(ready, "the server answers");
    let benchmark = [
        "-s",
        socket,
        "-q",
        "-n",
        "20000",
        "-r",
        "1000",
        "-t",
        "set,get,lpush,sadd,hset,zadd,lrange_100,mset",
    ];
    assert!(c::output(Command::new("redis-benchmark").args(benchmark)).status.success());
    let mut answers = Vec::new();
    for i in 0..2000 {
        if i % 100 == 0 {
            answers.push(answer(&["set", &format!("own:{i}"), &"x".repeat(i)]));
        }
    }
    answers.push(answer(&["bgsave"]));
    let saved = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        answer(&["info", "persistence"]).contains("rdb_bgsave_in_progress:0")
    });
    assert!(saved, "the server's child has saved the database");
    answers.push(answer(&["llen", "mylist"]));
    answers.push(answer(&["strlen", "own:1900"]));
    answers.push(answer(&["flushall"]));
    answers.push(answer(&["dbsize"]));
    let _ends = ask(&["shutdown", "nosave"]);
    (answers, server.wait_with_output().unwrap())
}

#[test]
fn redis_under_its_benchmark() {
    let folder = program::folder("c_programs-redis");
    let dump = folder.join("dump");
    let plain = redis(Command::new("redis-server"), &folder.join("plain"));
    let mut command = record(&dump);
    command.arg("redis-server");
    let recorded = redis(command, &folder.join("recorded"));
    assert_eq!(plain.0, recorded.0);
    assert_eq!((plain.1.status.code(), recorded.1.status.code()), (Some(0), Some(0)));
    assert_eq!(String::from_utf8_lossy(&recorded.1.stderr), String::from_utf8_lossy(&plain.1.stderr));
    assert!(assert_all_add_up(&dump) > 1_000_000);
    let peak = fold(&dump, &["-m", "peak"]);
    let served = under_all(&peak, &["aeMain"]);
    assert!(served > peak.total() / 2, "{served} of {}", peak.total());
    // The child that saved the database left by _exit, with a dump of its own.
    let dumps =
        fs::read_dir(&folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
    assert_eq!(dumps, 2);
}

#[test]
fn a_compiler_over_a_large_file() {
    let folder = program::folder("c_programs-compiler");
    let (plain, tracked) = (folder.join("plain"), folder.join("tracked"));
    for folder in [&plain, &tracked] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("large.cpp"), inputs::large_source()).unwrap();
    }
    let dump = folder.join("dump");
    same(&["g++", "-std=c++17", "-O1", "-c", "large.cpp"], [&plain, &tracked], &dump, "");
    assert_eq!(fs::read(plain.join("large.o")).unwrap(), fs::read(tracked.join("large.o")).unwrap());
    assert!(assert_all_add_up(&dump) > 1_000_000);
    let bytes = fold(&largest(&folder), &["-m", "bytes"]);
    // The functions of the compiler itself, which it exports to plugins.
    assert!(under_all(&bytes, &["toplev::main(int, char**)", "c_parse_file()"]) > bytes.total() / 10);
}
