//! The Firefox Profiler's format, read by its own command line program `profiler-cli` from npm.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use memtrack_format::TimePoint;
use memtrack_host_tools::profile::Metric;
use serde_json::Value;

use crate::dumps;
use crate::program::Place;
use crate::subject::both;
use crate::viewer;

/// Name and version are fixed: a newer version may not read our format.
const PACKAGE: &str = "@firefox-devtools/profiler-cli@0.10.0";

/// The most attempts to open a profile.
const TRIES: usize = 20;

/// A profile that `profiler-cli` has open. It is closed with the test.
struct Session<'p> {
    place: &'p Place,
    script: PathBuf,
}

impl<'p> Session<'p> {
    fn open(place: &'p Place, file: &str) -> Option<Self> {
        let script = installed()?;
        let session = Session { place, script };
        // Its daemon allows itself half a second to start. On a busy machine that is too short, so it needs
        // another attempt.
        for _ in 0..TRIES {
            let output = session.command().args(["load", file]).current_dir(place.dir.path()).output();
            let output = match output {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
                output => output.unwrap(),
            };
            let stderr = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                return Some(session);
            }
            assert!(stderr.contains("did not become ready"), "{file}: {stderr}");
            end_daemon(&stderr);
            std::thread::sleep(Duration::from_secs(1));
        }
        // This reports the failure, or that the machine lacks node.
        session.say(&["load", file])?;
        Some(session)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("node");
        command.arg(&self.script).env("HOME", self.place.dir.path());
        command
    }

    fn say(&self, arguments: &[&str]) -> Option<String> {
        let script = self.script.to_str().expect("a readable path");
        viewer::output("node", "nodejs", self.place.dir.path(), &[&[script], arguments].concat())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let _ = self.command().args(["stop", "--all"]).output();
    }
}

/// Ends the daemon of a failed attempt, which would go on, and make the machine busier. The message has its process id.
fn end_daemon(stderr: &str) {
    let id = stderr.split_once("running as pid ").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()));
    if let Some(id) = id.and_then(|mut words| words.next()).filter(|id| !id.is_empty()) {
        // It may have ended meanwhile.
        let _ = Command::new("kill").arg(id).status();
    }
}

fn installed() -> Option<PathBuf> {
    viewer::npm("profiler-cli", PACKAGE, "@firefox-devtools/profiler-cli/dist/profiler-cli.js")
}

#[test]
fn retained_and_allocated_bytes_are_ours() {
    let mut builder = dumps::program(&dumps::cells());
    for (time_ns, live) in [(100_000_000, 4000), (900_000_000, 8500)] {
        builder.record(&TimePoint { time_ns, high: live, live });
    }
    let place = Place::with(&builder.finish());
    place.run("dump.bin -o run.firefox.json").ok();
    let Some(session) = Session::open(&place, "run.firefox.json") else { return };
    let functions = |thread: &str, strategy: &str| {
        session.say(&["thread", "select", thread]).unwrap();
        session.say(&["strategy", strategy]).unwrap();
        session.say(&["thread", "functions"]).unwrap()
    };
    // Threads are in the order of their ids: unattributed, main, workers. The stacks of main's cells 2 and 7
    // end in 0x400.
    let retained = functions("t-1", "native-retained-allocations");
    assert!(retained.contains("server+0x400 - self: 2,000B (58.8%), total: 2,000B"), "{retained}");
    assert!(retained.contains("server+0x100 - self: 0B (0.0%), total: 2,300B"), "{retained}");
    let allocated = functions("t-1", "native-allocations");
    assert!(allocated.contains("server+0x400 - self: 11.0KB (57.9%)"), "11000 of 19000: {allocated}");
    let counters = session.say(&["counter", "info", "c-0"]).unwrap();
    assert!(counters.contains("Live bytes") && counters.contains("Samples: 2 total"), "{counters}");
}

/// The sum of the own values of all functions of a thread; 0 if the thread has no events of that kind.
fn sum(session: &Session<'_>, thread: usize, strategy: &str) -> u64 {
    let thread = format!("t-{thread}");
    let arguments =
        ["thread", "functions", "--json", "--limit", "0", "--thread", &thread, "--strategy", strategy];
    let output = session.command().args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("has no data in") {
        return 0;
    }
    assert!(output.status.success(), "{thread}: {stderr}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let functions = document["functions"].as_array().unwrap();
    functions.iter().map(|function| function["selfSamples"].as_u64().unwrap()).sum()
}

#[test]
fn all_threads_add_up() {
    for subject in both() {
        let file = subject.write("run.firefox.json", Metric::Bytes);
        let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let threads = document["threads"].as_array().unwrap().len();
        let Some(session) = Session::open(&subject.place, "run.firefox.json") else { return };
        for (strategy, metric) in
            [("native-allocations", Metric::Bytes), ("native-retained-allocations", Metric::Live)]
        {
            let all: u64 = (0..threads).map(|thread| sum(&session, thread, strategy)).sum();
            assert_eq!(all, subject.total(metric), "{strategy}");
        }
    }
}

/// It can't read the formats of speedscope and pprof, but it can read DHAT's.
#[test]
fn it_reads_dhat_as_well() {
    for subject in both() {
        subject.write("run.dhat.json", Metric::Bytes);
        let Some(session) = Session::open(&subject.place, "run.dhat.json") else { return };
        let threads = [(0, Metric::Bytes), (2, Metric::Peak), (3, Metric::Live)];
        for (thread, metric) in threads {
            assert_eq!(sum(&session, thread, "native-allocations"), subject.total(metric), "t-{thread}");
        }
    }
}
