//! heaptrack's format, read by `heaptrack_print`.

use std::time::Duration;

use memtrack_host_tools::profile::Metric;

use crate::dumps::{self, cell, figures};
use crate::program::Place;
use crate::subject::both;
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

/// A naive replay would have its peak after the most allocations, and would make every block temporary.
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

/// `heaptrack_gui` indexes blocks by their numbers. Numbers out of order make it write outside of its memory.
#[test]
fn blocks_are_numbered_in_order() {
    let (once, twice) = (figures(1, 1, 1), figures(2, 0, 2));
    let alone = figures(1, 0, 1);
    for cells in [
        dumps::cells(),
        vec![cell(1, 1, 4, once), cell(2, 1, 5, alone), cell(3, 2, 2, alone)],
        vec![cell(1, 1, 4, alone), cell(2, 1, 5, twice)],
        vec![cell(1, 1, 4, figures(9, 0, 0)), cell(2, 1, 5, alone)],
    ] {
        let place = Place::with(&dumps::program(&cells).finish());
        place.run("dump.bin -o run.heaptrack").ok();
        let text = std::fs::read_to_string(place.path("run.heaptrack")).unwrap();
        let (mut declared, mut allocated) = (0, 0);
        for line in text.lines() {
            declared += u64::from(line.starts_with("a "));
            let Some(number) = line.strip_prefix("+ ") else { continue };
            let number = u64::from_str_radix(number, 16).unwrap();
            assert!(number < declared && number <= allocated, "{line}: {text}");
            allocated = allocated.max(number + 1);
        }
        assert_eq!(declared, allocated, "every declared block is allocated: {text}");
        // Even a few blocks must not become temporary ones.
        let Some(printed) = printed(&place, &[]) else { continue };
        let temporary: u64 = cells.iter().map(|cell| cell.figures.temporary).sum();
        assert!(printed.contains(&format!("temporary memory allocations: {temporary} ")), "{printed}");
    }
}

/// `heaptrack_gui` can't print what it has read, and reports no success. But wrong numbers make it crash.
#[test]
fn heaptrack_gui_reads_the_file() {
    /// The time to read a thousand of these files.
    const A_WHILE: Duration = Duration::from_secs(4);
    for subject in both() {
        subject.write("run.heaptrack", Metric::Bytes);
        let folder = subject.place.dir.path();
        let Some(text) =
            viewer::lines("heaptrack_gui", "heaptrack-gui", folder, "run.heaptrack", A_WHILE, |_| false)
        else {
            return;
        };
        assert!(!text.contains("Failed"), "{text}");
    }
}

#[test]
fn an_empty_file_can_be_read() {
    let Some(text) = printed(&Place::with(&dumps::program(&[]).finish()), &[]) else { return };
    assert!(text.contains("calls to allocation functions: 0 "), "{text}");
}
