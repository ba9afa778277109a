//! `memtrack.dll` and its import library, for programs in C and C++.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use memtrack_format::{Cause, Kind, ThreadState};
use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::snapshot;
use memtrack_tests::{c, program as programs};

use crate::{FILES, gcc, given, gxx, place, program, said, text};

/// Compiles a program against the header without any warning, and links it with the import library. The system finds the
/// library beside the program.
fn build(mut compiler: Command, source: &Path, standard: &str, to: &Path) {
    let libraries = libraries();
    fs::copy(libraries.join(LIBRARY), to.with_file_name(LIBRARY)).expect("the library was built");
    compiler
        .args(c::STRICT)
        .args(["-g", "-O1", standard, "-I"])
        .arg(c::workspace().join("include"))
        .arg(source);
    compiler.arg("-o").arg(to).arg(libraries.join("libmemtrack.dll.a"));
    said(compiler);
}

const LIBRARY: &str = "memtrack.dll";

/// The folder of the library.
fn libraries() -> PathBuf {
    given("LIBRARIES").map_or_else(programs::programs, PathBuf::from)
}

/// A metric of a dump by stack. The system's own functions have no names here.
fn folded(dump: &Path, metric: &str, options: &[&str]) -> Folded {
    fold(dump, &[&["-m", metric], FILES, options].concat())
}

#[test]
fn a_program_in_c_has_known_figures_stages_tags_and_threads() {
    let built = place("c", "known.exe");
    let (dump, at_end) = (built.with_extension("memtrack"), built.with_extension("end.memtrack"));
    for standard in ["-std=c99", "-std=c17"] {
        build(gcc(), &c::source("windows.c"), standard, &built);
    }
    let mut run = program(text(&built), &[text(&dump)]);
    run.env("MEMTRACK_DUMP", &at_end);
    said(run);

    let functions = ["read_all", "grow", "work", "report", "main", "run"];
    let counts = |metric| {
        let folded = folded(&dump, metric, &[]);
        functions.map(|function| folded.under(function))
    };
    assert_eq!(counts("allocs"), [101, 2, 15, 1, 104, 15]);
    assert_eq!(counts("live"), [6900, 0, 15_000, 7000, 13_900, 15_000]);
    assert_eq!(folded(&dump, "bytes", &[]).under("grow"), 20_010);
    assert_eq!(folded(&dump, "live", &["--tag", "work"]).total(), 15_000);
    for number in 0..3 {
        let thread = format!("worker-{number}");
        assert_eq!(folded(&dump, "live-blocks", &["--thread", &thread]).total(), 5, "{thread}");
    }
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
    assert_eq!(last.threads.iter().filter(|thread| thread.state == ThreadState::Exited).count(), 3);

    for (stage, peak) in [("read", 26_900), ("work", 21_900)] {
        assert_eq!(folded(&at_end, "peak", &["--stage", stage]).total(), peak, "{stage}");
    }
    let bytes = snapshot::file(&at_end);
    let mut snapshots = snapshot::read(&bytes).into_iter();
    assert!(snapshots.any(|one| one.about.kind == Kind::Program && one.about.cause == Cause::Exit));
    assert_eq!(folded(&at_end, "live", &[]).total(), 7000);
}

#[test]
fn the_example_runs() {
    let built = place("c-example", "call.exe");
    let dump = built.with_extension("memtrack");
    build(gcc(), &c::example("c/call.c"), "-std=c99", &built);
    assert_eq!(said(program(text(&built), &[text(&dump)])), "allocations 2000\npeak 26000\nlive 0\n");
    assert_eq!(folded(&dump, "allocs", &[]).under("add_entry"), 2000);
}

#[test]
fn every_form_of_new_and_delete_is_counted() {
    let built = place("cxx-operators", "operators.exe");
    for standard in ["-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20"] {
        build(gxx(), &c::source("operators.cpp"), standard, &built);
        said(program(text(&built), &[]));
    }
}

#[test]
fn the_example_in_cxx_has_known_figures() {
    let built = place("cxx-example", "shapes.exe");
    let dump = built.with_extension("memtrack");
    build(gxx(), &c::example("cpp/shapes.cpp"), "-std=c++17", &built);
    let mut run = program(text(&built), &[]);
    run.env("MEMTRACK_DUMP", &dump);
    assert_eq!(said(run), "area 250001750\nlive 0\n");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
    // A quarter of the shapes are meshes of 128 bytes; a square has 48. The vector of pointers doubles from 1 to 1024.
    let shapes = folded(&dump, "bytes", &["--tag", "shapes"]);
    assert_eq!(shapes.under("load"), 250 * 128 + 750 * 48 + 2047 * 8);
    assert_eq!(folded(&dump, "live-blocks", &["--tag", "shapes"]).total(), 0);
    assert_eq!(folded(&dump, "peak-blocks", &["--stage", "load", "--tag", "shapes"]).total(), 1001);
}

#[test]
fn a_program_in_c_is_recorded() {
    let built = place("c-recorded", "known.exe");
    let (dump, image) = (built.with_extension("memtrack"), built.with_extension("image"));
    build(gcc(), &c::source("windows.c"), "-std=c17", &built);
    let mut run = program(text(&built), &[text(&dump)]);
    run.env("MEMTRACK_RECORD", &image);
    said(run);
    let input = memtrack_host_tools::input::open(&image, None).expect("a recording");
    assert!(input.notes.is_empty() && !input.damaged, "{:?}", input.notes);
    let last = snapshot::last(&input.bytes);
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
    assert_eq!((last.live_of_tag("work"), last.marks.figures.live), (0, 7000));
    assert_eq!(folded(&image, "allocs", &[]).under("read_all"), 101);
}

/// The default region of Rust programs, which no program in C uses, has 40 MB.
#[test]
fn the_library_has_no_region() {
    let bytes = fs::read(libraries().join(LIBRARY)).expect("the library was built");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    // `SizeOfImage` in the header that `e_lfanew` leads to: the address space of all sections.
    let size = word(word(0x3c) + 24 + 56);
    assert!(size < bytes.len() + (8 << 20), "{size} bytes of address space, {} of the file", bytes.len());
}
