//! The preloaded library under programs that do not know it: they behave the same, and all of their allocations are
//! counted under the functions that made them.
//!
//! Planted bug: with a `usable` in `ffi/src/library` that lets the program overwrite the tail, the accounts of
//! `family` are wrong.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_format::LossCause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

/// A program of these tests, built without memtrack.
fn plain(source: &str, flags: &[&str]) -> PathBuf {
    let path = c::source(source);
    let name = path.file_stem().and_then(|name| name.to_str()).expect("a source file");
    let built = program::folder(&format!("c_preload-{name}{}", flags.concat())).join(name);
    let compiler = if source.ends_with(".cpp") { "g++" } else { "gcc" };
    c::build(compiler, flags, &path, Link::None, &built);
    built
}

/// Runs it without and with the library: the output is the same, and the dump adds up.
fn same(program: &Path, dump: &Path) -> Output {
    let expected = c::output(&mut Command::new(program));
    let tracked = c::preloaded(&mut Command::new(program), dump);
    c::assert_same(&expected, &tracked);
    snapshot::last(&snapshot::file(dump)).assert_adds_up();
    tracked
}

#[test]
fn every_function_of_the_family_is_counted_and_works_the_same() {
    for optimised in ["-O0", "-O2"] {
        let program = plain("family.c", &[optimised, "-fno-builtin", "-Wno-use-after-free"]);
        let dump = program.with_extension("dump");
        assert_eq!(same(&program, &dump).status.code(), Some(42));
        let live = fold(&dump, &["-m", "live"]);
        for (function, bytes) in [
            ("leak_malloc", 1000),
            ("leak_calloc", 2000),
            ("leak_realloc", 3000),
            ("leak_reallocarray", 4000),
            ("leak_posix_memalign", 5000),
            ("leak_aligned_alloc", 6016),
            ("leak_memalign", 7000),
            ("leak_valloc", 8000),
            ("leak_pvalloc", 12288),
            ("leak_strdup", 500),
            ("usable", 0),
            ("aligned", 0),
            ("zeroed", 0),
            ("errors", 0),
            ("quiet", 0),
            ("nothing", 0),
            ("sized", 0),
        ] {
            assert_eq!(live.under(function), bytes, "{function} {optimised}");
        }
        let bytes = snapshot::file(&dump);
        let last = snapshot::last(&bytes);
        // The failures of `errors`. posix_memalign's invalid alignments are not counted.
        assert_eq!(last.marks.failed_allocs, 10);
        assert!(last.losses.is_empty(), "{:?}", last.losses);
        assert!(
            fold(&dump, &["-m", "allocs"]).under("sized") == 2,
            "the library defines the functions of C23"
        );
    }
}

