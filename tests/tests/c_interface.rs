//! The C interface under real compilers: the headers compile without warnings in every dialect, the examples work as
//! documented, misuse returns a code, and programs compiled against other versions work.
//!
//! Planted bugs: a `fill` in `ffi/src/stats.rs` that writes all members it knows overwrites the guard bytes of the
//! older header; a `take` in `ffi/src/library/tail.rs` that leaves the tail counts blocks that the C library passes
//! to the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

const C: [&str; 2] = ["gcc", "clang"];
const CPP: [&str; 2] = ["g++", "clang++"];

/// Builds a program with each compiler and runs it. Returns its output.
fn build_and_run(
    compilers: [&str; 2],
    flags: &[&str],
    source: &Path,
    link: Link,
    arguments: &[&str],
) -> Vec<String> {
    let name = source.file_stem().and_then(|name| name.to_str()).expect("a source file");
    let folder = program::folder(&format!("c_interface-{name}-{link:?}{}", arguments.concat()));
    let run = |compiler: &str| {
        let built = folder.join(compiler);
        c::build(compiler, flags, source, link, &built);
        c::run(Command::new(built).args(arguments))
    };
    compilers.map(run).into()
}

#[test]
fn the_headers_compile_without_warnings_in_every_dialect() {
    let folder = program::folder("c_interface-dialects");
    let every = "#include \"memtrack.h\"\nint main(void) { return memtrack_get_stats(0) == MEMTRACK_ERROR_NULL ? 0 : 1; }\n";
    let source = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let c = source("every.c", every);
    for (compilers, dialects) in [(C, ["-std=c99", "-std=c11"]), (CPP, ["-std=c++11", "-std=c++20"])] {
        for compiler in compilers {
            for dialect in dialects {
                let file = if compiler.ends_with("++") { source("every.cpp", every) } else { c.clone() };
                c::build(compiler, &[dialect], &file, Link::Shared, &folder.join("every"));
                c::run(&mut Command::new(folder.join("every")));
            }
        }
    }
    for dialect in ["-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20"] {
        let file = source("operators.cpp", "#include \"memtrack.hpp\"\nint main() { delete new int; }\n");
        for compiler in CPP {
            c::build(compiler, &[dialect], &file, Link::Static, &folder.join("operators"));
            c::run(&mut Command::new(folder.join("operators")));
        }
    }
    // Without exceptions the operators end the program. They compile without warnings, and all of them call the
    // handler.
    let text = "#include \"memtrack.hpp\"\n\
        static int asked;\n\
        static void give_up() { asked += 1; std::set_new_handler(nullptr); }\n\
        int main() {\n\
            delete new int;\n\
            volatile std::size_t huge = static_cast<std::size_t>(-1) / 2;\n\
            std::set_new_handler(give_up);\n\
            return ::operator new(huge, std::nothrow) == nullptr && asked == 1 ? 0 : 1;\n\
        }\n";
    let file = source("without.cpp", text);
    c::build("g++", &["-fno-exceptions"], &file, Link::Static, &folder.join("without"));
    c::run(&mut Command::new(folder.join("without")));
}

#[test]
fn misuse_returns_a_code() {
    for link in [Link::Static, Link::Shared] {
        build_and_run(C, &["-std=c99", "-O2"], &c::source("misuse.c"), link, &[]);
    }
}

#[test]
fn programs_of_other_versions_work() {
    let source = c::source("stats.c");
    let sizes: Vec<String> = ["older", "", "newer"]
        .map(|version| {
            let folder = program::folder(&format!("c_interface-stats-{version}"));
            let built = folder.join("stats");
            let headers = format!("-I{}", c::source(version).display());
            let flags = if version.is_empty() { vec![] } else { vec![headers.as_str()] };
            c::build("gcc", &flags, &source, Link::Shared, &built);
            c::run(&mut Command::new(built))
        })
        .into();
    assert_eq!(sizes, ["size 48\n", "size 96\n", "size 112\n"], "sizes of the struct in the three headers");
}

#[test]
fn every_operator_new_and_delete_is_counted() {
    for dialect in ["-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20"] {
        // Without these flags the compiler would infer the sizes, or optimise the blocks away.
        let flags = [dialect, "-O1", "-fno-builtin", "-Wno-unused-parameter"];
        build_and_run(CPP, &flags, &c::source("operators.cpp"), Link::Static, &[]);
    }
}

