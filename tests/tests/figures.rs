//! Programs with known allocations: their figures match to the byte.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::OsStr;
use std::hint::black_box;

use memtrack::Tracker;
use memtrack_tests::program::{folder, run};
use memtrack_tests::{folded, snapshot};

const KNOWN: &str = env!("CARGO_BIN_EXE_known");

/// live, live blocks, peak, peak blocks, bytes, allocations, frees, reallocations, temporary blocks
const FIGURES: [&str; 9] =
    ["live", "live-blocks", "peak", "peak-blocks", "bytes", "allocs", "frees", "reallocs", "temporary"];

#[test]
fn every_way_to_allocate() {
    let facts = run(KNOWN, &["blocks"], &[]);
    let figures = |when: &str| FIGURES.map(|name| facts.get(&format!("{when} {name}")));
    assert_eq!(figures("two"), [4000, 2, 4000, 2, 4000, 2, 0, 0, 0]);
    assert_eq!(figures("grown"), [8000, 2, 8000, 2, 9000, 3, 1, 1, 0]);
    assert_eq!(figures("dropped"), [5000, 1, 8000, 2, 9000, 3, 2, 1, 0]);
    // A box of 16 bytes was allocated and freed, then 5000 bytes were reduced to 10.
    assert_eq!(figures("shrunk"), [10, 1, 8000, 2, 9026, 5, 4, 2, 1]);
    assert_eq!(figures("aligned"), [4106, 2, 4106, 2, 13122, 6, 4, 2, 1]);
    assert_eq!(figures("end"), [0, 0, 4106, 2, 13122, 6, 6, 2, 1]);
}

#[test]
fn stages_nest_repeat_and_survive_a_reset() {
    let folder = folder("figures-stages");
    let (dump, running) = (folder.join("dump"), folder.join("running"));
    let facts = run(KNOWN, &["stages", running.to_str().unwrap()], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    let figures =
        |when: &str| ["live", "peak", "peak-blocks"].map(|name| facts.get(&format!("{when} {name}")));
    assert_eq!(figures("reset"), [100, 100, 1]);
    assert_eq!(figures("again"), [100, 150, 2]);

    let names =
        ["depth", "running", "runs", "allocs", "bytes", "before", "after", "peak", "peak-blocks", "lost"];
    let stage = |stage: &str| names.map(|name| facts.get(&format!("{stage} {name}")));
    assert_eq!(stage("inner"), [1, 0, 2, 3, 750, 100, 100, 600, 2, 0]);
    assert_eq!(stage("outer"), [0, 0, 1, 5, 1150, 0, 0, 600, 2, 0]);
    assert_eq!(stage("last"), [0, 1, 1, 1, 700, 0, 0, 700, 1, 0]);
    assert_eq!(stage("running"), [1, 1, 1, 1, 700, 0, 0, 700, 1, 0]);

    // A dump taken while the stages run reports the same.
    let bytes = snapshot::file(&running);
    let snapshot = snapshot::last(&bytes);
    for stage in &snapshot.stages {
        let name = String::from_utf8_lossy(stage.name);
        let figures =
            [stage.runs, stage.allocs, stage.bytes, stage.peak - stage.live_before, u64::from(stage.running)];
        let told =
            ["runs", "allocs", "bytes", "peak", "running"].map(|fact| facts.get(&format!("{name} {fact}")));
        let before = facts.get(&format!("{name} before"));
        assert_eq!(
            figures.map(|n| n as i64),
            [told[0], told[1], told[2], told[3] - before, told[4]],
            "{name}"
        );
    }
    assert_eq!(snapshot.stages.len(), 4);

    // The flame graph of a stage shows the blocks that were live at its peak.
    let peak = folded::fold(&dump, &["--stage", "inner", "--metric", "peak"]);
    assert_eq!((peak.under("known::inner_blocks"), peak.under("known::stages")), (500, 600));
    let bytes = snapshot::file(&dump);
    for snapshot in snapshot::read(&bytes) {
        if let [stage] = snapshot.stages[..]
            && snapshot.about.kind == memtrack_format::Kind::Stage
        {
            let cells = snapshot.cells(|_| true);
            assert_eq!((cells.peak, cells.peak_blocks), (stage.peak, stage.peak_blocks), "cells at the peak");
        }
    }
}

#[test]
fn blocks_belong_to_the_thread_that_allocated_them() {
    let dump = folder("figures-threads").join("dump");
    let facts = run(KNOWN, &["threads"], &[("MEMTRACK_DUMP", OsStr::new(&dump))]);
    for i in 0..4 {
        let size = (i + 1) * 10;
        let names = ["allocs", "bytes", "live", "live-blocks", "peak", "peak-blocks"];
        let figures = |when: &str| names.map(|name| facts.get(&format!("{i} {when} {name}")));
        assert_eq!(figures("full"), [100, 100 * size, 100 * size, 100, 100 * size, 100]);
        // Its neighbour freed half of its blocks, and it freed half of its other neighbour's.
        assert_eq!(figures("half"), [100, 100 * size, 50 * size, 50, 100 * size, 100]);
        assert_eq!(facts.all([&format!("worker-{i} exited"), &format!("worker-{i} last")]), [1, 0]);
    }
    assert_eq!(facts.all(["difference", "end live", "end live-blocks"]), [0, 0, 0]);

    let bytes = snapshot::file(&dump);
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    for i in 0..4 {
        let name = format!("worker-{i}");
        let thread = snapshot.threads_called(&name).next().expect("the thread is in the dump");
        assert!(thread.own_peak >= 1000 * (i + 1) && thread.figures.live == 0, "{thread:?}");
        let own = folded::fold(&dump, &["--thread", &name]);
        assert_eq!(own.total(), thread.figures.bytes);
        assert_eq!(own.under("known::block"), 1000 * (i + 1), "a hundred blocks");
    }
}

#[test]
fn a_reset_restarts_the_peaks_of_program_and_thread() {
    static HEAP: Tracker<System> = Tracker::new(System);
    let peaks_with = |size| {
        let layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: the size is not zero; the block is freed once, with its layout.
        unsafe { HEAP.dealloc(black_box(HEAP.alloc(layout)), layout) };
        (HEAP.stats().peak_bytes, HEAP.thread_stats().peak_bytes)
    };
    assert_eq!(peaks_with(1000), (1000, 1000));
    assert_eq!(peaks_with(10), (1000, 1000));
    HEAP.reset_peak();
    assert_eq!(peaks_with(10), (10, 10));
}
