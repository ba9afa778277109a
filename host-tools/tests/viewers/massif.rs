//! massif.out, read by `ms_print`.

use memtrack_format::TimePoint;

use crate::dumps;
use crate::program::Place;
use crate::viewer;

#[test]
fn the_peak_and_the_end_have_their_trees() {
    let mut builder = dumps::program(&dumps::cells());
    for (time_ns, live) in [(100_000_000, 4000), (900_000_000, 8500)] {
        builder.record(&TimePoint { time_ns, high: live, live });
    }
    let place = Place::with(&builder.finish());
    place.run("dump.bin -o massif.out").ok();
    let Some(text) = viewer::output("ms_print", "valgrind", place.dir.path(), &["massif.out"]) else {
        return;
    };
    assert!(text.contains("Command:            /opt/shop/server --port 1"), "{text}");
    assert!(text.contains("Number of snapshots: 5"), "{text}");
    assert!(text.contains("(peak)"), "{text}");
    assert!(text.contains("100.00% (9,000B) (heap allocations)"), "the peak: {text}");
    assert!(text.contains("100.00% (8,100B) (heap allocations)"), "the end: {text}");
    // Innermost functions first. The stacks that end in 0x300 held 400 and 800 bytes at the peak.
    assert!(text.contains("->13.33% (1,200B) 0x0: server+0x300\n"), "{text}");
    assert!(text.contains("8,500 "), "the timeline: {text}");
}

#[test]
fn small_places_are_summed_up() {
    let place = Place::with(&dumps::full());
    place.run("dump.bin -o massif.out --min-percent 15").ok();
    let Some(text) =
        viewer::output("ms_print", "valgrind", place.dir.path(), &["--threshold=0", "massif.out"])
    else {
        return;
    };
    assert!(
        text.contains("100.00% (9,000B)")
            && text.contains("in 5 places, all below massif's threshold (15.00%)"),
        "{text}"
    );
    assert!(!text.contains("server+0x300"), "{text}");
}
