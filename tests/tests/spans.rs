//! Spans, the stages of single threads, have flame graphs of their own peaks: the blocks that the thread held then,
//! to the byte.
//!
//! Planted bug: without the copies made at other threads' frees, `blocks_that_another_thread_frees_are_in_the_peak`
//! misses blocks that one of them frees after the peak.

use std::path::{Path, PathBuf};

use memtrack_format::Kind;
use memtrack_tests::program::{Facts, folder, output, run};
use memtrack_tests::{folded, program, snapshot};

fn dump(name: &str) -> (PathBuf, Facts) {
    let dump = folder(name).join("dump");
    let facts = run(env!("CARGO_BIN_EXE_spans"), &[], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    (dump, facts)
}

/// The bytes of `wide`, `narrow` and `grown` at the peak of a span, and all bytes then above those before the span.
fn peak(dump: &Path, facts: &Facts, stage: &str) -> ([u64; 3], i64) {
    let graph = folded::fold(dump, &["--stage", stage, "--metric", "peak"]);
    let above = graph.total() as i64 - facts.get(&format!("{stage} before"));
    (["spans::wide", "spans::narrow", "spans::grown"].map(|name| graph.under(name)), above)
}

#[test]
fn nested_and_repeated_spans_have_the_blocks_of_their_peaks() {
    let (dump, facts) = dump("spans-nested");
    let peak = |stage| peak(&dump, &facts, stage);
    assert_eq!(peak("outer"), ([1000, 5000, 0], 6000));
    // The blocks of the outer span belong to the thread, so the inner span shows them too.
    assert_eq!(peak("inner"), ([1200, 400, 0], 600));
    // Its second run had the highest peak.
    assert_eq!(peak("again"), ([1070, 0, 0], 70));
    assert_eq!(peak("resized"), ([0, 50, 900], 950));
    assert_eq!(peak("undisturbed"), ([4000, 2000, 0], 6000));
    assert_eq!(facts.get("scope peak"), 30);
}

#[test]
fn blocks_that_another_thread_frees_are_in_the_peak() {
    let (dump, facts) = dump("spans-handed");
    assert_eq!(peak(&dump, &facts, "handed"), ([3000, 0, 0], 3000));
}

#[test]
fn a_snapshot_of_a_span_only_has_its_thread() {
    let (dump, _) = dump("spans-snapshots");
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    let last = snapshots.last().expect("the snapshot at exit");
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
    // The third run of `again` has a lower peak than the second, and no snapshot.
    assert_eq!(runs, 8, "outer, inner, twice again, resized, undisturbed, handed, freeing");
    assert_eq!(last.stages.iter().filter(|stage| stage.scope != 0).count(), 7);

    // The list shows which stages have cells.
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
