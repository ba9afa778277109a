//! heaptrack's format in `heaptrack_print`.

use crate::dumps::{self, cell, figures};
use crate::program::Place;
use crate::viewer;

fn printed(place: &Place, options: &[&str]) -> Option<String> {
    place.run("dump.bin -o run.heaptrack").ok();
    let arguments = [options, &["run.heaptrack"]].concat();
    viewer::output("heaptrack_print", "heaptrack", place.dir.path(), &arguments)
}

#[test]
fn calls_temporaries_peak_and_leaks_are_ours() {
    let Some(text) = printed(&Place::with(&dumps::full()), &[]) else { return };
    for line in [
        "calls to allocation functions: 450 ",
        "temporary memory allocations: 45 ",
        "peak heap memory consumption: 9.00K",
        "total memory leaked: 8.10K",
        "/opt/shop/server --port 1 [memtrack: the order of events is made up]",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("server+0x300") && text.contains("[unattributed]"), "{text}");
}

/// A naive replay peaks where the most blocks were allocated, and takes every block for a temporary one.
#[test]
fn each_stack_has_its_own_peak_and_no_false_temporaries() {
    let mut churning = figures(1000, 0, 1);
    churning.temporary = 0;
    let mut last = figures(8, 5, 5);
    last.temporary = 3;
    let mut gone = figures(6, 0, 6);
    gone.temporary = 0;
    let cells = [cell(1, 1, 4, churning), cell(2, 1, 5, last), cell(3, 2, 2, gone)];
    let place = Place::with(&dumps::program(&cells).finish());
    let Some(text) = printed(&place, &[]) else { return };
    for line in [
        "calls to allocation functions: 1014 ",
        "temporary memory allocations: 3 ",
        "peak heap memory consumption: 1.20K",
        "total memory leaked: 500B",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (_, peaks) = text.split_once("PEAK MEMORY CONSUMERS").unwrap();
    assert!(peaks.contains("600B peak memory consumed over 6 calls"), "{peaks}");
    assert!(peaks.contains("100B peak memory consumed over 1000 calls"), "{peaks}");
}

#[test]
fn nothing_counted_can_be_read() {
    let Some(text) = printed(&Place::with(&dumps::program(&[]).finish()), &[]) else { return };
    assert!(text.contains("calls to allocation functions: 0 "), "{text}");
}