/// The functions of a program without unwind tables, and of a C library without them, are read.
#[test]
fn stacks_through_code_without_unwind_tables_are_whole() {
    for optimised in ["-O0", "-O2", "-Os"] {
        let without = "-fno-asynchronous-unwind-tables";
        let flags = [optimised, without, "-fno-unwind-tables", "-fomit-frame-pointer", "-fno-builtin"];
        let program = plain("undescribed.c", &flags);
        let dump = program.with_extension("dump");
        assert_eq!(same(&program, &dump).status.code(), Some(7));
        let bytes = snapshot::file(&dump);
        // One block of a function that never returns.
        let lost: Vec<_> =
            snapshot::last(&bytes).losses.iter().map(|loss| (loss.cause, loss.events)).collect();
        assert_eq!(lost, [(LossCause::Unwind, 1)], "{optimised}");
        let live = fold(&dump, &["-m", "live"]);
        for (chain, bytes) in [
            (&["main", "variable", "checked"][..], 100),
            (&["main", "variable", "saved_registers"], 600),
            (&["main", "sorted", "qsort", "compare", "strdup"], 22),
            (&["main", "raised", "raise", "handler"], 400),
            (&["[truncated]", "fail"], 8),
        ] {
            // The C library has further names for its functions.
            let is_whole = |frames: &[&str]| {
                let is_last = frames.last().is_some_and(|frame| frame.contains(chain[chain.len() - 1]));
                let mut frames = frames.iter();
                is_last && chain.iter().all(|name| frames.any(|frame| frame.contains(name)))
            };
            let found = live.stacks().filter(|(frames, _)| is_whole(frames)).map(|(_, count)| count);
            assert_eq!(
                found.sum::<u64>(),
                bytes,
                "{chain:?} {optimised}: {:?}",
                live.stacks().collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn threads_may_allocate_until_their_end() {
    let program = plain("threads.cpp", &["-O1"]);
    let dump = program.with_extension("dump");
    same(&program, &dump);
    let live = fold(&dump, &["-m", "live"]);
    assert_eq!(live.under("work"), 0);
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    assert_eq!(last.marks.figures.live_blocks, last.cells(|cell| cell.thread != 0).live_blocks);
    // The dynamic linker's first frame has no unwind information: stacks of library constructors are cut there.
    assert!(last.losses.iter().all(|loss| loss.cause == LossCause::Unwind), "{:?}", last.losses);
    let allocs = fold(&dump, &["-m", "allocs"]);
    assert_eq!(allocs.under("destroy"), 400 * 2, "in destructors of keys, except in the last round");
    assert_eq!(allocs.under("Late::~Late()"), 400 * 2, "in destructors of thread-local variables");
}

#[test]
fn a_program_with_its_own_allocator_is_not_tracked() {
    let program = plain("own_allocator.c", &["-std=gnu11", "-fno-builtin"]);
    let dump = program.with_extension("dump");
    let expected = c::output(&mut Command::new(&program));
    c::assert_same(&expected, &c::preloaded(&mut Command::new(&program), &dump));
    assert_eq!(String::from_utf8_lossy(&expected.stdout), "its own: 1\n");
    let bytes = snapshot::file(&dump);
    let said: Vec<_> = snapshot::last(&bytes).losses.iter().map(|loss| (loss.cause, loss.events)).collect();
    assert_eq!(said, [(LossCause::OtherAllocator, 1)]);
}

#[test]
fn blocks_come_from_the_next_allocator() {
    let program = plain("family.c", &["-O1", "-fno-builtin", "-Wno-use-after-free"]);
    let folder = program::folder("c_preload-next");
    let next = folder.join("libnext.so");
    // As in production allocators, its functions call each other and not the first definition in the process.
    let flags = ["-shared", "-fPIC", "-fno-builtin", "-Wl,-Bsymbolic-functions"];
    c::build("gcc", &flags, &c::source("next_allocator.c"), Link::None, &next);
    let (ours, dump) = (c::libraries().join("libmemtrack.so"), folder.join("dump"));
    let run =
        |list: String| c::output(Command::new(&program).env("LD_PRELOAD", list).env("MEMTRACK_DUMP", &dump));
    let without = run(next.display().to_string());
    let with = run(format!("{}:{}", ours.display(), next.display()));
    assert_eq!(String::from_utf8_lossy(&without.stderr), "next allocator: 1\n");
    c::assert_same(&without, &with);
    let live = fold(&dump, &["-m", "live"]);
    assert_eq!((live.under("leak_malloc"), live.under("leak_valloc"), live.under("usable")), (1000, 8000, 0));
    snapshot::last(&snapshot::file(&dump)).assert_adds_up();
}

#[test]
fn a_program_that_takes_the_addresses_of_the_functions_is_tracked() {
    for place in [&["-no-pie", "-fno-pic"], &["-pie", "-fPIE"]] {
        let program = plain("pointers.c", &[&["-O1", "-fno-builtin"], &place[..]].concat());
        let dump = program.with_extension("dump");
        same(&program, &dump);
        let bytes = snapshot::file(&dump);
        let last = snapshot::last(&bytes);
        assert!(last.losses.iter().all(|loss| loss.cause != LossCause::OtherAllocator), "{:?}", last.losses);
        assert_eq!(fold(&dump, &["-m", "allocs"]).under("main"), 200, "{place:?}");
    }
}

/// A program that allocates, under memtrack and a next allocator that was built with a flag.
fn under_next_allocator(flag: &str) -> snapshot::Snapshot<'static> {
    let program = plain("known.c", &["-O1", "-fno-builtin", flag]);
    let folder = program::folder(&format!("c_preload-next{flag}"));
    let (next, dump) = (folder.join("libnext.so"), folder.join("dump"));
    let flags =
        ["-shared", "-fPIC", "-fno-builtin", "-Wl,-Bsymbolic-functions", "-Wno-missing-prototypes", flag];
    c::build("gcc", &flags, &c::source("next_allocator.c"), Link::None, &next);
    let list = format!("{}:{}", c::libraries().join("libmemtrack.so").display(), next.display());
    let without = c::output(Command::new(&program).env("LD_PRELOAD", &next));
    let with = c::output(Command::new(&program).env("LD_PRELOAD", list).env("MEMTRACK_DUMP", &dump));
    assert_eq!(String::from_utf8_lossy(&without.stderr), "next allocator: 1\n");
    c::assert_same(&without, &with);
    snapshot::last(snapshot::file(&dump).leak())
}

#[test]
fn an_allocator_without_memalign_is_tracked() {
    let last = under_next_allocator("-DNO_MEMALIGN");
    last.assert_adds_up();
    assert_eq!(last.losses.iter().find(|loss| loss.cause == LossCause::NoUsableSize), None);
    assert!(last.marks.figures.allocs >= 1000, "{}", last.marks.figures.allocs);
}

#[test]
fn an_allocator_without_sizes_is_used_and_the_dump_says_so() {
    let last = under_next_allocator("-DNO_SIZES");
    assert_eq!(last.marks.figures.allocs, 0);
    let said: Vec<_> = last.losses.iter().map(|loss| (loss.cause, loss.events)).collect();
    assert_eq!(said, [(LossCause::NoUsableSize, 1)]);
}

#[test]
fn operators_of_linked_allocators_are_counted_once() {
    for (library, is_thrown) in
        [("", true), ("-ljemalloc", true), ("-ltcmalloc_minimal", true), ("-lmimalloc", false)]
    {
        let flags = ["-std=c++17", "-O1", "-fno-builtin", "-Wno-alloc-size-larger-than"];
        let source = c::source("forms.cpp");
        let built = program::folder(&format!("c_preload-forms{library}")).join("forms");
        let late = ["-Wl,--no-as-needed", library];
        let all = [&flags[..], if library.is_empty() { &[] } else { &late[..] }].concat();
        c::build("g++", &all, &source, Link::None, &built);
        let run = || {
            let mut run = Command::new(&built);
            // mimalloc is compiled as C, and ends the program instead of throwing.
            run.args(is_thrown.then_some("huge"));
            run
        };
        let (expected, dump) = (c::output(&mut run()), built.with_extension("dump"));
        assert_eq!(String::from_utf8_lossy(&expected.stdout), "1 1\n", "{library}");
        c::assert_same(&expected, &c::preloaded(&mut run(), &dump));
        snapshot::last(&snapshot::file(&dump)).assert_adds_up();
        let figures = ["allocs", "bytes", "live"].map(|metric| fold(&dump, &["-m", metric]));
        let of = |function: &str| [0, 1, 2].map(|metric| figures[metric].under(function));
        // The C++ library's own operators round a size up to a multiple of its alignment: 300 blocks of 256 bytes.
        let wide = |bytes: u64| if library.is_empty() { 256 } else { bytes };
        assert_eq!(of("single()"), [600, 300 * (100 + wide(100)), 0], "{library}");
        assert_eq!(of("array()"), [600, 300 * (200 + wide(200)), 0], "{library}");
        assert_eq!(of("keep()"), [10, 3000, 3000], "{library}");
    }
}

/// Bytes live at the end under each function of `late.cpp` and its library.
fn left(dump: &Path) -> [u64; 6] {
    let (all, live) = (fold(dump, &["-m", "bytes"]), fold(dump, &["-m", "live"]));
    assert_eq!(all.under("by_a_static()"), 1000);
    let functions = [
        "by_a_static()",
        "by_a_thread_local()",
        "by_a_handler()",
        "by_the_library",
        "by_its_handler",
        "by_nobody()",
    ];
    functions.map(|function| live.under(function))
}

#[test]
fn blocks_that_are_freed_after_main_are_no_leaks() {
    let folder = program::folder("c_preload-late");
    let library = folder.join("liblate.so");
    c::build("gcc", &["-O1", "-shared", "-fPIC"], &c::source("late_library.c"), Link::None, &library);
    let (place, path) = (format!("-L{}", folder.display()), format!("-Wl,-rpath,{}", folder.display()));
    let flags = ["-O1", "-fno-builtin", "-Wl,--no-as-needed", &place, "-llate", &path];
    let (built, dump) = (folder.join("late"), folder.join("dump"));
    c::build("g++", &flags, &c::source("late.cpp"), Link::None, &built);
    assert!(c::preloaded(&mut Command::new(&built), &dump).status.success());
    assert_eq!(left(&dump), [0, 0, 0, 0, 0, 5000]);
    assert_eq!(snapshot::read(&snapshot::file(&dump)).len(), 1, "one snapshot, after all frees");

    // With a tracker linked into the program, which sees only the program's blocks.
    let (built, dump) = (folder.join("linked"), folder.join("linked.dump"));
    let wrap = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free";
    c::build("g++", &[&flags[..], &[wrap]].concat(), &c::source("late.cpp"), Link::Static, &built);
    assert!(c::output(Command::new(&built).env("MEMTRACK_DUMP", &dump)).status.success());
    assert_eq!(left(&dump), [0, 0, 0, 0, 0, 5000]);
}

#[test]
fn a_program_that_links_the_shared_library_tracks_only_its_own_calls() {
    let folder = program::folder("c_preload-linked");
    let (built, dump) = (folder.join("call"), folder.join("dump"));
    c::build("gcc", &[], &c::example("c/call.c"), Link::Shared, &built);
    let said = c::run(Command::new(&built).arg(&dump));
    assert_eq!(said, "allocations 2000\npeak 26000\nlive 0\n", "no blocks of the C library");
    // When it is also preloaded, there is one library and one profile, which includes the C library's own blocks.
    let said = c::preloaded(Command::new(&built).arg(&dump), &folder.join("preloaded"));
    assert!(said.status.success());
    let allocs = fold(&dump, &["-m", "allocs"]);
    assert_eq!(allocs.under("add_entry"), 2000);
    snapshot::last(&snapshot::file(&dump)).assert_adds_up();
}
