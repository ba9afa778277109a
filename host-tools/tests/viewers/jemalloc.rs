//! The heap_v2 format, read by `jeprof`.

use crate::dumps::{self, cell, figures};
use crate::program::Place;
use crate::viewer;

/// `jeprof` needs a program. Any will do, because no address lies in it.
fn report(place: &Place, options: &[&str]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_memtrack-fold");
    let arguments = [&["--text", "--show_bytes"], options, &[program, "run.heap"]].concat();
    viewer::output("jeprof", "libjemalloc-dev", place.dir.path(), &arguments)
}

#[test]
fn live_and_allocated_totals_are_ours() {
    let place = Place::with(&dumps::full());
    place.run("dump.bin -o run.heap").ok();
    for (options, total) in [
        (&["--inuse_space"][..], "Total: 8100 B"),
        (&["--inuse_objects"], "Total: 81"),
        (&["--alloc_space"], "Total: 45000 B"),
        (&["--alloc_objects"], "Total: 450"),
    ] {
        let Some(text) = report(&place, options) else { return };
        assert!(text.lines().any(|line| line.starts_with(total)), "{total}: {text}");
    }
}

#[test]
fn the_peak_can_be_exported_as_live() {
    // Blocks of one byte: `jeprof` would scale them if there were a sampling rate.
    let small = memtrack_format::Figures { bytes: 7, live: 3, peak: 5, ..figures(7, 3, 5) };
    let place = Place::with(&dumps::program(&[cell(1, 1, 4, small), cell(2, 2, 4, small)]).finish());
    place.run("dump.bin -o run.heap -m peak").ok();
    let Some(text) = report(&place, &[]) else { return };
    assert!(text.starts_with("Total: 10 B"), "{text}");
    // Innermost frame first, then return addresses. The mapping shows where the program was loaded.
    let file = std::fs::read_to_string(place.path("run.heap")).unwrap();
    assert!(file.contains("@ 0x10300 0x10201 0x10101\n  t*: 10: 10 [14: 14]\n  t1: 5: 5 [7: 7]\n"), "{file}");
    assert!(file.contains("\n00010000-00011000 r-xp 00000000 00:00 0 /opt/shop/server\n"), "{file}");
}
