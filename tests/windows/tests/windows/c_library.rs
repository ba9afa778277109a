//! `memtrack.dll` and its import library, for programs in C.

use std::fs;
use std::path::{Path, PathBuf};

use memtrack_format::{Cause, Kind, ThreadState};
use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::snapshot;
use memtrack_tests::{c, program as programs};

use crate::{FILES, gcc, given, place, program, said, text};

/// Compiles a program against the header without any warning, and links it with the import library. The system finds the
/// library beside the program.
fn build(source: &Path, standard: &str, to: &Path) {
    let libraries = given("LIBRARIES").map_or_else(programs::programs, PathBuf::from);
    let library = "memtrack.dll";
    fs::copy(libraries.join(library), to.with_file_name(library)).expect("the library was built");
    let mut gcc = gcc();
    gcc.args(c::STRICT).args(["-g", "-O1", standard, "-I"]).arg(c::workspace().join("include")).arg(source);
    gcc.arg("-o").arg(to).arg(libraries.join("libmemtrack.dll.a"));
    said(gcc);
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
        build(&c::source("windows.c"), standard, &built);
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
    build(&c::example("c/call.c"), "-std=c99", &built);
    assert_eq!(said(program(text(&built), &[text(&dump)])), "allocations 2000\npeak 26000\nlive 0\n");
    assert_eq!(folded(&dump, "allocs", &[]).under("add_entry"), 2000);
}