#[test]
fn a_programs_own_allocator_is_used() {
    for arguments in [&["resize"][..], &[]] {
        for link in [Link::Static, Link::Shared] {
            build_and_run(C, &["-std=gnu11"], &c::source("allocator.c"), link, arguments);
        }
    }
}

/// The path of an example's dump.
fn dump(name: &str) -> PathBuf {
    program::folder(&format!("c_interface-dump-{name}")).join("dump")
}

#[test]
fn the_call_example_reports_its_allocations() {
    let path = dump("call");
    let arguments = [path.to_str().unwrap()];
    for link in [Link::Static, Link::Shared] {
        for said in build_and_run(C, &["-std=c99"], &c::example("c/call.c"), link, &arguments) {
            // A thousand entries of 16 bytes, with names of 10 bytes.
            assert_eq!(said, "allocations 2000\npeak 26000\nlive 0\n");
            let bytes = snapshot::file(&path);
            let last = snapshot::last(&bytes);
            last.assert_adds_up();
            assert_eq!(last.stages.iter().map(|stage| stage.peak).collect::<Vec<_>>(), [26000, 26000]);
            let peak = fold(&path, &["-m", "peak"]);
            assert_eq!((peak.under("add_entry"), peak.under("copy_name")), (26000, 10000));
        }
    }
}

#[test]
fn a_statically_linked_program_has_stacks() {
    let folder = program::folder("c_interface-linked-statically");
    let (built, path) = (folder.join("call"), folder.join("dump"));
    for flags in [&["-static-pie", "-fPIE"][..], &["-static", "-Wl,--eh-frame-hdr"]] {
        let mut gcc = Command::new("gcc");
        gcc.args(["-g", "-I"]).arg(c::workspace().join("include")).args(flags).arg(c::example("c/call.c"));
        gcc.arg(c::libraries().join("libmemtrack.a")).args(["-pthread", "-ldl", "-lm", "-o"]).arg(&built);
        // The linker warns about functions that do not work in static programs. The program does not call them.
        assert!(c::output(&mut gcc).status.success());
        assert_eq!(c::run(Command::new(&built).arg(&path)), "allocations 2000\npeak 26000\nlive 0\n");
        let peak = fold(&path, &["-m", "peak"]);
        assert_eq!((peak.under("add_entry"), peak.under("copy_name")), (26000, 10000), "{flags:?}");
    }
}

#[test]
fn the_whole_allocator_can_be_wrapped_in_a_statically_linked_program() {
    let folder = program::folder("c_interface-wrapped-statically");
    let (built, path) = (folder.join("words"), folder.join("dump"));
    let more = "-Wl,--wrap=reallocarray,--wrap=posix_memalign,--wrap=aligned_alloc,--wrap=memalign";
    let input = c::example("c/words.c");
    let mut gcc = Command::new("gcc");
    gcc.args(["-g", "-static", "-Wl,--eh-frame-hdr", WRAP, more, "-Wl,--wrap=malloc_usable_size"])
        .arg(&input);
    gcc.arg(c::libraries().join("libmemtrack.a")).args(["-pthread", "-ldl", "-lm", "-o"]).arg(&built);
    assert!(c::output(&mut gcc).status.success());
    let stdin = std::fs::File::open(&input).unwrap();
    c::run(Command::new(&built).stdin(stdin).env("MEMTRACK_DUMP", &path));
    assert!(fold(&path, &["-m", "allocs"]).under("count_word") > 0);
    snapshot::last(&snapshot::file(&path)).assert_adds_up();
}

#[test]
fn the_arena_example_shows_its_heap_beside_malloc() {
    let path = dump("arena");
    let arguments = [path.to_str().unwrap()];
    for said in build_and_run(C, &["-std=c99"], &c::example("c/arena.c"), Link::Static, &arguments) {
        assert_eq!(said, "live 20500\npeak 23500\n");
        let live = fold(&path, &["-m", "live"]);
        let stacks: Vec<(Vec<&str>, u64)> = live.stacks().collect();
        let arena = stacks.iter().find(|(frames, _)| frames[0] == "[heap arena]").expect("the arena's stack");
        assert_eq!(arena.1, 20000);
        assert_eq!(arena.0[arena.0.len() - 3..], ["main", "load_texture", "arena_take"]);
        assert_eq!(live.total(), 20500);
        snapshot::last(&snapshot::file(&path)).assert_adds_up();
    }
}

