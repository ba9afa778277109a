//! Names from the symbol tables and debug information of binaries that are compiled here.

use std::process::Command;

use crate::binary::{printed, run};
use crate::compiled::{C, CART, LIBRARY, TWICE, c_program, linked};
use crate::program::Place;

#[test]
fn debug_information_names_inlined_functions() {
    let place = c_program(&["-O2", "-g"]);
    assert_eq!(place.run("dump.bin -m allocs").ok(), "memtrack_malloc 3\nouter;small 2\n");
    assert_eq!(place.run("dump.bin -m allocs --no-inlines").ok(), "memtrack_malloc 3\nouter 2\n");
    let plain = place.run("dump.bin -m allocs --no-symbols");
    assert_eq!(plain.stderr, "", "no warning: the user wants no names");
    let lines: Vec<&str> = plain.stdout.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("program+0x")), "{lines:?}");
}

#[test]
fn frames_of_tracker_and_allocator_are_hidden() {
    let place = c_program(&["-O2", "-g"]);
    place.file("dump.bin", &printed(&place.path("program")).chain());
    assert_eq!(place.run("dump.bin -m allocs").ok(), "outer;small 7\n");
    assert_eq!(place.run("dump.bin -m allocs --show-internal").ok(), "outer;small;memtrack_malloc 7\n");
    assert_eq!(
        place.run("dump.bin -m allocs --show-internal --reverse").ok(),
        "memtrack_malloc;small;outer 7\n"
    );
}

#[test]
fn addr2line_accepts_our_offsets() {
    let place = c_program(&["-O2", "-g"]);
    let plain = place.run("dump.bin -m allocs --no-symbols --filter .").ok();
    let offset =
        plain.lines().find_map(|line| line.strip_suffix(" 2")).unwrap().strip_prefix("program+").unwrap();
    let name = run(Command::new("addr2line").args(["-f", "-e"]).arg(place.path("program")).arg(offset));
    assert_eq!(name.lines().next(), Some("small"));
}

#[test]
fn symbol_tables_name_functions_without_debug_information() {
    let place = c_program(&["-O2"]);
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.ok(), "memtrack_malloc 3\nouter 2\n");
    assert!(place.run("info dump.bin").ok().contains("symbol table"));
}

#[test]
fn shared_libraries_have_names_where_they_have_symbols() {
    let place = Place::with(b"");
    let library = place.compile(
        "lib.c",
        LIBRARY,
        "libcart.so",
        &["-O2", "-shared", "-fPIC", "-Wl,--build-id=sha1", "-Wl,-soname,libcart.so"],
    );
    let at = format!("-Wl,-rpath,{}", place.dir.path().display());
    let flags = linked(&["-O2", "-DLIBRARY", "./libcart.so"]);
    let program = place.compile("program.c", C, "program", &[&flags[..], &[&at]].concat());
    place.file("dump.bin", &printed(&program).dump());
    assert_eq!(place.run("dump.bin -m allocs").ok(), "hidden 4\nmemtrack_malloc 3\nouter 2\n");
    // After `strip`, only dynamic symbols are left. `exported` is one of them, and must not name `hidden`,
    // which lies before it.
    run(Command::new("strip").arg(&library));
    run(Command::new("strip").arg(&program));
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.code, 0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("libcart.so+0x") && lines[0].ends_with(" 4"), "{lines:?}");
    assert!(lines[1].starts_with("program+0x"), "{lines:?}");
    let warning = ran.stderr.trim_end();
    assert_eq!(warning.lines().count(), 1, "one warning with a count: {warning}");
    assert!(warning.contains("3 addresses without a name, shown as module+0xoffset"), "{warning}");
    assert!(warning.contains("libcart.so: no debug information, and no symbol there (1)"), "{warning}");
}

#[test]
fn dynamic_symbols_name_a_stripped_library() {
    let place = Place::with(b"");
    let flags = ["-O2", "-DPUBLIC", "-shared", "-fPIC", "-Wl,--build-id=sha1", "-Wl,-soname,libcart.so"];
    let library = place.compile("lib.c", LIBRARY, "libcart.so", &flags);
    let at = format!("-Wl,-rpath,{}", place.dir.path().display());
    let flags = linked(&["-O2", "-g", "-DLIBRARY", "./libcart.so"]);
    let program = place.compile("program.c", C, "program", &[&flags[..], &[&at]].concat());
    place.file("dump.bin", &printed(&program).dump());
    run(Command::new("strip").arg(&library));
    assert_eq!(place.run("dump.bin -m allocs").ok(), "hidden 4\nmemtrack_malloc 3\nouter;small 2\n");
}

#[test]
fn a_function_without_name_is_one_frame() {
    let place = Place::with(b"");
    place.file("cart.h", CART.as_bytes());
    let program = place.compile("twice.c", TWICE, "program", &linked(&["-O2"]));
    place.file("dump.bin", &printed(&program).dump());
    let symbols = run(Command::new("nm").arg(&program));
    let start = |name: &str| {
        let line = symbols.lines().find(|line| line.ends_with(&format!(" {name}"))).expect("a symbol");
        u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap()
    };
    let expected = format!("program+{:#x} 5\nprogram+{:#x} 4\n", start("twice"), start("outer"));
    run(Command::new("strip").arg(&program));
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(lines(&ran.stdout), lines(&expected));
    assert!(ran.stderr.contains("3 addresses without a name"), "{}", ran.stderr);
    // With --no-symbols, each address is a frame of its own.
    assert_eq!(place.run("dump.bin -m allocs --no-symbols").ok().lines().count(), 3);
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
