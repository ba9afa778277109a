//! The file at a module's path is used if it is the one that ran, and refused if it is another one. If nobody
//! knows, it is used with a warning.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use memtrack_format::{Kind, Marks, Module, Node};

use crate::binary::{build_id, printed};
use crate::dumps::{self, Builder, cell, figures};
use crate::program::Place;

/// Prints a return address into a function called `NAME`, and the program's maps.
const SOURCE: &str = r#"
#include <stdio.h>
__attribute__((noinline)) void *here(void) { return __builtin_return_address(0); }
__attribute__((noinline)) void *NAME(void) { void *at = here(); __asm__ volatile(""); return at; }
int main(void) {
    printf("call %p\n", NAME());
    FILE *maps = fopen("/proc/self/maps", "r");
    for (int c; (c = fgetc(maps)) != EOF;) putchar(c);
    return 0;
}
"#;
const WITH_ID: &str = "-Wl,--build-id=sha1";
const WITHOUT_ID: &str = "-Wl,--build-id=none";

fn compile(place: &Place, name: &str, id: &str) -> PathBuf {
    place.compile("program.c", SOURCE, "program", &["-O1", "-g", &format!("-DNAME={name}"), id])
}

/// Size and modification time of a file, as a dump has them.
fn stamps(path: &Path) -> [u64; 2] {
    let file = fs::metadata(path).unwrap();
    let time = file.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    [file.len(), time.as_nanos() as u64]
}

/// The dump of a run of `program`: with its build id if it has one, and with its size and time changed by
/// `stamps_of`.
fn dump(program: &Path, has_id: bool, stamps_of: impl Fn([u64; 2]) -> [u64; 2]) -> Vec<u8> {
    printed(program).dump_of_files(|path| {
        let id = if has_id { build_id(path) } else { Vec::new() };
        (path.into(), if path == program { id } else { Vec::new() }, stamps_of(stamps(path)))
    })
}

const UNKNOWN: fn([u64; 2]) -> [u64; 2] = |_| [0; 2];
const SAME: fn([u64; 2]) -> [u64; 2] = |stamps| stamps;
/// By a unit of time of every system.
const EARLIER: fn([u64; 2]) -> [u64; 2] = |[size, time]| [size, time - 1000];
const SMALLER: fn([u64; 2]) -> [u64; 2] = |[size, time]| [size - 1, time];

#[test]
fn names_of_another_program_are_never_used() {
    // Build ids in the dump, in the file, in both, or in neither. The file is always another program.
    for (in_dump, in_file) in [(true, true), (true, false), (false, true), (false, false)] {
        let place = Place::with(b"");
        let id = |has| if has { WITH_ID } else { WITHOUT_ID };
        let program = compile(&place, "right", id(in_dump));
        place.file("dump.bin", &dump(&program, in_dump, SAME));
        compile(&place, "a_longer_and_wrong_name", id(in_file));
        let ran = place.run("dump.bin -m allocs");
        assert!(ran.stdout.starts_with("program+0x"), "{in_dump} {in_file}: {}", ran.stdout);
        let reason = match (in_dump, in_file) {
            (true, true) => "program is not the build that ran (its build id is",
            (true, false) => "program is not the build that ran (it has no build id, the dump has",
            (false, _) => "program has changed since the program ran",
        };
        assert!(ran.stderr.contains(reason) && ran.stderr.contains("--force"), "{}", ran.stderr);
        let forced = place.run("dump.bin -m allocs --force");
        assert_eq!(forced.stdout, "a_longer_and_wrong_name 2\n", "{in_dump} {in_file}");
        assert!(forced.stderr.contains("of another build"), "{}", forced.stderr);
        // A file that the user names is used despite its size and time, but not despite its build id.
        let given = place.run("dump.bin -m allocs -b program");
        match (in_dump, in_file) {
            (true, true) => assert_eq!(given.code, 2, "{}", given.stderr),
            _ => assert!(given.stderr.contains("it may not be the file that ran"), "{}", given.stderr),
        }
    }
}

#[test]
fn without_build_ids_size_and_time_are_compared() {
    for (in_file, stamps, named, said) in [
        (false, SAME, true, ""),
        (true, SAME, true, ""),
        (false, UNKNOWN, true, "nor the dump has a build id"),
        (true, UNKNOWN, true, "has a build id, the dump has none"),
        (false, EARLIER, true, "has changed since the program ran, and has no build id to compare"),
        (true, EARLIER, false, "has changed since the program ran: its names are not used"),
        (false, SMALLER, false, "has changed since the program ran: its names are not used"),
        (true, SMALLER, false, "has changed since the program ran: its names are not used"),
    ] {
        let place = Place::with(b"");
        let program = compile(&place, "right", if in_file { WITH_ID } else { WITHOUT_ID });
        place.file("dump.bin", &dump(&program, false, stamps));
        let ran = place.run("dump.bin -m allocs");
        assert_eq!(ran.stdout == "right 2\n", named, "{in_file} {said}: {}", ran.stdout);
        assert_eq!(ran.stderr.is_empty(), said.is_empty(), "{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        let info: serde_json::Value = serde_json::from_str(&place.run("info --json dump.bin").ok()).unwrap();
        assert_eq!(info["modules"][0]["unproven"], named && !said.is_empty(), "{said}");
        let graph = place.run("dump.bin -f svg").ok();
        assert_eq!(graph.contains("names may be wrong"), named && !said.is_empty(), "{said}");
    }
}

#[test]
fn a_file_that_is_loaded_several_times_is_named_each_time() {
    let place = Place::with(b"");
    let program = compile(&place, "right", WITH_ID);
    let id = build_id(&program);
    let offset = printed(&program).offset();
    std::fs::rename(&program, place.path("moved")).unwrap();
    let mut builder = Builder::new(Kind::Program, 0);
    let biases = [0x10_0000, 0x20_0000];
    let segments = biases.map(|start| [dumps::segment(start, 0x10_0000, 0)]);
    for (bias, segments) in biases.iter().zip(&segments) {
        builder.record(&Module { ..dumps::module(b"/lib/program", &id, *bias, segments) });
    }
    let cells = [1, 2].map(|id| cell(id, 1, id + 1, figures(u64::from(id), 0, 0)));
    for (id, bias) in (2..).zip(biases) {
        builder.node(id, Node::ROOT, bias + offset);
    }
    cells.iter().for_each(|cell| _ = builder.record(cell));
    builder.record(&dumps::thread(1, b"main", &cells));
    let figures = dumps::sum(cells.iter().map(|cell| cell.figures));
    builder.record(&Marks { figures, frees: figures.allocs, ..Marks::default() });
    place.file("dump.bin", &builder.finish());
    assert_eq!(place.run("dump.bin -m allocs -b moved").ok(), "right 3\n");
}