#[test]
fn tokens_follow_a_block_through_its_life() {
    let path = dump("tokens");
    let arguments = [path.to_str().unwrap()];
    for link in [Link::Static, Link::Shared] {
        build_and_run(C, &["-std=gnu11", "-O1"], &c::source("tokens.c"), link, &arguments);
        snapshot::last(&snapshot::file(&path)).assert_adds_up();
        let live = fold(&path, &["-m", "live"]);
        let held = |heap: &str, function: &str| {
            let of = |frames: &[&str]| {
                (frames[0] == heap) == (heap == "[heap pool]") && frames.contains(&function)
            };
            live.stacks().filter(|(frames, _)| of(frames)).map(|(_, bytes)| bytes).sum::<u64>()
        };
        // A resized block belongs to the function that resized it, and stays in its heap. A block first reported when
        // it is resized is in no heap.
        assert_eq!((held("[heap pool]", "grow"), held("[heap pool]", "take")), (300, 50));
        assert_eq!(held("", "first_reported_when_resized"), 7);
        assert_eq!(live.total(), 357);
    }
}

#[test]
fn the_cpp_example_shows_its_types() {
    let path = dump("shapes");
    let folder = program::folder("c_interface-shapes");
    for compiler in CPP {
        let built = folder.join(compiler);
        c::build(compiler, &["-std=c++17"], &c::example("cpp/shapes.cpp"), Link::Static, &built);
        let said = c::run(Command::new(built).env("MEMTRACK_DUMP", &path));
        assert_eq!(said, "area 250001750\nlive 0\n");
        let peak = fold(&path, &["-m", "peak"]);
        assert_eq!(peak.under("tag shapes"), peak.total(), "all blocks are under the tag");
        let of = |name: &str| {
            let has = |frames: &[&str]| frames.iter().any(|frame| frame.contains(name));
            peak.stacks().filter(|(frames, _)| has(frames)).map(|(_, bytes)| bytes).sum::<u64>()
        };
        // 250 meshes of 128 bytes; 750 squares with a vtable pointer, a number and a string; the vector grows by
        // doubling.
        assert_eq!((of("make_unique<Mesh"), of("make_unique<Square")), (32_000, 36_000));
        assert_eq!(of("make_unique") + 8192, peak.total());
    }
}

const WRAP: &str = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free";

#[test]
fn blocks_that_the_c_library_allocates_are_not_counted() {
    let folder = program::folder("c_interface-handed-over");
    for compiler in C {
        let built = folder.join(compiler);
        let source = c::source("handed_over.c");
        c::build(compiler, &["-std=gnu11", "-fno-builtin", WRAP], &source, Link::Static, &built);
        c::run(Command::new(&built).stdin(std::fs::File::open(source).unwrap()));
    }
}

#[test]
fn the_linker_replaces_malloc_by_memtrack() {
    let path = dump("wrap");
    let folder = program::folder("c_interface-wrap");
    let input = c::example("c/words.c");
    for compiler in C {
        let wrapped = folder.join(format!("{compiler}-wrapped"));
        let plain = folder.join(format!("{compiler}-plain"));
        c::build(compiler, &["-std=c99", WRAP], &input, Link::Static, &wrapped);
        c::build(compiler, &["-std=c99"], &input, Link::None, &plain);
        let stdin = || std::fs::File::open(&input).unwrap();
        let expected = c::output(Command::new(plain).stdin(stdin()));
        let said = c::output(Command::new(wrapped).stdin(stdin()).env("MEMTRACK_DUMP", &path));
        c::assert_same(&expected, &said);
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let different: u64 =
            text.split(' ').nth(2).and_then(|n| n.parse().ok()).expect("the number of words");
        let allocs = fold(&path, &["-m", "allocs"]);
        // Each different word is a record and its text. The table is one block; the input is read into one that
        // doubles.
        assert_eq!(allocs.under("count_word"), 2 * different);
        assert_eq!(allocs.total(), 2 * different + 1 + allocs.under("read_all"));
        assert_eq!(fold(&path, &["-m", "live"]).total(), 0);
        snapshot::last(&snapshot::file(&path)).assert_adds_up();
    }
}
