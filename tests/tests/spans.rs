//! Stages of single threads have flame graphs of their own peaks: what the thread held then, to the byte.
//!
//! Planted bug: where other threads' frees are not kept, what one of them frees behind the peak is missing in
//! `what_another_thread_frees_stood_at_the_peak`.

use std::path::{Path, PathBuf};

use memtrack_format::Kind;
use memtrack_tests::program::{Facts, folder, output, run};
use memtrack_tests::{folded, program, snapshot};

fn dump(name: &str) -> (PathBuf, Facts) {
    let dump = folder(name).join("dump");
    let facts = run(env!("CARGO_BIN_EXE_spans"), &[], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    (dump, facts)
}

/// What `wide`, `narrow` and `grown` held at a stage's peak, and all of it above what the thread had before.
fn peak(dump: &Path, facts: &Facts, stage: &str) -> ([u64; 3], i64) {
    let graph = folded::fold(dump, &["--stage", stage, "--metric", "peak"]);
    let above = graph.total() as i64 - facts.get(&format!("{stage} before"));
    (["spans::wide", "spans::narrow", "spans::grown"].map(|name| graph.under(name)), above)
}

#[test]
fn nested_and_repeated_stages_keep_what_stood_at_their_peaks() {
    let (dump, facts) = dump("spans-nested");
    let peak = |stage| peak(&dump, &facts, stage);
    assert_eq!(peak("outer"), ([1000, 5000, 0], 6000));
    // What the outer stage holds is the thread's.
    assert_eq!(peak("inner"), ([1200, 400, 0], 600));
    // Its second run was the highest.
    assert_eq!(peak("again"), ([1070, 0, 0], 70));
    assert_eq!(peak("resized"), ([0, 50, 900], 950));
    assert_eq!(peak("undisturbed"), ([4000, 2000, 0], 6000));
    assert_eq!(facts.get("scope peak"), 30);
}

#[test]
fn what_another_thread_frees_stood_at_the_peak() {
    let (dump, facts) = dump("spans-handed");
    assert_eq!(peak(&dump, &facts, "handed"), ([3000, 0, 0], 3000));
}

#[test]
fn a_snapshot_is_of_its_thread_alone() {
    let (dump, _) = dump("spans-snapshots");
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    let last = snapshots.last().expect("that of the exit");
    last.assert_adds_up();
    let mut runs = 0;
    for snapshot in snapshots.iter().filter(|snapshot| snapshot.about.kind == Kind::Stage) {
        let [stage] = &snapshot.stages[..] else { panic!("one stage: {:?}", snapshot.stages) };
        let held = snapshot.cells(|_| true);
        assert_eq!((held.peak, held.peak_blocks), (stage.peak, stage.peak_blocks), "{stage:?}");
        if stage.scope != 0 {
            let [thread] = &snapshot.threads[..] else { panic!("one thread: {:?}", snapshot.threads) };
            assert_eq!((thread.id + 1, thread.own_peak), (stage.scope, stage.peak), "{stage:?}");
            assert!(snapshot.cells.iter().all(|cell| cell.thread == thread.id), "{stage:?}");
            runs += 1;
        }
    }
    // The third run of `again` was not higher than the second.
    assert_eq!(runs, 8, "outer, inner, twice again, resized, undisturbed, handed, freeing");
    assert_eq!(last.stages.iter().filter(|stage| stage.scope != 0).count(), 7);

    // The list says which stages have cells.
    let listed =
        output(&program::of_workspace("memtrack-fold"), &[dump.to_str().unwrap(), "--list-stages"], &[]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    let row = |name: &str| listed.lines().find(|line| line.trim_start().starts_with(name)).map(str::trim_end);
    for (stage, of) in [("handed", "handing"), ("inner", "nesting"), ("process", "process")] {
        let row = row(stage).unwrap_or_else(|| panic!("{stage} in {listed}"));
        let words: Vec<&str> = row.split_whitespace().collect();
        assert!(words.windows(2).any(|two| two == [of, "yes"]), "{row}");
    }
}
