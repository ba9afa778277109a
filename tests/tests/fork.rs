//! `fork` in a program with several threads: each child has a dump as a process of its own, and the parent's dump is
//! unchanged.

use std::collections::BTreeSet;
use std::path::Path;

use memtrack_format::{Kind, Thread, ThreadState};
use memtrack_tests::folded::fold;
use memtrack_tests::program::{Facts, folder, run};
use memtrack_tests::{fork, snapshot};

/// Runs the program. Returns its facts, and the names of the dumps.
fn forked(way: &str, folder: &Path, template: &str) -> (Facts, BTreeSet<String>) {
    let facts =
        run(env!("CARGO_BIN_EXE_fork"), &[way], &[("MEMTRACK_DUMP", folder.join(template).as_os_str())]);
    let files = std::fs::read_dir(folder).unwrap();
    (facts, files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect())
}

#[test]
fn children_write_files_of_their_own() {
    assert_own_files(fork::FUNCTION);
}

/// The C library runs no handlers in these children.
#[test]
fn children_of_a_system_call_write_files_of_their_own() {
    assert_own_files(fork::CALL);
    assert_own_files(fork::INSTRUCTION);
}

fn assert_own_files(way: &str) {
    let folder = folder(&format!("fork-{way}"));
    let (facts, mut files) = forked(way, &folder, "dump");
    assert!(files.remove("dump"), "the parent's dump has the requested name");
    // The eighth child ended without its exit handlers.
    assert_eq!(files.len(), 7, "{files:?}");
    for name in &files {
        let pid = name.strip_prefix("dump.").expect("the name ends in the child's process id");
        assert_eq!(facts.get(&format!("child {pid}")), 0, "the exit status of the child");
        assert_child(&folder.join(name), pid, &facts);
    }

    let bytes = snapshot::file(&folder.join("dump"));
    let parent = snapshot::last(&bytes);
    assert_eq!(i64::from(parent.target.pid), facts.get("pid"));
    parent.assert_adds_up();
    assert!(parent.losses.is_empty(), "{:?}", parent.losses);
    let live = fold(&folder.join("dump"), &["--metric", "live"]);
    assert_eq!((live.under("fork::child_blocks"), live.under("fork::work")), (0, 0));
    assert!(snapshot::read(&bytes).iter().all(|snapshot| snapshot.target.pid == parent.target.pid));
}

fn assert_child(path: &Path, pid: &str, facts: &Facts) {
    let bytes = snapshot::file(path);
    let snapshots = snapshot::read(&bytes);
    let kinds: Vec<_> = snapshots.iter().map(|snapshot| snapshot.about.kind).collect();
    assert_eq!(kinds, [Kind::Stage, Kind::Program]);
    for snapshot in &snapshots {
        assert_eq!(snapshot.target.pid.to_string(), pid);
        assert_eq!(i64::from(snapshot.target.parent_pid), facts.get("pid"));
    }
    let graph = fold(path, &["--metric", "live"]);
    assert_eq!(graph.under("fork::child_blocks"), 100_000);
    assert!(graph.stacks().all(|(frames, _)| frames[0] != "[truncated]"), "the child's file has every stack");
    // Four threads of the parent were in the middle of events. The child does not have those events.
    let of_child = &snapshots[1];
    of_child.assert_adds_up();
    let inherited = |thread: &&Thread<'_>| thread.state == ThreadState::Inherited;
    assert_eq!(of_child.threads.iter().filter(inherited).count(), 5, "all threads of the parent");
    let own: Vec<_> = of_child.threads.iter().filter(|thread| thread.state == ThreadState::Running).collect();
    // Allocations since the fork, and none from before.
    assert_eq!((own.len(), own[0].figures.live), (1, 100_000));
    let fork = of_child.fork.expect("the inherited account");
    assert_eq!(i64::from(fork.parent), facts.get("pid"));
    // The peak starts at the fork, when the parent's live blocks already existed.
    assert!(of_child.marks.figures.peak >= of_child.marks.figures.live);
}

#[test]
fn templates_are_expanded_for_each_process() {
    let folder = folder("fork-template");
    let (_, files) = forked(fork::FUNCTION, &folder, "of-%p.memtrack");
    assert_eq!(files.len(), 8, "{files:?}");
    for name in files {
        let bytes = snapshot::file(&folder.join(&name));
        assert_eq!(name, format!("of-{}.memtrack", snapshot::last(&bytes).target.pid));
    }
}
